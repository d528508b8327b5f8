"""The state of a loop: a fold over its ledger."""

from datetime import timedelta

import pytest

from data_contracts.evaluation import Action
from data_contracts.ledger import (
    Actor,
    Approved,
    BatchFinished,
    BatchIntended,
    BatchSubmitted,
    CheckpointChosen,
    CostBooked,
    DatasetFrozen,
    Evaluated,
    Event,
    Paused,
    Resumed,
    TrainingFinished,
    TrainingSubmitted,
)
from data_contracts.training import Checkpoint, JobStatus
from decisions.loop_state import LoopState, state_of
from tests.decisions.builders import (
    BASE,
    FIRST_MODEL,
    START,
    accepted,
    closed,
    decided,
    deployment_created,
    deployment_deleted,
    deployment_intended,
    entry,
    held_out_made,
    looked,
    opened,
    state_after,
    switched,
    training_intended,
)

FROZEN = DatasetFrozen(dataset="5" * 64, path="any", counts={"train": 100})
BATCH = BatchIntended(version="v1", model=BASE, model_deployment="b1", file="any", input_file="file-1", images=300)
SUBMITTED = TrainingSubmitted(suffix="k1", job="ftjob-1", found=False)
FINISHED = TrainingFinished(
    suffix="k1",
    attempt=1,
    job="ftjob-1",
    status=JobStatus.FAILED,
    model=None,
    trained_tokens=None,
    problem="the service lost it",
)
CHOSEN = CheckpointChosen(checkpoint=Checkpoint(model=FIRST_MODEL, step=3), reason="any", flags=())
YES = Approved(yes=True, reason="looked at it")


def evaluated(model: str, *, correct: int = 250) -> Evaluated:
    return Evaluated(
        version="v1",
        model=model,
        model_deployment="any",
        images=300,
        correct=correct,
        path="any",
        digest="6" * 64,
        prompt_tokens=1,
        completion_tokens=1,
    )


def cost(usd: float) -> CostBooked:
    return CostBooked(what="training", subject="ftjob-1", usd=usd, basis="any")


def test_an_empty_ledger_is_a_loop_in_which_nothing_happened() -> None:
    state = state_of([])

    assert state == LoopState()
    assert (state.open_iteration, state.champion, state.uses_spent, state.batches_learned) == (None, None, 0, 0)


def test_accepted_images_are_counted_by_class_over_all_batches() -> None:
    state = state_after(accepted(crazing=60, patches=40), accepted(batch="tuesday", crazing=5, scratches=7))

    assert state.class_counts() == {"crazing": 65, "patches": 40, "scratches": 7}


def test_training_images_are_new_until_an_iteration_can_learn_from_them() -> None:
    monday, tuesday = accepted(train=100), accepted(batch="tuesday", train=20)

    assert state_after(monday, tuesday).new_training_images() == 120
    assert state_after(monday, opened(batches=1), tuesday).new_training_images() == 20
    assert state_after(monday, tuesday, opened(batches=2)).new_training_images() == 0


def test_an_iteration_is_open_until_it_is_closed() -> None:
    under_way, ended = state_after(opened()), state_after(opened(), closed())

    assert under_way.open_iteration is not None
    assert ended.open_iteration is None


def test_an_iteration_knows_when_it_was_opened_and_closed() -> None:
    iteration = state_after(accepted(), opened(), FROZEN, closed()).iterations[0]

    assert iteration.opened_at == START + timedelta(hours=1)
    assert iteration.closed_at == START + timedelta(hours=3)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (FROZEN, "dataset"),
        (training_intended(), "intended"),
        (SUBMITTED, "submitted"),
        (FINISHED, "finished"),
        (CHOSEN, "checkpoint"),
        (BATCH, "batch_intended"),
        (BatchSubmitted(batch="batch_1", found=False), "batch_submitted"),
        (BatchFinished(batch="batch_1", status="completed", answered=300), "batch_finished"),
        (looked(), "looked"),
        (decided(action=Action.KEEP), "decided"),
        (YES, "approved"),
        (switched(), "switched"),
        (closed(), "closed"),
    ],
)
def test_an_event_fills_its_own_field_of_the_newest_iteration(event: Event, field: str) -> None:
    first, second = state_after(opened(1), closed(1), opened(2), event).iterations

    assert getattr(second, field) == event
    assert field == "closed" or getattr(first, field) is None


def test_what_has_not_happened_is_none() -> None:
    iteration = state_after(opened()).iterations[0]

    happened = {name for name, value in iteration if value not in (None, (), {})}
    assert happened == {"opened", "opened_at", "contract"}


def test_a_second_attempt_forgets_the_job_of_the_first() -> None:
    iteration = state_after(
        opened(), training_intended(), SUBMITTED, FINISHED, training_intended(attempt=2)
    ).iterations[0]

    assert (iteration.submitted, iteration.finished) == (None, None)
    assert iteration.intended == training_intended(attempt=2)
    assert iteration.intended_at == START + timedelta(hours=4)


def test_evaluations_are_kept_by_model_and_a_later_one_supersedes() -> None:
    iteration = state_after(
        opened(), evaluated(BASE, correct=1), evaluated(FIRST_MODEL), evaluated(BASE, correct=2)
    ).iterations[0]

    assert {model: each.correct for model, each in iteration.evaluations.items()} == {BASE: 2, FIRST_MODEL: 250}


def test_costs_add_up_in_the_order_booked() -> None:
    iteration = state_after(opened(), cost(12.5), cost(0.5)).iterations[0]

    assert [booked.usd for booked in iteration.costs] == [12.5, 0.5]


def test_a_cost_is_booked_on_the_iteration_that_its_entry_names() -> None:
    entries = [
        entry(opened(1), 0, iteration=1),
        entry(closed(1), 1, iteration=1),
        entry(opened(2), 2, iteration=2),
        entry(cost(12.5), 3, iteration=1),
    ]

    first, second = state_of(entries).iterations

    assert (first.costs, second.costs) == ((cost(12.5),), ())


def test_a_cost_of_no_iteration_is_kept_beside_them() -> None:
    state = state_of([entry(opened(), iteration=1), entry(cost(0.5), 1)])

    assert (state.iterations[0].costs, state.other_costs) == ((), (cost(0.5),))


def test_an_entry_that_has_to_name_its_iteration_and_does_not_is_named() -> None:
    with pytest.raises(ValueError, match="Entry 7, dataset frozen, names no iteration"):
        state_of([entry(opened(), iteration=1), entry(FROZEN, 7)])


def test_the_switch_makes_the_champion_and_outlives_its_iteration() -> None:
    state = state_after(opened(), switched(FIRST_MODEL), closed(), opened(2))

    assert state.champion == switched(FIRST_MODEL)


@pytest.mark.parametrize(
    ("events", "asks"),
    [
        ((), False),
        ((decided(action=Action.ASK),), True),
        ((decided(action=Action.KEEP),), False),
        ((decided(action=Action.PROMOTE),), False),
        ((decided(action=Action.ASK), YES), False),
        ((decided(action=Action.ASK), Approved(yes=False, reason="no")), False),
    ],
)
def test_a_person_is_asked_until_an_answer_of_either_kind_came(events: tuple[Event, ...], asks: bool) -> None:  # noqa: FBT001
    assert state_after(opened(), *events).iterations[0].asks_a_person is asks


def test_an_approval_keeps_the_name_of_the_person() -> None:
    ines = Actor(name="ines@example.com", established="signed in")

    state = state_of([entry(opened(), iteration=1), entry(YES, 1, iteration=1, actor=ines)])

    assert state.iterations[0].approved_by == "ines@example.com"


def test_looks_are_counted_over_all_iterations_on_one_held_out_version() -> None:
    state = state_after(held_out_made("v1"), opened(), looked("v1"), closed(), opened(2), looked("v1"))

    assert state.uses_spent == 2


def test_a_new_held_out_version_starts_with_no_look() -> None:
    state = state_after(held_out_made("v1"), opened(), looked("v1"), held_out_made("v2"))

    assert state.uses_spent == 0
    assert len(state.looks) == 1


def test_an_intended_model_deployment_may_be_billed_before_it_answers() -> None:
    live = state_after(deployment_intended("k1")).deployments["k1"]

    assert (live.model, live.sku, live.intended_at, live.answering) == (FIRST_MODEL, "GlobalStandard", START, False)


def test_a_created_model_deployment_answers() -> None:
    state = state_after(deployment_intended("k1"), deployment_created("k1"))

    assert state.deployments["k1"].answering


def test_a_deleted_model_deployment_is_gone_and_the_others_stay() -> None:
    state = state_after(deployment_intended("k1"), deployment_intended("k2"), deployment_deleted("k1"))

    assert set(state.deployments) == {"k2"}


def test_a_deletion_that_is_written_twice_changes_nothing_more() -> None:
    once = (deployment_intended("k1"), deployment_intended("k2"), deployment_deleted("k1"))

    assert state_after(*once, deployment_deleted("k1")) == state_after(*once)


def test_folding_on_never_changes_the_state_before() -> None:
    before = state_after(opened(), deployment_intended("k1"), evaluated(BASE))
    copy = before.model_copy(deep=True)

    state_after(opened(), deployment_intended("k1"), evaluated(BASE), evaluated(FIRST_MODEL), deployment_deleted("k1"))

    assert before == copy


def test_a_pause_says_who_when_and_why() -> None:
    pause = state_after(accepted(), Paused(why="line 2 is rebuilt")).pause

    assert pause is not None
    assert (pause.by, pause.established, pause.paused.why) == ("ines", "command line", "line 2 is rebuilt")
    assert pause.at == START + timedelta(hours=1)


def test_a_pause_without_an_end_holds_for_ever() -> None:
    pause = state_after(Paused(why="any")).pause

    assert pause is not None
    assert pause.in_force(START + timedelta(days=3650))


def test_a_pause_ends_by_itself_at_its_time() -> None:
    until = START + timedelta(days=3)
    pause = state_after(Paused(why="any", until=until)).pause

    assert pause is not None
    assert pause.in_force(until)
    assert not pause.in_force(until + timedelta(seconds=1))


def test_of_two_pauses_the_later_counts() -> None:
    pause = state_after(Paused(why="first", until=START), Paused(why="second")).pause

    assert pause is not None
    assert (pause.paused.why, pause.paused.until) == ("second", None)


def test_a_resumed_loop_is_not_paused() -> None:
    assert state_after(Paused(why="any"), Resumed()).pause is None
