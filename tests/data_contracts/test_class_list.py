"""The classes of a contract: what becomes of retired ones, and what a prompt says of them."""

import re

import pytest

from data_contracts.errors import ContractBroken
from tests.support.contracts import Change, column, read_changed, with_class

RENAMED = with_class("scratches", retired=True, successor="grooves")
GROOVES = with_class("grooves")
SPLIT = with_class("scratches", retired=True, splitInto=["grooves", "hairlines"])
HAIRLINES = with_class("hairlines")


def test_a_retired_class_is_not_asked_of_the_model() -> None:
    contract = read_changed(RENAMED, GROOVES)

    assert "scratches" not in contract.labels
    assert "scratches" not in contract.answers()


@pytest.mark.parametrize("name", ["scratches", "Scratch", "grooves"])
def test_the_names_of_a_retired_class_mean_its_successor(name: str) -> None:
    contract = read_changed(with_class("scratches", retired=True, successor="grooves", aliases=["scratch"]), GROOVES)

    assert contract.label_of(name) == "grooves"


def test_images_of_a_retired_class_count_for_its_successor() -> None:
    counts = read_changed(RENAMED, GROOVES).counted({"scratches": 30, "grooves": 5, "crazing": 7})

    assert counts == {"grooves": 35, "crazing": 7}


def test_a_split_class_keeps_its_name_for_a_person_to_decide() -> None:
    contract = read_changed(SPLIT, GROOVES, HAIRLINES)

    assert contract.label_of("scratches") == "scratches"
    assert contract.labels[-2:] == ("grooves", "hairlines")


def test_a_class_may_be_part_of_a_wider_one() -> None:
    contract = read_changed(with_class("scratches", parent="lines"))

    assert contract.classes[-1].parent == "lines"


def test_a_class_says_how_its_images_may_be_mirrored() -> None:
    contract = read_changed(with_class("scratches", flips=["horizontal", "vertical"]))

    assert set(contract.flips("scratches")) == {"horizontal", "vertical"}
    assert not contract.flips("patches")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param([RENAMED], "is replaced by 'grooves', which is no class", id="successor unknown"),
        pytest.param([SPLIT, GROOVES], "is replaced by 'hairlines', which is no class", id="split into an unknown one"),
        pytest.param(
            [with_class("scratches", successor="patches")], "has a successor or splitInto but is not", id="not retired"
        ),
        pytest.param(
            [RENAMED, with_class("grooves", retired=True, successor="patches")],
            "is replaced by 'grooves', which is retired itself",
            id="a chain",
        ),
        pytest.param(
            [RENAMED, with_class("grooves", retired=True, successor="scratches")],
            "is replaced by 'grooves', which is retired itself",
            id="a circle",
        ),
        pytest.param(
            [with_class("scratches", retired=True, successor="scratches")],
            "is replaced by 'scratches', which is retired itself",
            id="its own successor",
        ),
        pytest.param(
            [with_class("scratches", retired=True, splitInto=["patches"])], "needs two or more", id="split into one"
        ),
        pytest.param(
            [with_class("scratches", retired=True, splitInto=["patches", "patches"])],
            "needs two or more different",
            id="split into the same",
        ),
        pytest.param(
            [with_class("scratches", retired=True, successor="patches", splitInto=["crazing", "patches"])],
            "images can only go one way",
            id="both ways",
        ),
        pytest.param([with_class("scratches", parent="scratches")], "is its own parent", id="its own parent"),
        pytest.param(
            [with_class("scratches", parent="patches"), with_class("patches", parent="crazing")],
            "has the parent 'patches', which has a parent itself",
            id="two levels",
        ),
        pytest.param(
            [with_class("scratches", retired="yes")], ": retired: Input should be a valid boolean", id="a word"
        ),
        pytest.param([with_class("scratches", retired=1)], ": retired: Input should be a valid boolean", id="a number"),
        pytest.param(
            [with_class("scratches", retired=True, splitInto="patches")],
            ": split_into: Input should be a valid tuple",
            id="splitInto without brackets",
        ),
        pytest.param(
            [with_class("scratches", successor=7)], ": successor: Input should be a valid string", id="a number"
        ),
        pytest.param(
            [with_class("scratches", answer=["a"])], ": answer: Input should be a valid string", id="answers in a list"
        ),
        pytest.param(
            [with_class("scratches", answer=None)], ": answer: Input should be a valid string", id="no answer"
        ),
        pytest.param(
            [with_class("scratches", flips=["diagonal"])],
            ": flips.0: Input should be 'horizontal' or 'vertical'",
            id="an unknown flip",
        ),
        pytest.param(
            [with_class("scratches", flips="vertical")], ": flips: Input should be a valid tuple", id="flips in no list"
        ),
        pytest.param(
            [with_class("scratches", flips=["vertical", "vertical"])],
            "flips ['vertical', 'vertical'] names one twice",
            id="a flip twice",
        ),
        pytest.param([with_class("scratches", answer=" ")], "has a name, answer or alias without a letter", id="blank"),
    ],
)
def test_a_class_that_leads_nowhere_is_named(changes: list[Change], message: str) -> None:
    with pytest.raises(ContractBroken, match=r"^loop.odcs.yaml: class 'scratches'.*") as caught:
        read_changed(*changes)

    assert message in str(caught.value)


@pytest.mark.parametrize("value", [True, None, 1.5])
def test_a_class_whose_name_yaml_takes_for_something_else_wants_quotes(value: object) -> None:
    with pytest.raises(ContractBroken, match=f"the class {value} is no text; write its name in quotes"):
        read_changed(lambda document: column(document, "label")["enum"].append({"value": value}))


def test_a_contract_whose_classes_are_all_retired_but_one_makes_no_loop() -> None:
    others = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale")

    with pytest.raises(ContractBroken, match="lists 1 classes"):
        read_changed(*(with_class(name, retired=True) for name in others))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([with_class("patches", answer="A"), with_class("scratches", answer="A.")], "'A.' is read as both patches and"),
        ([with_class("scratches", answer='"Patches"')], "'\"Patches\"' is read as both patches and scratches"),
        ([with_class("scratches", answer="?")], "'?' of class 'scratches' is read as no answer; add a letter"),
    ],
)
def test_answers_that_cannot_be_read_apart_are_refused(changes: list[Change], message: str) -> None:
    with pytest.raises(ContractBroken, match=f"^loop.odcs.yaml: .*{re.escape(message)}"):
        read_changed(*changes)


def test_a_retired_class_may_be_read_like_another() -> None:
    contract = read_changed(with_class("scratches", retired=True), with_class("scratches."))

    assert contract.labels[-1] == "scratches."


def test_a_misspelt_property_of_a_class_is_no_default() -> None:
    with pytest.raises(ContractBroken, match="there is no customProperty 'succesor' here; known are aliases, answer"):
        read_changed(with_class("scratches", succesor="patches"))


def test_a_prompt_lists_names_where_they_are_the_answers() -> None:
    lines = read_changed(with_class("patches")).class_list().splitlines()

    assert lines[:2] == ["- crazing", "- inclusion"]


def test_a_prompt_says_what_each_code_means() -> None:
    lines = read_changed(with_class("crazing", answer="A")).class_list().splitlines()

    assert lines[0] == "- A: crazing. A network of fine cracks all over the surface."
    assert lines[-1] == "The name of a class is what stands before a colon."
