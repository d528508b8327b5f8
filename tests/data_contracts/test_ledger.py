"""Ledger entries: the same bytes today and after a round trip, and nothing unknown in them."""

import hashlib
import json
from datetime import UTC, datetime
from typing import get_args

import pytest

from data_contracts.evaluation import Action, Code
from data_contracts.ledger import (
    GENESIS,
    Actor,
    AnswersCompared,
    Approved,
    BatchFinished,
    BatchIntended,
    BatchSubmitted,
    ChampionSwitched,
    CheckpointChosen,
    CostBooked,
    DatasetFrozen,
    Decided,
    Evaluated,
    Event,
    ForgottenOfBatch,
    HeldOutLookedAt,
    HeldOutVersionMade,
    ImagesAccepted,
    ImagesErased,
    ImagesForgotten,
    IterationClosed,
    IterationOpened,
    LedgerEntry,
    LocalBaselineMeasured,
    ModelDeploymentCreated,
    ModelDeploymentDeleted,
    ModelDeploymentIntended,
    ModelDeploymentLeaving,
    Paused,
    Resumed,
    RolledBack,
    SuccessorTried,
    TrainingFinished,
    TrainingForecast,
    TrainingIntended,
    TrainingReconciled,
    TrainingSubmitted,
    ValidationAnswered,
    entry_hash,
    read_entry,
)
from data_contracts.training import Checkpoint, JobStatus
from tests.decisions.builders import request

EVENTS: list[Event] = [
    ImagesAccepted(
        batch="monday",
        accepted=2,
        quarantined=1,
        duplicates=0,
        classes={"scratches": 1, "crazing": 1},
        splits={"train": 2},
        labels="any",
        labels_digest="any",
        broken_rules={"wrong_width": 1},
    ),
    ImagesForgotten(
        digests=("any",),
        source="ines",
        why="asked to",
        erase=True,
        batches=(ForgottenOfBatch(batch="monday", classes={"scratches": 1}, splits={"train": 1}),),
        datasets=("any",),
        held_out_versions=("v1",),
        iterations=(1,),
        trained=(1,),
        models=("any",),
        model_deployments=("k1",),
    ),
    ImagesErased(digests=("any",), files=3, uploaded_files=("file-1",), shared=("other",)),
    HeldOutVersionMade(version="v1", images=300, path="any", target_gain=0.05, uses=4, alpha_per_use=0.0125),
    IterationOpened(number=1, reason="any", parent="gpt-4.1", champion=None, image_batches=1),
    DatasetFrozen(dataset="any", path="any", counts={"train": 100}),
    TrainingIntended(suffix="k1", request=request(), training_file="any", validation_file=None, examples=100),
    TrainingSubmitted(suffix="k1", job="ftjob-1", found=True),
    TrainingFinished(
        suffix="k1",
        attempt=1,
        job="ftjob-1",
        status=JobStatus.SUCCEEDED,
        model="any",
        trained_tokens=12,
        problem=None,
    ),
    TrainingForecast(training_tokens=12, training_usd=0.1, evaluation_usd=0.2, hosting_usd=1.7, exact=True),
    TrainingReconciled(job="ftjob-1", sent=10, at_least=10, at_most=10, loss_share=0.0, stops=False, reason="all"),
    CheckpointChosen(
        checkpoint=Checkpoint(model="any", step=3, full_valid_loss=0.1), reason="any", flags=("LARGE_GAP",)
    ),
    ModelDeploymentIntended(name="k1", model="any", sku="Standard", capacity=50),
    ModelDeploymentCreated(name="k1", model="any"),
    ModelDeploymentDeleted(name="k1", reason="any"),
    BatchIntended(version="v1", model="any", model_deployment="b1", file="any", input_file="file-1", images=300),
    BatchSubmitted(batch="batch_1", found=False),
    BatchFinished(batch=None, status="refused", answered=0, problem="any"),
    HeldOutLookedAt(version="v1", champion="any", challenger="other"),
    Evaluated(
        version="v1",
        model="any",
        model_deployment="k1",
        images=300,
        correct=299,
        path="any",
        digest="any",
        prompt_tokens=1,
        completion_tokens=1,
    ),
    ValidationAnswered(
        model="any", images=90, correct=80, path="any", digest="any", prompt_tokens=1, completion_tokens=1
    ),
    SuccessorTried(
        version="v1",
        model="any",
        images=300,
        correct=200,
        path="any",
        digest="any",
        prompt_tokens=1,
        completion_tokens=1,
    ),
    LocalBaselineMeasured(
        version="v1",
        name="any",
        training_images=540,
        images=300,
        correct=250,
        path="any",
        digest="any",
        seconds_to_train=1.5,
        ms_per_image=0.5,
    ),
    Decided(
        code=Code.PROMOTE,
        action=Action.PROMOTE,
        reason="won 25, lost 0",
        champion="any",
        challenger="other",
        n=300,
        losses=0,
        wins=25,
        p_superior=2.9802322387695312e-08,
        interval=(-0.1, 0.30000000000000004),
        alpha_per_use=0.005,
    ),
    Approved(yes=False, reason="not on a Friday"),
    AnswersCompared(model="any", model_deployment="k1", examples="held-out", images=30, changed=1, same=True),
    ChampionSwitched(model="any", model_deployment="k1", previous=None, previous_model_deployment=None),
    RolledBack(
        to_iteration=1, model="a", model_deployment="k1", previous="b", previous_model_deployment="k2", why="any"
    ),
    ModelDeploymentLeaving(name="k1", reason="any"),
    IterationClosed(number=1, outcome="kept the champion", reason="any"),
    CostBooked(what="hosting", subject="k1", usd=0.1 + 0.2, basis="any"),
    Paused(why="line 2 is rebuilt", until=datetime(2027, 1, 31, tzinfo=UTC)),
    Resumed(why="it runs again"),
]


def entry(event: Event = EVENTS[0]) -> LedgerEntry:
    return LedgerEntry(
        number=42,
        id="a random id",
        time=datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC),
        iteration=7,
        actor=Actor(name="Zoë 裂", established="signed in"),
        fence=3,
        configuration="1" * 64,
        contract="2" * 64,
        event=event,
        previous=GENESIS,
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_entry_read_back_is_the_same_entry_and_writes_the_same_bytes(event: Event) -> None:
    content = entry(event).to_bytes()

    assert read_entry(content) == entry(event)
    assert read_entry(content).to_bytes() == content


def test_every_kind_of_event_is_tried_here() -> None:
    known = get_args(get_args(Event)[0])

    assert {type(event) for event in EVENTS} == set(known)


def test_every_kind_has_its_own_name() -> None:
    assert len({event.kind for event in EVENTS}) == len(EVENTS)


def test_an_entry_is_one_line_of_sorted_utf8_json() -> None:
    content = entry().to_bytes()
    stored = json.loads(content)

    assert b"\n" not in content
    assert list(stored) == sorted(stored)
    assert "Zoë 裂".encode() in content


def test_the_time_is_written_in_utc() -> None:
    assert json.loads(entry().to_bytes())["time"] == "2026-11-21T08:30:00.123456Z"


def test_the_order_in_which_a_mapping_was_filled_does_not_change_the_bytes() -> None:
    turned = EVENTS[0].model_copy(update={"classes": {"crazing": 1, "scratches": 1}})

    assert entry(turned).to_bytes() == entry(EVENTS[0]).to_bytes()


def test_the_kind_of_an_entry_is_that_of_its_event() -> None:
    assert entry(Approved(yes=True, reason="any")).kind == "approved"


def stored_with(**changes: object) -> bytes:
    return json.dumps(json.loads(entry().to_bytes()) | changes).encode()


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match=r"remark[\s\S]*Extra inputs are not permitted"):
        read_entry(stored_with(remark="any"))


def test_an_unknown_field_of_the_event_is_refused() -> None:
    event = json.loads(entry().to_bytes())["event"] | {"remark": "any"}

    with pytest.raises(ValueError, match=r"remark[\s\S]*Extra inputs are not permitted"):
        read_entry(stored_with(event=event))


@pytest.mark.parametrize(
    "changes",
    [
        {"event": {"kind": "champion crowned"}},
        {"event": {}},
        {"number": -1},
        {"time": "yesterday"},
        {"actor": {"name": "any", "established": "believed"}},
        {"previous": None},
    ],
)
def test_what_is_no_entry_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        read_entry(stored_with(**changes))


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"hello", b'{"number": 1'])
def test_what_is_no_json_of_an_entry_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        read_entry(content)


def test_the_hash_is_sha256_of_the_bytes_as_stored() -> None:
    content = entry().to_bytes()

    assert entry_hash(content) == hashlib.sha256(content).hexdigest()
    assert entry_hash(content + b"\n") != entry_hash(content)


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        entry().number = 43  # type: ignore[misc]
