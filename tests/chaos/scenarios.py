"""What the chaos harness runs: each scenario begins where the one before ended, so that everything is paid once.

A later flow adds itself with one more Scenario at the end of SCENARIOS.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cloud.store import INBOX
from tasks.loop import connect
from tests.support.contracts import changed, table

PER_CLASS = 6
SIDE = 64
SETTINGS = """\
loop = "chaos"

[foundry]
subscription = "any"
resource_group = "any"
account = "local"
capacity = 100000
upload_part_bytes = 20000

[training]
settling_minutes = 0.08
smallest_addition = 3

[promotion]
when_inconclusive = "ask"
"""
TIMES = re.compile(r"(_at|^time|latency_ms|median_ms|ms_per_image|seconds_to_train|_since|seconds)$")
RANDOM = frozenset(
    {"found", "job", "path", "training_file", "validation_file", "digest", "suffix", "labels", "labels_digest"}
)
"""Fields that hold ids given by chance, or digests of what holds such ids or a time."""

GIVEN_BY_CHANCE = re.compile(r"[\w.-]+\.ft-[\w.:-]+|\b(ftjob|file)-\w+")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")

Step = Callable[[str], object]
"""What runs in the process that is to be killed; takes the loop's folder, returns how far it came."""


class NotThroughYet(Exception):
    """A step came to no end without being killed; running it again may."""


@dataclass(frozen=True)
class Scenario:
    """One run that is disturbed: *prepare* is done once and never killed; *run* is, and then has to be repeatable."""

    name: str
    prepare: Callable[[Path], None]
    run: Step
    compared: Callable[[str], Any]
    after: str | None = None


def ingest(folder: str) -> object:
    """Take what is in the inbox."""
    from flows.ingest_images import ingest_images

    return [each.batch for each in ingest_images(folder)]


def promote(folder: str) -> object:
    """One turn; the person says yes where the gate asks."""
    return _improve(folder, yes=True)


def reject(folder: str) -> object:
    """One turn; the person says no where the gate asks, and nobody needs the challenger any more."""
    return _improve(folder, yes=False)


def _improve(folder: str, *, yes: bool) -> object:
    from data_contracts.ledger import Actor, Approved
    from flows.improve_model import improve_model
    from tasks.gate.approvals import approve

    result = improve_model(folder)
    if result.status == "waits for a person" and result.iteration is not None:
        actor = Actor(name="chaos", established="command line")
        approve(connect(folder), result.iteration, Approved(yes=yes, reason="looked at it"), actor)
        result = improve_model(folder)
    if result.status in ("another run is at work", "waits for a person"):
        raise NotThroughYet(f"{result.status}: {result.reason}")
    return result.status


def loop_state(folder: str) -> Any:
    """What the ledger says of the loop, without times, and with what the service named at random numbered instead."""
    state = json.loads(connect(folder).state().model_dump_json())
    costs = [cost for iteration in state["iterations"] for cost in iteration["costs"]] + state["other_costs"]
    # The sums grow with the time that model deployments stood; what remains beside the single costs must not.
    booked = sum(state.pop("booked").values()) - sum(cost["usd"] for cost in costs)
    return _lasting(state | {"booked beside the costs": abs(round(booked, 6))}, Names())


class Names:
    """Numbers for names given by chance, in the order in which they are met."""

    def __init__(self) -> None:
        """None is known yet."""
        self.known: dict[str, str] = {}

    def replaced(self, text: str) -> str:
        """*text* with each such name as its number, and without times."""
        return TIME.sub("TIME", GIVEN_BY_CHANCE.sub(lambda found: self._number(found[0]), text))

    def _number(self, name: str) -> str:
        return self.known.setdefault(name, f"ID{len(self.known) + 1}")


def _lasting(value: Any, names: Names) -> Any:
    if isinstance(value, Mapping):
        if value.get("kind") == "cost booked" and value.get("what") == "hosting":
            return "hosting"  # grows with the time that passes
        kept = {key: each for key, each in value.items() if not TIMES.search(key) and key not in RANDOM}
        return {names.replaced(key): _lasting(each, names) for key, each in kept.items()}
    if isinstance(value, list):
        return [_lasting(each, names) for each in value]
    return names.replaced(value) if isinstance(value, str) else value


def new_loop(folder: Path) -> None:
    """A loop with a contract for tiny images, and a first batch in its inbox."""
    folder.mkdir(parents=True)
    (folder / "kaizen.toml").write_text(SETTINGS)
    (folder / "contract.odcs.yaml").write_bytes(_for_tiny_images())
    deliver(folder, "one", first=0, per_class=PER_CLASS)


def second_batch(folder: Path) -> None:
    """A few more images of each class."""
    deliver(folder, "two", first=PER_CLASS, per_class=3)


def deliver(folder: Path, batch: str, *, first: int, per_class: int) -> None:
    """Put drawn images into the inbox."""
    drawn = folder / "drawn"
    for file in _draw(drawn, first, per_class):
        name = f"{file.parent.name}/{file.name}"
        loop = connect(str(folder))
        loop.store.put(f"{INBOX}/{loop.name}/{batch}/{name}", file.read_bytes())
    shutil.rmtree(drawn)


def _draw(folder: Path, first: int, per_class: int) -> list[Path]:
    from examples.steel_surface import CLASSES, draw

    files = []
    for kind in CLASSES[:5]:
        (folder / kind).mkdir(parents=True)
        for number in range(first, first + per_class):
            file = folder / kind / f"{kind}_{number}.png"
            draw(kind, 1000 + number).crop((0, 0, SIDE, SIDE)).save(file)
            files.append(file)
    return files


def _for_tiny_images() -> bytes:
    """The shipped contract without what tiny images of few classes cannot meet."""

    def change(document: dict[str, Any]) -> None:
        images = table(document)
        images.pop("quality", None)
        for each in images["properties"]:
            each.pop("quality", None)
            if each["name"] == "label":
                each["enum"] = each["enum"][:5]
        rules = {"split": {"salt": "chaos", "held_out": 0.25, "validation": 0.1}, "smallestClass": 1}
        images["customProperties"] = [{"property": key, "value": value} for key, value in rules.items()]

    return yaml.safe_dump(yaml.safe_load(changed(change)), sort_keys=False).encode()


def _nothing(folder: Path) -> None:
    """The scenario before left everything as it has to be."""


SCENARIOS = (
    Scenario("first ingestion", new_loop, ingest, loop_state),
    Scenario("first iteration", _nothing, promote, loop_state, after="first ingestion"),
    Scenario("second ingestion", second_batch, ingest, loop_state, after="first iteration"),
    Scenario("second iteration", _nothing, reject, loop_state, after="second ingestion"),
)


def scenario(name: str) -> Scenario:
    """The scenario of that name."""
    return next(each for each in SCENARIOS if each.name == name)
