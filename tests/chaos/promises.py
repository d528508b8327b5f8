"""What has to hold after every disturbance: the promises, asked of the service, the ledger and the store."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openai import OpenAI

from cloud.errors import LedgerBroken
from cloud.ledger import verify
from cloud.store import DATA, NotFound, Store, account_folder
from data_contracts.ledger import CostBooked, TrainingIntended
from tasks.loop import Loop, connect

LONGEST_TOLD = 200


def broken_promises(folder: Path, service: OpenAI) -> Iterator[str]:
    """Each promise that does not hold, in one line."""
    loop = connect(str(folder))
    try:
        verify(loop.store, loop.name)
    except LedgerBroken as problem:
        yield str(problem)
    yield from _jobs(loop, service)
    yield from _bills(loop, service)
    yield from _files(loop, service)
    yield from _model_deployments(loop)
    yield from _lease(loop)
    yield from _readable(loop.store)


def _intents(loop: Loop) -> list[TrainingIntended]:
    return [entry.event for entry in loop.ledger.read() if isinstance(entry.event, TrainingIntended)]


def _jobs(loop: Loop, service: OpenAI) -> Iterator[str]:
    found = Counter(str((job.model_extra or {}).get("suffix")) for job in service.fine_tuning.jobs.list())
    wanted = {each.suffix for each in _intents(loop)}
    for suffix, count in found.items():
        if suffix not in wanted:
            yield f"the job {suffix} is not in the ledger"
        if count > 1:
            yield f"the job {suffix} was bought {count} times"
    yield from (f"the job {suffix} was intended and does not exist" for suffix in wanted - set(found))


def _bills(loop: Loop, service: OpenAI) -> Iterator[str]:
    """Every job is booked, once; what is free of charge too."""
    costs = (entry.event for entry in loop.ledger.read() if isinstance(entry.event, CostBooked))
    booked = Counter(cost.subject for cost in costs if cost.what == "training")
    for job in service.fine_tuning.jobs.list():
        if booked[job.id] != 1:
            yield f"the job {job.id} was booked {booked[job.id]} times"


def _files(loop: Loop, service: OpenAI) -> Iterator[str]:
    files = list(service.files.list(purpose="fine-tune"))
    known = {each for intent in _intents(loop) for each in (intent.training_file, intent.validation_file)}
    for name, count in Counter(file.filename for file in files).items():
        if count > 1:
            yield f"the file {name} was uploaded {count} times"
    yield from (f"the file {file.id}, {file.filename}, is not in the ledger" for file in files if file.id not in known)


def _model_deployments(loop: Loop) -> Iterator[str]:
    known = {name: each.model for name, each in loop.state().deployments.items()}
    there = {each.name: each.model for each in loop.foundry.model_deployments()}
    if known != there:
        yield f"the ledger knows the model deployments {known}, the service has {there}"


def _lease(loop: Loop) -> Iterator[str]:
    account = account_folder(loop.settings.foundry.account_id)
    for path in (f"{DATA}/loops/{loop.name}/lease.json", f"{account}/lock.json"):
        try:
            lease = json.loads(loop.store.get(path).content)
        except NotFound:
            continue
        if not lease["released"]:
            yield f"{lease['run']} still holds {path}"


def _readable(store: Store) -> Iterator[str]:
    import pyarrow.parquet

    for path in store.list(f"{DATA}/"):
        try:
            if path.endswith(".json"):
                json.loads(store.get(path).content)
            elif path.endswith(".parquet"):
                with store.open(path) as stream:
                    pyarrow.parquet.read_table(stream, use_threads=False)
        except (ValueError, OSError) as error:
            yield f"{path} cannot be read: {error}"


def differences(wanted: Any, found: Any, where: str = "") -> Iterator[str]:
    """Each place where the final state is another one than after an undisturbed run."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted(wanted.keys() | found.keys()):
            yield from differences(wanted.get(key), found.get(key), f"{where}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif wanted != found:
        yield f"{where.lstrip('.')}: {_told(found)}, undisturbed {_told(wanted)}"


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}..."
