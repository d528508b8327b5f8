"""Reading the data contract: the shipped one reads, a broken one is named by file, place and value."""

import copy
import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
import yaml

from data_contracts.contract_file import read_contract
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import GroupRule, ImageContract
from data_contracts.images import ImageFacts

SHIPPED = resources.files("data_contracts").joinpath("steel_surface.odcs.yaml").read_bytes()
Document = dict[str, Any]
Change = Callable[[Document], object]


def read(content: bytes) -> ImageContract:
    return read_contract(content, name="loop.odcs.yaml")


def changed(change: Change) -> bytes:
    """The shipped contract with one thing changed."""
    document = copy.deepcopy(yaml.safe_load(SHIPPED))
    change(document)
    return yaml.safe_dump(document, sort_keys=False).encode()


def table(document: Document) -> Document:
    return dict(document)["schema"][0]  # type: ignore[no-any-return]


def column(document: Document, name: str) -> Document:
    return next(each for each in table(document)["properties"] if each["name"] == name)


def classes(document: Document) -> list[Document]:
    return column(document, "label")["enum"]  # type: ignore[no-any-return]


def rule(document: Document, name: str) -> Document:
    return column(document, name)["quality"][0]  # type: ignore[no-any-return]


def custom(document: Document, name: str) -> Document:
    return next(each for each in table(document)["customProperties"] if each["property"] == name)


def with_aliases(aliases: object) -> Change:
    return lambda document: classes(document)[0].update(customProperties=[{"property": "aliases", "value": aliases}])


def with_custom(name: str, value: object) -> Change:
    return lambda document: table(document)["customProperties"].append({"property": name, "value": value})


def test_the_shipped_contract_reads() -> None:
    contract = read(SHIPPED)

    assert (contract.id, contract.version, contract.smallest_class) == ("steel-surface", "1.0.0", 20)
    assert contract.labels == ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")


def test_the_shipped_contract_has_a_split_and_rules_of_known_facts() -> None:
    contract = read(SHIPPED)

    assert (contract.split.salt, contract.split.held_out, contract.split.validation) == ("steel-surface-1", 0.25, 0.1)
    assert {each.column for each in contract.rules if each.column} <= set(ImageFacts.model_fields)
    assert [each.id for each in contract.rules] == [
        "wrong_format",
        "unusual_mode",
        "too_many_bytes",
        "wrong_width",
        "wrong_height",
        "animated",
        "no_contrast",
        "blurred",
        "badly_lit",
        "tinted",
        "uneven_light",
        "odd_shape",
        "mostly_sharp",
    ]


def test_the_digest_is_that_of_the_files_bytes() -> None:
    assert read(SHIPPED).digest == hashlib.sha256(SHIPPED).hexdigest()
    assert read(SHIPPED + b"# a remark\n").digest != read(SHIPPED).digest


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("crazing", "crazing"),
        ("Rolled In-Scale", "rolled-in_scale"),
        ("PITS", "pitted_surface"),
        ("  scratch ", "scratches"),
        ("rust", None),
        ("crazing2", None),
    ],
)
def test_a_class_is_known_by_its_name_and_aliases_however_they_are_spelled(name: str, label: str | None) -> None:
    assert read(SHIPPED).label_of(name) == label


def test_a_class_may_answer_under_another_name() -> None:
    content = changed(lambda d: classes(d)[0].update(customProperties=[{"property": "answer", "value": "cracks"}]))

    contract = read(content)

    assert contract.answers()["crazing"] == "cracks"
    assert contract.label_of("Cracks") == "crazing"


def test_without_its_own_size_a_contract_asks_for_twenty_images_a_class() -> None:
    content = changed(lambda d: table(d)["customProperties"].remove(custom(d, "smallestClass")))

    assert read(content).smallest_class == 20


def test_two_classes_are_enough_for_a_loop() -> None:
    content = changed(lambda d: column(d, "label").update(enum=classes(d)[:2]))

    assert read(content).labels == ("crazing", "inclusion")


@pytest.mark.parametrize(
    "rule",
    [
        {"from": "folder"},
        {"from": "file name", "pattern": r"part-\d+"},
        {"from": "column", "column": "serial"},
        {"from": "seconds", "seconds": 60},
    ],
)
def test_what_tells_the_group_is_kept(rule: Document) -> None:
    assert read(changed(with_custom("group", rule))).group == GroupRule.model_validate(rule)


def test_a_misspelt_engine_does_not_drop_its_rule_in_silence() -> None:
    content = changed(lambda d: rule(d, "width").update(engine="greatexpectations"))

    with pytest.raises(ContractBroken, match=r"rule 'wrong_width' of 'width' has the engine 'greatexpectations'"):
        read(content)


@pytest.mark.parametrize("name", ["smalestClass", "groupPattern"])
def test_a_misspelt_custom_property_does_not_fall_back_to_its_default(name: str) -> None:
    with pytest.raises(ContractBroken, match=f"there is no customProperty '{name}' here; known are balance, group, "):
        read(changed(with_custom(name, 30)))


def test_splits_leave_something_to_train_on() -> None:
    content = changed(lambda d: custom(d, "split").update(value={"salt": "s", "held_out": 0.7, "validation": 0.3}))

    with pytest.raises(ContractBroken, match="leave no training images"):
        read(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "holds NoneType, not a data contract", id="empty"),
        pytest.param(b"# nothing\n", "holds NoneType, not a data contract", id="only a remark"),
        pytest.param(b"- 1\n- 2\n", "holds list, not a data contract", id="a list"),
        pytest.param(b"hello", "holds str, not a data contract", id="a word"),
        pytest.param(b"kind: [1", "is not YAML: .* line 1, column", id="an open bracket"),
        pytest.param(b"kind: a: b", "is not YAML: .* line 1, column", id="two colons"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "is not YAML", id="a picture"),
        pytest.param(b"kind: caf\xe9", "is not YAML", id="latin-1"),
        pytest.param(b"created: 2026-99-99", "is not YAML: month must be in 1..12", id="no such date"),
        pytest.param(b"[" * 1500, "is not YAML", id="thousands of brackets"),
        pytest.param(b"kind: !!python/object/apply:os.getcwd []", "is not YAML", id="code"),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_no_contract(content: bytes, message: str) -> None:
    with pytest.raises(ContractBroken, match=f"^loop.odcs.yaml {message}"):
        read(content)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(lambda d: d.update(statuss="active"), "at the top level: .*'statuss'", id="typo at the top"),
        pytest.param(
            lambda d: column(d, "width").update(requird=True),
            "at schema/0/properties/4: .*'requird'",
            id="typo in a property",
        ),
        pytest.param(
            lambda d: rule(d, "width").update(engin="x"),
            "at schema/0/properties/4/quality/0: .*'engin'",
            id="typo in a rule",
        ),
        pytest.param(
            lambda d: classes(d)[2].update(descriptin="x"),
            "at schema/0/properties/0/enum/2: .*'descriptin'",
            id="typo in a class",
        ),
        pytest.param(lambda d: d.update(version=1.0), "at version: 1.0 is not of type 'string'", id="float version"),
        pytest.param(lambda d: d.pop("version"), "at the top level: 'version' is a required property", id="no version"),
        pytest.param(lambda d: d.update(apiVersion="v9"), "at apiVersion: 'v9' is not one of", id="unknown standard"),
        pytest.param(
            lambda d: rule(d, "format").pop("implementation"),
            "at schema/0/properties/1/quality/0: 'implementation' is a required property",
            id="rule without implementation",
        ),
    ],
)
def test_what_violates_the_standard_is_named_by_its_place(change: Change, place: str) -> None:
    with pytest.raises(ContractBroken, match=f"^loop.odcs.yaml, {place}"):
        read(changed(change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda d: d.pop("schema"), " has 0 tables named 'images'", id="no schema"),
        pytest.param(lambda d: table(d).update(name="pictures"), " has 0 tables named 'images'", id="other table"),
        pytest.param(lambda d: d["schema"].append(table(d)), " has 2 tables named 'images'", id="two tables"),
        pytest.param(lambda d: table(d).pop("properties"), ": table 'images' has no property 'label'", id="no columns"),
        pytest.param(
            lambda d: column(d, "label").update(name="class"), ": table 'images' has no property 'label'", id="no label"
        ),
        pytest.param(
            lambda d: column(d, "label").update(enum=classes(d)[:1]),
            ": property 'label' lists 1 classes",
            id="one class",
        ),
        pytest.param(lambda d: column(d, "label").pop("enum"), ": property 'label' lists 0 classes", id="no classes"),
        pytest.param(
            lambda d: classes(d).append({"value": "crazing"}),
            ": property 'label' lists the class crazing twice",
            id="a class twice",
        ),
        pytest.param(
            lambda d: classes(d).append({"value": "Pitted Surface"}),
            ": 'pitted surface' means both pitted_surface and Pitted Surface",
            id="two classes with the same name",
        ),
        pytest.param(with_aliases(["Scratch"]), ": 'scratch' means both crazing and scratches", id="the same alias"),
        pytest.param(with_aliases(["patches"]), ": 'patches' means both crazing and patches", id="alias is a class"),
        pytest.param(
            with_aliases("cracks"),
            ": class .crazing.: aliases: Input should be a valid tuple",
            id="alias without brackets",
        ),
        pytest.param(
            with_aliases(7), ": class .crazing.: aliases: Input should be a valid tuple", id="a number as aliases"
        ),
        pytest.param(
            with_aliases([7]), ": class .crazing.: aliases.0: Input should be a valid string", id="a number as alias"
        ),
        pytest.param(
            lambda d: column(d, "width").update(name="blur"),
            ": there is no image fact 'blur' to check; known are file, bytes",
            id="unknown fact",
        ),
        pytest.param(
            lambda d: rule(d, "format").update(implementation="type: x"),
            ": rule 'wrong_format' of 'format' has no implementation with a type",
            id="implementation as text",
        ),
        pytest.param(
            lambda d: rule(d, "format").update(implementation={"kwargs": {}}),
            ": rule 'wrong_format' of 'format' has no implementation with a type",
            id="implementation without a type",
        ),
        pytest.param(
            lambda d: rule(d, "format")["implementation"].update(kwarg={}),
            ": rule 'wrong_format' of 'format' has an unknown key 'kwarg'",
            id="typo in an implementation",
        ),
        pytest.param(
            lambda d: rule(d, "format")["implementation"].update(kwargs=[1]),
            ": rule .wrong_format. of .format. has the kwargs .1.; they need names",
            id="arguments as a list",
        ),
        pytest.param(lambda d: table(d).pop("customProperties"), ": split.salt: Field required", id="no split"),
        pytest.param(lambda d: custom(d, "split")["value"].pop("salt"), ": split.salt: Field required", id="no salt"),
        pytest.param(
            lambda d: custom(d, "split")["value"].update(heldout=0.2),
            ": split.heldout: Extra inputs are not permitted",
            id="typo in the split",
        ),
        pytest.param(
            lambda d: custom(d, "split")["value"].update(held_out=0),
            ": split.held_out: Input should be greater than 0",
            id="nothing held out",
        ),
        pytest.param(
            lambda d: custom(d, "smallestClass").update(value="many"),
            ": smallest_class: Input should be a valid integer",
            id="a size in words",
        ),
        pytest.param(
            with_custom("group", {"from": "file name", "pattern": "part-(["}),
            r": group: Value error, pattern 'part-\(\[' is no regular expression: unterminated character set",
            id="pattern without an end",
        ),
        pytest.param(
            with_custom("group", {"from": "file name", "pattern": 7}),
            ": group.pattern: Input should be a valid string",
            id="no pattern",
        ),
        pytest.param(
            with_custom("group", {"from": "column"}),
            ": group: Value error, from 'column' needs column",
            id="a column without a name",
        ),
        pytest.param(
            with_custom("group", {"from": "folder", "seconds": 3}),
            ": group: Value error, from 'folder' takes no seconds",
            id="a rule of two kinds",
        ),
        pytest.param(
            with_custom("group", {"from": "seconds", "seconds": -1}),
            ": group.seconds: Input should be greater than 0",
            id="a pause below nothing",
        ),
        pytest.param(
            with_custom("group", {"from": "barcode"}), ": group.from: Input should be 'folder'", id="unknown source"
        ),
        pytest.param(with_custom("group", "part"), ": group: Input should be a valid dictionary", id="no rule"),
    ],
)
def test_what_a_loop_of_images_lacks_is_named(change: Change, message: str) -> None:
    with pytest.raises(ContractBroken, match=f"^loop.odcs.yaml{message}"):
        read(changed(change))
