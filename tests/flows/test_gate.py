"""The gate on stored evaluations of a real loop: what it decides, and what it counts."""

from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from cloud.errors import CloudUnavailable
from data_contracts.evaluation import Action, Code, Outcome
from data_contracts.ledger import LocalBaselineMeasured, ModelDeploymentIntended
from flows.ingest_images import ingest_images
from tasks.contender import Contender, contender_of, contract_asked_by
from tasks.evaluation.evaluation import book_answers
from tests.support.contracts import Change, changed, silent, with_class, with_version
from tests.support.gates import BASE, FIRST, POLICY, SECOND, THIRD, Gate, Says, nothing, often_wrong, one_class, right
from tests.support.loops import LoopFolder

PRICED = "gpt-4o-2024-08-06.ft-one"

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def gate(loop_folder: LoopFolder, images: Path) -> Gate:
    """A loop with images, before its first iteration."""
    loop_folder.deliver("one", sorted(images.glob("*/*")))
    ingest_images(loop_folder.name)
    return Gate(loop_folder)


@pytest.mark.parametrize(
    ("says", "outcome"),
    [(nothing, Outcome.EMPTY), (nothing, Outcome.OFF_LIST), (nothing, Outcome.REFUSED), (one_class, Outcome.LABEL)],
    ids=["no answer", "prose", "refusals", "one class for everything"],
)
def test_a_challenger_of_no_use_is_rejected_against_a_champion_and_by_itself(
    gate: Gate, says: Says, outcome: Outcome
) -> None:
    gate.begin()
    alone = gate.decide(None, gate.evaluated(FIRST, says, outcome))
    gate.end(FIRST)
    gate.begin()
    against = gate.decide(gate.evaluated(FIRST, right), gate.evaluated(SECOND, says, outcome))

    assert (alone.code, alone.action) == (Code.REJECT, Action.KEEP)
    assert "below the 50 % that a first model has to reach" in alone.reason
    assert (against.code, against.action) == (Code.REJECT, Action.KEEP)
    assert ", worse on " in against.reason or ", worse overall" in against.reason


def test_lost_answers_decide_nothing_and_spend_no_use(gate: Gate) -> None:
    champion = gate.with_champion()
    lost = gate.evaluated(SECOND, nothing, Outcome.FAILED)

    with pytest.raises(CloudUnavailable, match=r"cannot be decided: 100\.0% of the answers were lost to failures"):
        gate.decide(champion, lost)

    assert gate.folder.loop().state().looks == ()


def test_a_better_challenger_is_promoted_and_its_verdict_says_what_was_compared(gate: Gate) -> None:
    champion = gate.with_champion(often_wrong)

    decided = gate.decide(champion, gate.evaluated(SECOND, right, sku="Standard"))

    assert (decided.code, decided.action) == (Code.PROMOTE, Action.PROMOTE)
    assert "latency not compared: the tiers differ (GlobalStandard and Standard)" in decided.remarks
    assert f"3 of {gate.made().uses} uses of this held-out version are left" in decided.remarks


def test_the_same_answers_of_a_dearer_tier_are_dearer(gate: Gate) -> None:
    gate.begin()
    gate.evaluated(PRICED, often_wrong)
    gate.end(PRICED)
    gate.begin()
    champion = gate.evaluated(PRICED, often_wrong)
    policy = POLICY.model_copy(update={"largest_cost_growth": 0.05})

    decided = gate.decide(champion, gate.evaluated(f"{PRICED}-two", right, sku="Standard"), policy)

    assert decided.action is Action.ASK
    assert "the price of 1,000 answers grew by 10%" in decided.reason


def test_answers_are_booked_at_the_price_of_the_tier_that_gave_them(gate: Gate) -> None:
    gate.begin()
    answers = gate.answers(right, Outcome.LABEL)
    for sku in ("GlobalStandard", "Standard"):
        contender = Contender(model=PRICED, model_deployment=f"on-{sku}", detail="high")
        gate.write(ModelDeploymentIntended(name=contender.model_deployment, model=PRICED, sku=sku, capacity=1))
        with disable_run_logger():
            book_answers(gate.folder.loop(), gate.turn, contender, answers, f"answers of {sku}")

    usual, dearer = gate.folder.loop().iteration(1).costs
    assert dearer.usd == pytest.approx(1.1 * usual.usd)
    assert ", Standard, prices of" in dearer.basis


def test_the_same_two_models_on_the_same_version_are_compared_again_for_free(gate: Gate) -> None:
    champion = gate.with_champion()
    gate.decide(champion, gate.evaluated(SECOND, right))
    gate.end()
    gate.begin()

    gate.decide(gate.evaluated(FIRST, right), gate.evaluated(SECOND, right))

    assert len(gate.folder.loop().state().looks) == 1


def test_a_challenger_below_the_best_champion_so_far_waits_for_a_person(gate: Gate) -> None:
    gate.begin()
    gate.evaluated(FIRST, right)
    gate.end(FIRST)
    gate.begin()
    gate.evaluated(SECOND, nothing)
    gate.end(SECOND)
    gate.begin()

    decided = gate.decide(gate.evaluated(SECOND, nothing), gate.evaluated(THIRD, often_wrong))

    assert (decided.code, decided.action) == (Code.HUMAN_SUPERIOR_WITH_WARNINGS, Action.ASK)
    assert f"against the best champion so far, {FIRST}" in decided.reason


def test_a_local_model_that_is_right_more_often_leaves_a_first_model_to_a_person(gate: Gate) -> None:
    gate.begin()
    answers = gate.answers(right, Outcome.OFF_LIST)
    path, digest = gate.stored("local", answers)
    gate.write(
        LocalBaselineMeasured(
            version=gate.made().version,
            name="logistic regression",
            training_images=100,
            images=len(answers),
            correct=len(answers),
            path=path,
            digest=digest,
            seconds_to_train=1,
            ms_per_image=2,
        )
    )

    decided = gate.decide(gate.evaluated(BASE, nothing), gate.evaluated(FIRST, often_wrong))

    assert (decided.code, decided.action) == (Code.HUMAN_SUPERIOR_WITH_WARNINGS, Action.ASK)
    assert "a local model (logistic regression) is right on" in decided.reason


def edit(gate: Gate, *changes: Change) -> None:
    (gate.folder.path / "contract.odcs.yaml").write_bytes(changed(silent, *changes))


def test_a_champion_of_other_classes_is_compared_in_part_and_a_person_decides(gate: Gate) -> None:
    gate.begin()
    gate.end(FIRST)
    edit(gate, with_version("2.0.0"), with_class("grooves"), with_class("scratches", retired=True))
    gate.begin()
    images = gate.made().images

    decided = gate.decide(gate.evaluated(FIRST, often_wrong), gate.evaluated(SECOND, right))

    assert (decided.code, decided.action, decided.n) == (Code.HUMAN_CLASS_CHANGE, Action.ASK, images)
    assert "new class grooves has 0 held-out images of the 50 it needs" in decided.reason


def test_a_champion_of_other_classes_is_asked_in_the_words_that_it_has_learned(gate: Gate) -> None:
    gate.begin()
    gate.end(FIRST)
    edit(gate, with_version("2.0.0"), with_class("grooves"), with_class("scratches", retired=True))
    loop = gate.folder.loop()

    old, new = (contender_of(loop, loop.state(), model, "any", "low") for model in (FIRST, BASE))

    assert "scratches" in contract_asked_by(loop, old).class_list()
    assert "grooves" not in contract_asked_by(loop, old).class_list()
    assert "grooves" in contract_asked_by(loop, new).class_list()


def test_a_class_that_only_got_another_name_is_no_change_of_classes(gate: Gate) -> None:
    gate.begin()
    gate.end(FIRST)
    edit(gate, with_version("2.0.0"), with_class("scratches", retired=True, successor="grooves"), with_class("grooves"))
    gate.begin()

    assert gate.decide(gate.evaluated(FIRST, often_wrong), gate.evaluated(SECOND, right)).code is Code.PROMOTE
