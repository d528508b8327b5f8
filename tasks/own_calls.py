"""Our own calls of model deployments: customers' calls are what the service counted less these.

They are kept by account, in small files that are created once and never changed. What a process had not handed over
when it was killed, and a call whose answer was lost, passes for a customer's: a model deployment then seems to be in
use for longer than it is, never idle before it is. The hour of a call is that in which its answer says that it was
made; the service may count one that ends just after the hour in the next.
"""

import logging
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from cloud.connections import store_of
from cloud.errors import CloudError, CloudRefused, CloudUnavailable
from cloud.settings import Settings
from cloud.store import NotFound, Store, account_folder
from data_contracts.calls import METRICS_KEPT_DAYS, HourOfCalls, OwnCallsPart, summed
from tasks.loop import Loop

SUM = "sum.json"
OFTEN = 60.0
"""Seconds between two files of a long evaluation: what a kill may lose."""
SETTLED_DAYS = 2
"""A day so long ago gets no more files, but for those that a store's outage held up."""
READERS = 16
ATTEMPTS = 5

log = logging.getLogger(__name__)


def keep_own_calls(loop: Loop, *, at_most_every: float = 0.0) -> None:
    """Keep the calls that this process made since the last time, unless that is less than so many seconds ago."""
    kept = own_calls_of(loop)
    if kept.due(at_most_every):
        kept.keep(loop.foundry.take_own_calls())


def own_calls_of(loop: Loop) -> "OwnCalls":
    """The log of the loop's account in the loop's store."""
    return _own_calls(loop.settings, loop.folder)


class OwnCalls:
    """The log of one account, `data/accounts/ACCOUNT-HASH/calls/DATE/`, of all that share the store."""

    def __init__(self, store: Store, account: str) -> None:
        """Keep calls of the account whose resource id is *account*."""
        self._store, self._account = store, account
        self._folder = f"{account_folder(account)}/calls/"
        self._waiting: dict[str, bytes] = {}
        self._threads = threading.Lock()
        self._kept_at = time.monotonic()

    def due(self, seconds: float) -> bool:
        """Whether calls were kept so many seconds ago or longer."""
        return time.monotonic() - self._kept_at >= seconds

    def keep(self, fresh: Sequence[HourOfCalls]) -> None:
        """Keep *fresh* calls; what the store does not take now is tried again the next time, and no error."""
        with self._threads:
            self._kept_at = time.monotonic()
            for day, hours in _by_day(fresh).items():
                part = OwnCallsPart(account=self._account, hours=tuple(hours))
                self._waiting[self._path(day, f"{secrets.token_hex(8)}.json")] = _bytes(part)
            try:
                for path in list(self._waiting):
                    # under the same name again: a file whose creation was not confirmed is there once, not twice
                    self._store.create(path, self._waiting[path])
                    del self._waiting[path]
            except (CloudError, OSError) as error:
                log.warning("Our own calls of model deployments could not be kept yet: %s", error)

    def between(self, since: datetime, until: datetime) -> tuple[HourOfCalls, ...]:
        """What is kept of the whole hours that cover *since* to *until*, one entry a model deployment and hour."""
        first, last = (moment.astimezone(UTC).date() for moment in (since, until))
        for _ in range(ATTEMPTS):
            days = self._days()
            paths = [path for day in days if first <= day <= last for path in days[day]]
            try:
                found = self._read_all(paths)
            except NotFound:
                continue  # a day was summed up meanwhile
            hours = _hours(found)
            return summed([each for each in hours if since - timedelta(hours=1) < each.hour < until])
        raise CloudUnavailable(f"The files below {self._folder} do not stay while they are read; try again later")

    def tidy(self, now: datetime) -> None:
        """Sum up each day that is over in one file, and delete what is older than the service's own counts."""
        for day, paths in self._days().items():
            age = (now.astimezone(UTC).date() - day).days
            if age > METRICS_KEPT_DAYS + 1:
                self._delete(paths)
            elif age >= SETTLED_DAYS and len(paths) > 1:
                self._sum_up(day, paths)

    def _sum_up(self, day: date, paths: Sequence[str]) -> None:
        """Create the day's sum, which names the files that it replaces, and only then delete them."""
        whole = self._path(day, SUM)
        try:
            found = self._read_all([whole] if whole in paths else paths)
        except NotFound:
            return  # another process is at it
        if whole in found:
            self._delete([path for path in paths if _name(path) in found[whole].parts])
            return
        names = tuple(_name(path) for path in found)
        taken = OwnCallsPart(account=self._account, hours=summed(_hours(found)), parts=names)
        if self._store.create(whole, _bytes(taken)):
            self._delete(paths)

    def _read_all(self, paths: Sequence[str]) -> Mapping[str, OwnCallsPart]:
        with ThreadPoolExecutor(READERS) as pool:
            contents = pool.map(lambda path: self._store.get(path).content, paths)
            return {path: _part(path, content) for path, content in zip(paths, contents, strict=True)}

    def _days(self) -> Mapping[date, list[str]]:
        """Paths of the log by day."""
        found: dict[date, list[str]] = {}
        for path in self._store.list(self._folder):
            day = date.fromisoformat(path.removeprefix(self._folder).partition("/")[0])
            found.setdefault(day, []).append(path)
        return found

    def _path(self, day: date, name: str) -> str:
        return f"{self._folder}{day.isoformat()}/{name}"

    def _delete(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._store.delete(path)


@lru_cache(maxsize=16)
def _own_calls(settings: Settings, home: Path) -> OwnCalls:
    """One for each loop in a process: it knows what the store did not take yet."""
    return OwnCalls(store_of(settings, home), settings.foundry.account_id)


def _by_day(hours: Sequence[HourOfCalls]) -> Mapping[date, list[HourOfCalls]]:
    found: dict[date, list[HourOfCalls]] = {}
    for each in hours:
        found.setdefault(each.hour.date(), []).append(each)
    return found


def _hours(found: Mapping[str, OwnCallsPart]) -> list[HourOfCalls]:
    """What is in the files, but for those that a sum took the place of and that are about to be deleted."""
    replaced = {(_day(path), name) for path, part in found.items() for name in part.parts}
    return [hour for path, part in found.items() if (_day(path), _name(path)) not in replaced for hour in part.hours]


def _part(path: str, content: bytes) -> OwnCallsPart:
    try:
        return OwnCallsPart.model_validate_json(content)
    except ValidationError as error:
        raise CloudRefused(
            f"{path} does not tell our own calls ({error.errors()[0]['msg']}); delete it, then they pass for customers'"
        ) from error


def _bytes(part: OwnCallsPart) -> bytes:
    return part.model_dump_json().encode()


def _day(path: str) -> str:
    return path.split("/")[-2]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
