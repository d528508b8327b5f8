"""The 15-day rule and the 24 hours of the developer tier, by a clock that jumps."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openai
import pytest

from foundry_emulator.calls import Call, Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import deployment_records
from foundry_emulator.control_plane.deployment_records import DeploymentRecords, Span
from foundry_emulator.control_plane.retention import Retention
from foundry_emulator.state import State
from tests.foundry_emulator.azure_clients import (
    BASE,
    Management,
    ask,
    at,
    forward,
    history,
    managing,
    own,
    quick_model,
)
from tests.foundry_emulator.support import MODEL, EmulatorProcess, data_url, running

AT_ONCE = ("--deployment-creation-seconds", "0", "--deployment-propagation-seconds", "0")
NO_DELETION = ("--deployment-deletion-seconds", "0")
FIFTEEN_DAYS = timedelta(days=15)


@pytest.fixture(scope="module")
def aging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("aging"), *AT_ONCE, *NO_DELETION) as process:
        yield process


@pytest.fixture(scope="module")
def model(aging: EmulatorProcess) -> str:
    return quick_model(aging)


@pytest.fixture
def management(aging: EmulatorProcess) -> Iterator[Management]:
    with managing(aging) as opened:
        yield opened
        for name in opened.names():
            opened.delete(name)


def test_what_is_never_called_goes_after_exactly_15_days(
    management: Management, aging: EmulatorProcess, model: str
) -> None:
    management.put("idle", model)
    forward(aging, days=14, hours=23)
    before = management.names()
    forward(aging, days=26)
    told = history(aging, "idle")

    assert (before, management.names()) == (["idle"], [])
    assert at(told["gone_at"]) - at(told["created_at"]) == FIFTEEN_DAYS
    assert told["gone_because"] == "inactive for 15 days"
    assert told["hours_hosted"] == pytest.approx(15 * 24)


def test_a_call_gives_another_15_days_from_then(management: Management, aging: EmulatorProcess, model: str) -> None:
    management.put("used", model)
    forward(aging, days=14)
    with aging.client() as client:
        ask(client, "used")
    forward(aging, days=14, hours=23)
    before = management.names()
    forward(aging, days=300)
    told = history(aging, "used")

    assert (before, management.names()) == (["used"], [])
    assert at(told["gone_at"]) - at(told["last_completed_call_at"]) == FIFTEEN_DAYS


def test_it_is_gone_for_whoever_asks_first(management: Management, aging: EmulatorProcess, model: str) -> None:
    management.put("idle", model)
    forward(aging, days=15)

    with aging.client() as client, pytest.raises(openai.NotFoundError, match="API deployment for this resource"):
        ask(client, "idle")
    assert history(aging, "idle")["state"] == "Gone"


def test_a_refused_call_is_no_activity(management: Management, aging: EmulatorProcess, model: str) -> None:
    management.put("refused", model)
    forward(aging, days=10)
    with aging.client() as client, pytest.raises(openai.BadRequestError):
        ask(client, "refused", url=data_url(b"no image"))
    forward(aging, days=6)

    assert management.names() == []
    assert history(aging, "refused")["last_completed_call_at"] is None


def test_when_it_is_due_can_be_seen_before(management: Management, aging: EmulatorProcess, model: str) -> None:
    management.put("idle", model)
    told = history(aging, "idle")

    assert at(told["due_at"]) - at(told["created_at"]) == FIFTEEN_DAYS
    assert told["due_because"] == "inactive for 15 days"


def test_the_model_stays_and_is_deployed_again_under_the_same_name(
    management: Management, aging: EmulatorProcess, model: str
) -> None:
    management.put("idle", model)
    forward(aging, days=40)
    management.put("idle", model)
    with aging.client() as client:
        ask(client, "idle")

    lives = [each for each in own(aging, "model-deployments")["value"] if each["name"] == "idle"]
    assert [each["state"] for each in lives[-2:]] == ["Gone", "Succeeded"]


def test_a_base_model_stays_for_years(management: Management, aging: EmulatorProcess) -> None:
    management.put("base", *BASE)
    forward(aging, days=800)

    assert management.names() == ["base"]


def test_a_capacity_that_is_changed_does_not_make_it_younger(
    management: Management, aging: EmulatorProcess, model: str
) -> None:
    management.put("idle", model)
    forward(aging, days=10)
    management.patch("idle", {"sku": {"capacity": 5}})
    forward(aging, days=5)

    assert management.names() == []


def test_the_developer_tier_lives_24_hours_however_much_it_is_called(
    management: Management, aging: EmulatorProcess
) -> None:
    tuned = quick_model(aging, "gpt-4.1-2025-04-14")
    management.put("trial", tuned, sku_name="DeveloperTier")
    forward(aging, hours=23)
    with aging.client() as client:
        ask(client, "trial")
    before = management.names()
    forward(aging, days=3)
    told = history(aging, "trial")

    assert (before, management.names()) == (["trial"], [])
    assert at(told["gone_at"]) - at(told["created_at"]) == timedelta(hours=24)
    assert told["gone_because"] == "24 hours of the developer tier are over"


def test_a_year_of_jumps_leaves_what_is_called_every_fortnight(
    management: Management, aging: EmulatorProcess, model: str
) -> None:
    management.put("used", model)
    management.put("idle", model)
    with aging.client() as client:
        for _ in range(26):
            forward(aging, days=14)
            ask(client, "used")

    assert management.names() == ["used"]
    assert history(aging, "used")["hours_hosted"] == pytest.approx(26 * 14 * 24, rel=1e-4)


def test_the_end_of_an_idle_one_is_the_same_after_a_kill(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path, *AT_ONCE)
    model = quick_model(killed)
    with managing(killed) as management, killed.client() as client:
        management.put("used", model)
        management.put("idle", model)
        forward(killed, days=10)
        ask(client, "used")
        forward(killed, days=6)
        told = history(killed, "idle")
        killed.kill()
    with running(tmp_path, *AT_ONCE) as restarted, managing(restarted) as management:
        assert management.names() == ["used"]
        assert history(restarted, "idle") == told


class Racing(Clock):
    """A clock that runs so fast that two days pass between one look at it and the next."""

    looks = 0

    def now(self) -> float:
        self.looks += 1
        return super().now() + self.looks * timedelta(days=2).total_seconds()


def test_a_clock_that_races_past_the_15_days_does_not_end_what_is_called_all_the_time(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.define(deployment_records.SCHEMA)
    records, calls, clock = DeploymentRecords(state), Calls(tmp_path / "calls.sqlite"), Racing(state)
    created = clock.now()
    span = Span(created, "GlobalStandard", 1, "OpenAI", "model", "1", None, "weights.npz", MODEL)
    moments = dict.fromkeys(("created_at", "modified_at", "deployed_at", "succeeded_at", "callable_at"), created)
    texts = {"account": "local", "name": "busy", "resource": "busy", "kept": "{}", "etag": str(uuid.uuid4())}
    number = records.add({**texts, **moments}, span)
    ends = []
    for _ in range(12):
        calls.count(Call("local", "busy", number, "ChatCompletions_Create", 200), clock.now())
        Retention(records, clock, calls).settle("local")
        ends.append(records.all()[0].life.gone_because)
    calls.close()
    state.close()

    assert ends == [None] * 12
