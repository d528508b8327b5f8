"""Faults of the emulator at seeded places; *kinds* of a service's own doing have their own undisturbed outcome."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

Fault = Mapping[str, Any]

READS = ("/openai/v1/files*", "/openai/v1/fine_tuning/jobs*", "/subscriptions/*")
WRITES = (
    ("POST", "/openai/v1/files"),
    ("POST", "/openai/v1/uploads*"),
    ("POST", "/openai/v1/fine_tuning/jobs"),
    ("POST", "/openai/v1/chat/completions"),
    ("PUT", "/subscriptions/*"),
)
ANYTHING = "/*"


def _write(dice: Random) -> dict[str, Any]:
    method, path = dice.choice(WRITES)
    few = {"after": dice.randrange(4)} if "chat" in path or "uploads" in path else {}
    return {"method": method, "path": path, "count": dice.randint(1, 2), **few}


def _anywhere(dice: Random) -> dict[str, Any]:
    if dice.random() < 0.5:
        return _write(dice)
    return {"method": "GET", "path": dice.choice(READS), "count": dice.randint(1, 3), "after": dice.randrange(4)}


NETWORK: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "lost answer": lambda dice: _write(dice) | {"reset": True, "after_work": True},
    "500 after the work": lambda dice: _write(dice) | {"status": 500, "after_work": True},
    "reset": lambda dice: _anywhere(dice) | {"reset": True},
    "429": lambda dice: _anywhere(dice) | {"status": 429, "headers": {"retry-after-ms": "50"}},
    "500": lambda dice: _anywhere(dice) | {"status": 500},
    "503": lambda dice: _anywhere(dice) | {"status": 503},
    "slow": lambda dice: _anywhere(dice) | {"slow": round(dice.uniform(0.2, 1.5), 2)},
    "truncated": lambda dice: _anywhere(dice) | {"truncate": dice.randrange(200)},
    "409": lambda dice: {
        "method": "PUT",
        "path": "/subscriptions/*",
        "count": dice.randint(1, 3),
        "status": 409,
        "code": "RequestConflict",
    },
}
"""What happens on the way to the service and back; it must not change how a run ends."""

SERVICE: Mapping[str, Fault] = {
    "job fails its data check": {"job_fails": "data_check", "count": 1},
    "job fails its model evaluation": {"job_fails": "model_evaluation", "count": 1},
    "job preempted": {"job_preempted": 1, "at_step": 1, "count": 1},
    "a tenth of the images skipped": {"people_share": 0.1},
}
"""What the service itself does; the same without any kill says how a run then has to end."""

LATE_AND_LOST = "slow list, then a lost answer"
LATE: Sequence[Fault] = (
    {"method": "GET", "path": "/openai/v1/fine_tuning/jobs", "slow": 6.0, "after": 1, "count": 1},
    {"method": "POST", "path": "/openai/v1/fine_tuning/jobs", "reset": True, "after_work": True, "count": 1},
)
"""The job is bought later than the settling time after its intent, and nobody is told."""

LAG = "lagging list"
LAG_SECONDS = 2.5
"""How long a job is missing from the list of jobs; below the settling time, as the policy promises."""

JOB = "POST /openai/v1/fine_tuning/jobs"
"""The request that buys."""


def scripted(kind: str, seed: str) -> Sequence[Fault]:
    """The faults of that *kind*, at a place that *seed* chooses."""
    if kind in NETWORK:
        return [NETWORK[kind](Random(seed))]
    if kind in SERVICE:
        return [SERVICE[kind]]
    return LATE if kind == LATE_AND_LOST else []
