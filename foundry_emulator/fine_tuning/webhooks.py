"""Webhooks: the ends of jobs, announced with signatures to the addresses that the user named.

An announcement is kept in the same transaction as the end of its job, and delivered beside everything else until it is
accepted or was tried often enough. Signatures and pauses follow the system's time, not the emulator's clock, because
receivers compare them with theirs.
"""

import base64
import hashlib
import hmac
import http.client
import json
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any
from urllib.parse import urlsplit

from foundry_emulator import errors
from foundry_emulator.background import Background
from foundry_emulator.settings import Webhook, webhook_problem
from foundry_emulator.state import State

logger = logging.getLogger(__name__)

SCHEMA = """
create table if not exists webhooks (
    number integer primary key autoincrement, id text unique not null, url text not null, secret text not null,
    from_option integer not null);
create table if not exists webhook_deliveries (
    number integer primary key autoincrement, event text not null, webhook text not null, payload text not null,
    attempts integer not null default 0, accepted integer not null default 0, problem text,
    unique (event, webhook));
"""
MOST_ATTEMPTS = 10
FIRST_PAUSE_SECONDS = 0.2
TIMEOUT_SECONDS = 10
_POLL_SECONDS = 0.05
_SUCCESS = range(200, 300)
_SHOWN_DELIVERIES = 100


@dataclass(frozen=True)
class Webhooks:
    """The addresses that are told, and what is told to them."""

    state: State

    def use(self, named: Sequence[Webhook]) -> None:
        """Make *named* the webhooks of the command line, in the place of those of the last start."""
        ids = [_webhook_id(webhook) for webhook in named]
        with self.state.transaction() as database:
            for row in self.state.rows("select id from webhooks where from_option"):
                if row["id"] not in ids:
                    _forget(database, row["id"])
            for webhook in named:
                _keep(database, webhook, from_option=True)

    def add(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep the webhook that *body* names; ServiceError 400 if it cannot be one."""
        url, secret = body.get("url"), body.get("secret")
        if set(body) != {"url", "secret"} or not isinstance(url, str) or not isinstance(secret, str):
            raise errors.invalid_payload("A webhook needs the texts 'url' and 'secret', and nothing else.")
        problem = webhook_problem(url, secret)
        if problem:
            raise errors.invalid_payload(f"The webhook cannot be kept: {problem}.")
        with self.state.transaction() as database:
            webhook = _keep(database, Webhook(url, secret), from_option=False)
        return {"id": webhook, "url": url}

    def all(self) -> dict[str, Any]:
        """Return the webhooks without their secrets, and the newest deliveries with how they went."""
        webhooks = self.state.rows("select id, url from webhooks order by number")
        deliveries = self.state.rows(
            "select event, webhook, attempts, accepted, problem from webhook_deliveries order by number desc limit ?",
            _SHOWN_DELIVERIES,
        )
        return {
            "webhooks": [dict(row) for row in webhooks],
            "deliveries": [{**dict(row), "accepted": bool(row["accepted"])} for row in deliveries],
        }

    def remove(self, webhook: str) -> None:
        """Forget a webhook and what was still to be told to it; ServiceError 404 if there is none."""
        with self.state.transaction() as database:
            if not _forget(database, webhook):
                raise errors.not_found("webhook", webhook)

    def announce(self, database: Connection, job: str, status: str, moment: float) -> None:
        """Keep, in the transaction of *database*, that *job* has ended as *status* at *moment*."""
        kind = f"fine_tuning.job.{status}"
        event = f"evt_{hashlib.sha256(f'{job}:{kind}'.encode()).hexdigest()[:32]}"
        payload = {"id": event, "object": "event", "created_at": int(moment), "type": kind, "data": {"id": job}}
        database.execute(
            "insert or ignore into webhook_deliveries (event, webhook, payload) select ?, id, ? from webhooks",
            (event, json.dumps(payload)),
        )


class Deliveries:
    """Delivers what is kept, each webhook's announcements on a thread of their own."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._due: dict[int, float] = {}
        self._busy: set[str] = set()
        self._background = Background("webhooks", _POLL_SECONDS, self._look)

    def start(self) -> None:
        """Begin, with what an earlier process did not get delivered."""
        self._background.start()

    def stop(self) -> None:
        """End; what is not delivered stays kept."""
        self._background.stop()

    def _look(self) -> None:
        for row in self._waiting():
            if row["webhook"] not in self._busy and self._due.get(row["number"], 0.0) <= time.monotonic():
                self._busy.add(row["webhook"])
                threading.Thread(target=self._deliver, args=(row,), name="webhook", daemon=True).start()

    def _waiting(self) -> list[Row]:
        return self._state.rows(
            "select webhook_deliveries.*, url, secret from webhook_deliveries"
            " join webhooks on webhooks.id = webhook_deliveries.webhook"
            " where not accepted and attempts < ? order by webhook_deliveries.number",
            MOST_ATTEMPTS,
        )

    def _deliver(self, row: Row) -> None:
        try:
            problem = post(row["url"], row["secret"], row["event"], row["payload"])
        except Exception as unexpected:  # whatever an address does, the next announcement must go on
            problem = f"{type(unexpected).__name__}: {unexpected}"
        if not self._background.stopping.is_set():
            self._keep(row, problem)
        self._busy.discard(row["webhook"])

    def _keep(self, row: Row, problem: str | None) -> None:
        attempts = row["attempts"] + 1
        self._due[row["number"]] = time.monotonic() + FIRST_PAUSE_SECONDS * 2 ** (attempts - 1)
        with self._state.transaction() as database:
            database.execute(
                "update webhook_deliveries set attempts = ?, accepted = ?, problem = ? where number = ?",
                (attempts, problem is None, problem, row["number"]),
            )
        if problem is not None and attempts == MOST_ATTEMPTS:
            logger.warning("webhook %s was not accepted in %d attempts: %s", row["event"], attempts, problem)


def post(url: str, secret: str, event: str, payload: str) -> str | None:
    """Send *payload* signed as Standard Webhooks say; return why it was not accepted, None if it was."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, payload.encode(), _headers(secret, event, payload))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        return f"{type(problem).__name__}: {problem}"
    finally:
        connection.close()
    return None if status in _SUCCESS else f"the address answered {status}"


def _headers(secret: str, event: str, payload: str) -> dict[str, str]:
    moment = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event}.{moment}.{payload}".encode(), hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "user-agent": "foundry-emulator",
        "webhook-id": event,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _webhook_id(webhook: Webhook) -> str:
    return f"webhook_{hashlib.sha256(f'{webhook.url} {webhook.secret}'.encode()).hexdigest()[:32]}"


def _keep(database: Connection, webhook: Webhook, *, from_option: bool) -> str:
    name = _webhook_id(webhook)
    database.execute(
        "insert into webhooks (id, url, secret, from_option) values (?, ?, ?, ?)"
        " on conflict (id) do update set from_option = max(from_option, excluded.from_option)",
        (name, webhook.url, webhook.secret, from_option),
    )
    return name


def _forget(database: Connection, webhook: str) -> bool:
    database.execute("delete from webhook_deliveries where webhook = ? and not accepted", (webhook,))
    return database.execute("delete from webhooks where id = ?", (webhook,)).rowcount > 0
