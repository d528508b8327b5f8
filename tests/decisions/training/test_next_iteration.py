"""Whether another turn of the loop is worth its money."""

from data_contracts.ledger import Event
from data_contracts.policies import TrainingPolicy
from decisions.training.next_iteration import Plan, missing_images, plan_iteration
from tests.decisions.builders import BASE, FIRST_MODEL, accepted, closed, image_contract, opened, state_after, won_turn
from tests.support.chats import contract

LABELS = ("crazing", "scratches")
ENOUGH = accepted(train=100, held_out=30, crazing=65, scratches=65)


def plan(*events: Event, smallest_addition: int = 50) -> Plan:
    policy = TrainingPolicy(base_model=BASE, smallest_addition=smallest_addition)
    return plan_iteration(state_after(*events), policy, image_contract(), "Which defect?")


def test_enough_images_of_every_class_open_the_first_iteration_from_the_base_model() -> None:
    assert plan(ENOUGH) == Plan(
        worthwhile=True, parent=BASE, mode="restart", reason=f"100 new training images, starting from {BASE}"
    )


def test_without_images_every_class_is_named_with_what_it_has() -> None:
    assert plan() == Plan(
        worthwhile=False,
        parent=BASE,
        mode="restart",
        reason="each class needs 20 images: crazing has 0, scratches has 0",
    )


def test_a_class_with_too_few_images_holds_everything_back() -> None:
    nearly = plan(accepted(crazing=111, scratches=19))

    assert not nearly.worthwhile
    assert nearly.reason == "each class needs 20 images: scratches has 19"


def test_images_of_several_batches_count_together() -> None:
    batches = [accepted(batch=f"batch {n}", train=15, held_out=5, crazing=10, scratches=10) for n in range(4)]

    assert plan(*batches).worthwhile


def test_without_a_held_out_image_nothing_could_be_proved() -> None:
    decision = plan(accepted(train=130, held_out=0, crazing=65, scratches=65))

    assert not decision.worthwhile
    assert decision.reason == "no accepted example is held out, so nothing could be proved"


def test_too_few_new_training_images_wait_for_more() -> None:
    learned = (ENOUGH, opened(batches=1), closed())

    decision = plan(*learned, accepted(batch="tuesday", train=49, held_out=20, crazing=69))

    assert not decision.worthwhile
    assert decision.reason == "49 new training images; the policy asks for 50"


def test_as_many_new_training_images_as_the_policy_asks_for_are_enough() -> None:
    learned = (ENOUGH, opened(batches=1), closed())

    assert plan(*learned, accepted(batch="tuesday", train=50, held_out=0, crazing=50)).worthwhile


def test_held_out_images_are_nothing_to_learn_from() -> None:
    learned = (ENOUGH, opened(batches=1), closed())

    assert not plan(*learned, accepted(batch="tuesday", train=0, held_out=500, crazing=500)).worthwhile


def test_a_later_iteration_continues_from_the_champion() -> None:
    decision = plan(ENOUGH, *won_turn(1, FIRST_MODEL), accepted(batch="tuesday", train=29), smallest_addition=20)

    assert (decision.worthwhile, decision.parent) == (True, FIRST_MODEL)


def test_the_champion_is_the_parent_even_while_there_is_nothing_to_learn() -> None:
    assert plan(ENOUGH, *won_turn(1, FIRST_MODEL)).parent == FIRST_MODEL


def test_only_classes_of_the_contract_can_be_short_of_images() -> None:
    assert missing_images({"crazing": 20, "rust": 1}, LABELS, 20) == {"scratches": 0}


def test_a_loop_of_chats_waits_for_chats_and_has_no_classes_to_name() -> None:
    few = plan_iteration(
        state_after(accepted(chat=3)), TrainingPolicy(base_model=BASE), contract(smallest_class=50), ""
    )

    assert few.reason == "3 chats; the contract asks for 50"
