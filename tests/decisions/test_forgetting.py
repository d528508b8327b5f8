"""Forgetting images: which ones are meant, and what they no longer count for."""

import pytest

from data_contracts.errors import WrongInput
from data_contracts.images import Split
from data_contracts.ledger import Event, ImagesErased
from data_contracts.policies import TrainingPolicy
from decisions.forgetting import arrived_again, by_digests, by_source, forgotten_of_batches
from decisions.loop_state import state_of
from decisions.training.next_iteration import Plan, plan_iteration
from tests.decisions.builders import (
    BASE,
    FIRST_MODEL,
    SECOND_MODEL,
    accepted,
    closed,
    facts,
    forgotten,
    image_contract,
    labeled,
    opened,
    state_after,
    won_turn,
)

ONE, OTHER = "ab" * 32, "ab" * 31 + "cd"
MONDAY = [
    labeled(ONE, source="monday/crazing/a.jpg", who="ines"),
    labeled(OTHER, source="monday/scratches/b.jpg", who="jo", label="scratches", split=Split.HELD_OUT),
    labeled("ef" * 32, source="mondays/crazing/c.jpg", who="jo"),
]
ENOUGH = accepted(train=100, held_out=30, crazing=65, scratches=65)


def plan(*events: Event) -> Plan:
    return plan_iteration(state_after(*events), TrainingPolicy(base_model=BASE), image_contract(), "Which defect?")


def test_a_whole_digest_or_enough_of_it_names_an_image() -> None:
    assert by_digests(MONDAY, [ONE, "efefefef", "EF" * 32]) == [MONDAY[0], MONDAY[2]]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("abab", "'abab' is too short for a digest; give 8 or more of its 64 digits"),
        ("ab" * 8, f"begins 2 digests, such as {ONE} and {OTHER}; give more digits"),
        ("ef" * 31 + "00", "No image has the digest 'efef.*ef00'$"),
        ("nothing!", "'nothing!' is no digest: its digits are 0 to 9 and a to f"),
    ],
)
def test_a_digest_that_names_no_one_image_is_refused_with_what_helps(wanted: str, told: str) -> None:
    with pytest.raises(WrongInput, match=told):
        by_digests(MONDAY, [wanted])


@pytest.mark.parametrize(
    ("name", "digests"),
    [
        ("jo", [OTHER, "ef" * 32]),
        ("monday", [ONE, OTHER]),
        ("monday/", [ONE, OTHER]),
        ("monday/crazing", [ONE]),
        ("monday/crazing/a.jpg", [ONE]),
    ],
)
def test_a_source_is_a_contributor_a_batch_or_a_path_in_it(name: str, digests: list[str]) -> None:
    assert [image.digest for image in by_source(MONDAY, name)] == digests


@pytest.mark.parametrize("name", ["mon", "monday/cra", "crazing", "/", ""])
def test_half_a_name_is_no_source(name: str) -> None:
    with pytest.raises(WrongInput, match=f"No image comes from '{name}'; did you mean"):
        by_source(MONDAY, name)


def test_images_are_counted_by_batch_class_and_split() -> None:
    counted = {each.batch: (each.classes, each.splits) for each in forgotten_of_batches(MONDAY)}

    assert counted == {
        "monday": ({"crazing": 1, "scratches": 1}, {"held-out": 1, "train": 1}),
        "mondays": ({"crazing": 1}, {"train": 1}),
    }


def test_forgotten_images_count_neither_for_their_class_nor_as_new() -> None:
    state = state_after(ENOUGH, forgotten("a", "b", train=2))

    assert state.class_counts() == {"crazing": 63, "scratches": 65}
    assert state.new_training_images() == 98
    assert state.forgotten == {"a", "b"}


def test_bytes_are_to_be_erased_until_the_ledger_says_that_they_were() -> None:
    asked = (ENOUGH, forgotten("a", train=1, erase=True))
    done = state_after(*asked, ImagesErased(digests=("a",), files=2))

    assert state_after(*asked).to_erase == {"a"}
    assert not done.to_erase
    assert done.erased == done.forgotten == {"a"}


def test_a_forgotten_picture_is_refused_when_it_arrives_again_whatever_its_bytes() -> None:
    files = [facts("same.jpg"), facts("copy.png", picture="same.jpg"), facts("other.jpg")]

    refused = arrived_again(files, {"pixels of same.jpg"})

    assert [(each.file, each.code) for each in refused] == [("same.jpg", "forgotten"), ("copy.png", "forgotten")]


def test_models_that_continued_one_that_learned_from_forgotten_images_know_them_too() -> None:
    turns = (*won_turn(1, FIRST_MODEL), *won_turn(2, SECOND_MODEL, parent=FIRST_MODEL), *won_turn(3, "clean"))

    state = state_after(ENOUGH, *turns, forgotten("a", train=1, trained=(1,)))

    assert state.models_to_replace == {FIRST_MODEL, SECOND_MODEL}


def test_after_forgetting_what_the_champion_learned_from_training_restarts_from_the_base_model() -> None:
    decision = plan(ENOUGH, *won_turn(1, FIRST_MODEL), forgotten("a", train=1, trained=(1,)))

    assert (decision.worthwhile, decision.parent) == (True, BASE)
    assert decision.reason.endswith(f"restarting from {BASE}: the champion learned from examples that were forgotten")


def test_a_restart_is_tried_once_and_then_waits_for_new_images_as_any_iteration() -> None:
    restarted = (ENOUGH, *won_turn(1, FIRST_MODEL), forgotten("a", train=1, trained=(1,)), opened(2), closed(2))

    assert not plan(*restarted).worthwhile
    later = plan(*restarted, accepted(batch="tuesday", train=50, crazing=80))
    assert (later.worthwhile, later.parent) == (True, BASE)


def test_forgetting_what_no_model_learned_from_changes_nothing_for_the_next_iteration() -> None:
    decision = plan(ENOUGH, *won_turn(1, FIRST_MODEL), forgotten("a", train=1))

    assert (decision.worthwhile, decision.parent) == (False, FIRST_MODEL)


def test_a_ledger_without_forgotten_images_has_none() -> None:
    assert state_of([]).forgotten == frozenset()
    assert not state_after(ENOUGH, *won_turn(1, FIRST_MODEL)).must_restart
