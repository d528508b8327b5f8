"""The faults that are set, and how often each has struck; a strike is on disk before it is felt."""

import hashlib
import json
import random
import uuid
from collections import Counter
from collections.abc import Iterable
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.controls.fault_script import DEPLOYMENT, FILE, HTTP, JOB, Facts, Fault
from foundry_emulator.state import State

SCHEMA = """
create table if not exists faults (
    number integer primary key autoincrement, id text unique not null, account text, origin text not null,
    script text not null, count integer, matched integer not null default 0, struck integer not null default 0);
create table if not exists job_fates (
    job text not null, fault text not null, script text not null, struck integer not null,
    primary key (job, fault));
"""
_FROM_FILE, _BY_REQUEST = "file", "request"


class Faults:
    """Decides which fault strikes; the first one in the order in which they were set."""

    def __init__(self, state: State) -> None:
        """Take up the faults that *state* keeps."""
        self._state = state
        self.http: tuple[Fault, ...] = ()
        self._others: tuple[Fault, ...] = ()
        self.reload()

    def reload(self) -> None:
        """Read again which faults are set; spent ones of HTTP are left out, so that they cost nothing."""
        rows = self._state.rows("select * from faults order by number")
        known = [(Fault.of(row["id"], json.loads(row["script"])), row["struck"]) for row in rows]
        self._others = tuple(fault for fault, _ in known if fault.kind != HTTP)
        self.http = tuple(f for f, struck in known if f.kind == HTTP and (f.count is None or struck < f.count))

    def add(self, scripts: list[dict[str, Any]]) -> list[str]:
        """Set checked *scripts*, all or none; return their ids."""
        ids = [f"fault-{uuid.uuid4().hex}" for _ in scripts]
        self._insert(zip(ids, scripts, strict=True), _BY_REQUEST)
        return ids

    def take_file(self, scripts: list[dict[str, Any]]) -> None:
        """Set the checked *scripts* of a file in the place of an earlier file's; those in both keep their counts."""
        named = list(zip(_ids_of(scripts), scripts, strict=True))
        with self._state.transaction() as database:
            kept = database.execute("select id from faults where origin = ?", (_FROM_FILE,)).fetchall()
            gone = {str(row["id"]) for row in kept} - {fault_id for fault_id, _ in named}
            database.executemany("delete from faults where id = ?", [(fault_id,) for fault_id in gone])
            self._insert(named, _FROM_FILE)

    def all(self) -> list[dict[str, Any]]:
        """Return every fault with how often it was met, has struck, and will still strike (None: always)."""
        return [_body(row) for row in self._state.rows("select * from faults order by number")]

    def one(self, fault_id: str) -> dict[str, Any]:
        """Return one fault as in `all`; ServiceError 404 if there is none."""
        row = self._state.row("select * from faults where id = ?", fault_id)
        if row is None:
            raise errors.not_found("fault", fault_id)
        return _body(row)

    def remove(self, fault_id: str) -> int:
        """Take a fault away and return 1; ServiceError 404 if there is none."""
        with self._state.transaction() as database:
            gone = database.execute("delete from faults where id = ?", (fault_id,)).rowcount
        if not gone:
            raise errors.not_found("fault", fault_id)
        self.reload()
        return gone

    def remove_all(self) -> int:
        """Take all faults away; return how many there were."""
        with self._state.transaction() as database:
            gone = database.execute("delete from faults").rowcount
        self.reload()
        return gone

    def strike_request(self, candidates: Iterable[Fault], facts: Facts) -> Fault | None:
        """Return the fault of *candidates* that strikes a request, counted; None if none does."""
        fault = self._strike(candidates, facts)
        if fault is not None and fault.count is not None:
            self.reload()
        return fault

    def file_error(self, account: str, purpose: str, filename: str) -> str | None:
        """Return the `status_details` with which a file is to end, None if no fault strikes it."""
        facts = {"account": (account,), "purpose": (purpose,), "filename": (filename,)}
        fault = self._strike(self._of(FILE), facts)
        return str(fault.value) if fault else None

    def deployment_failure(self, account: str, name: str, model: str) -> dict[str, str] | None:
        """Return the code and message with which a model deployment is to fail, None if no fault strikes it."""
        facts = {"account": (account,), "deployment": (name,), "model": (model,)}
        fault = self._strike(self._of(DEPLOYMENT), facts)
        if fault is None:
            return None
        return {
            "code": fault.script.get("code", "InternalServerError"),
            "message": fault.script.get(
                "message", f"The deployment '{name}' could not be created because of an internal error."
            ),
        }

    def fate(self, job: str, facts: Facts, action: str, value: str | None = None) -> Fault | None:
        """Return the fault that befalls a job, None if none does.

        A fault looks at a job once: a job that is run again after a kill meets the same fate, even if the fault is
        spent or gone by then.
        """
        with self._state.transaction():
            rows = self._state.rows("select * from job_fates where job = ? and struck order by rowid", job)
            known = (Fault.of(row["fault"], json.loads(row["script"])) for row in rows)
            fated = next((fault for fault in known if _does(fault, action, value)), None)
            return fated or self._new_fate(job, [f for f in self._of(JOB) if _does(f, action, value)], facts)

    def preempting(self, step: int) -> list[Fault]:
        """Return the faults that may preempt a job at *step*."""
        return [f for f in self._of(JOB) if f.action == "job_preempted" and f.script.get("at_step", 1) <= step]

    def preemption(self, job: str, facts: Facts, candidates: Iterable[Fault]) -> Fault | None:
        """Return the fault of *candidates* that preempts a job, None if none does or all have looked at it before."""
        return self._new_fate(job, candidates, facts)

    def _new_fate(self, job: str, candidates: Iterable[Fault], facts: Facts) -> Fault | None:
        rows = self._state.rows("select fault from job_fates where job = ?", job)
        seen = {row["fault"] for row in rows}
        for fault in candidates:
            if fault.id in seen or not fault.meets(facts):
                continue
            with self._state.transaction() as database:
                struck = self._strikes(fault)
                fate = (job, fault.id, json.dumps(fault.script), struck)
                database.execute("insert into job_fates values (?, ?, ?, ?)", fate)
            if struck:
                return fault
        return None

    def _strike(self, candidates: Iterable[Fault], facts: Facts) -> Fault | None:
        """Return the first of *candidates* that *facts* meet and that strikes now, counted; None if none does."""
        meeting = [fault for fault in candidates if fault.meets(facts)]
        if not meeting:
            return None
        with self._state.transaction():
            return next((fault for fault in meeting if self._strikes(fault)), None)

    def _of(self, kind: str) -> list[Fault]:
        return [fault for fault in self._others if fault.kind == kind]

    def _strikes(self, fault: Fault) -> bool:
        """Count that *fault* was met, and whether it strikes; the caller holds a transaction."""
        row = self._state.row("select matched, struck from faults where id = ?", fault.id)
        if row is None or (fault.count is not None and row["struck"] >= fault.count):
            return False
        matched = row["matched"] + 1
        strikes = matched > fault.script.get("after", 0) and _falls(fault, matched)
        with self._state.transaction() as database:
            database.execute(
                "update faults set matched = ?, struck = struck + ? where id = ?", (matched, strikes, fault.id)
            )
        return strikes

    def _insert(self, named: Iterable[tuple[str, dict[str, Any]]], origin: str) -> None:
        rows = [
            (fault_id, script.get("account"), origin, json.dumps(script), script.get("count"))
            for fault_id, script in named
        ]
        with self._state.transaction() as database:
            database.executemany(
                "insert or ignore into faults (id, account, origin, script, count) values (?, ?, ?, ?, ?)", rows
            )
        self.reload()


def _falls(fault: Fault, matched: int) -> bool:
    """Throw the dice of a fault; the same seed and number of the match always fall the same way."""
    probability: float = fault.script.get("probability", 1.0)
    return random.Random(f"{fault.script.get('seed', 0)}:{matched}").random() < probability


def _does(fault: Fault, action: str, value: str | None) -> bool:
    return fault.action == action and value in (None, fault.value)


def _ids_of(scripts: list[dict[str, Any]]) -> list[str]:
    """Return an id for each fault of a file; the same fault in the same file has the same id at every start."""
    texts = [json.dumps(script, sort_keys=True) for script in scripts]
    seen: Counter[str] = Counter()
    ids = []
    for text in texts:
        seen[text] += 1
        ids.append(f"fault-{hashlib.sha256(f'{seen[text]}:{text}'.encode()).hexdigest()[:32]}")
    return ids


def _body(row: Row) -> dict[str, Any]:
    left = None if row["count"] is None else max(0, row["count"] - row["struck"])
    return {
        "id": row["id"],
        "fault": json.loads(row["script"]),
        "from": row["origin"],
        "matched": row["matched"],
        "struck": row["struck"],
        "left": left,
    }
