"""How fast a model deployment is asked: services with limits of several kinds, in a time that is only counted."""

import heapq
import math
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from cloud.pace import MOST_AT_ONCE, Pace, Stopped

SEEDS = range(4)


class Served(NamedTuple):
    """What a service says to one question."""

    has_room: bool
    headers: Mapping[str, str]
    retry_after: float


@dataclass
class FixedWindow:
    """Allows so much in each window, which begins with the first question after the last one ended."""

    size: float
    seconds: float
    cost: float
    kind: str = "tokens"
    began: float = -math.inf
    used: float = 0.0

    def serve(self, now: float) -> Served:
        if now - self.began >= self.seconds:
            self.began, self.used = now, 0.0
        has_room = self.used + self.cost <= self.size
        self.used += self.cost if has_room else 0
        reset = self.began + self.seconds - now
        return Served(has_room, told(self.kind, self.size, self.size - self.used, reset), reset)


@dataclass
class Bucket:
    """Fills again by and by, so much in so many seconds."""

    size: float
    seconds: float
    cost: float
    kind: str = "tokens"
    level: float = field(default=-1.0)
    at: float = 0.0

    def serve(self, now: float) -> Served:
        rate = self.size / self.seconds
        self.level = self.size if self.level < 0 else min(self.size, self.level + (now - self.at) * rate)
        self.at, has_room = now, self.level >= self.cost
        self.level -= self.cost if has_room else 0
        headers = told(self.kind, self.size, self.level, (self.size - self.level) / rate)
        return Served(has_room, headers, max(0.01, (self.cost - self.level) / rate))


def told(kind: str, limit: float, remaining: float, reset: float) -> Mapping[str, str]:
    values = {"limit": limit, "remaining": int(remaining), "reset": math.ceil(reset)}
    return {f"x-ratelimit-{name}-{kind}": str(value) for name, value in values.items()}


class Ended(NamedTuple):
    """What asking came to."""

    seconds: float
    refused: int
    most_at_once: int


def ask(service: FixedWindow | Bucket, questions: int, *, latency: float = 0.3, seed: int = 1) -> Ended:
    """Ask so many questions as threads would, refused ones again, in a time that only passes here."""
    drawn, now = random.Random(seed), [0.0]
    pace = Pace(now=lambda: now[0])
    unasked, refused, most = questions, 0, 0
    flying: list[tuple[float, int, Served]] = []
    while unasked or flying:
        wait = pace._wait() if unasked else math.inf
        if wait <= 0:
            unasked -= 1
            ticket = pace.begin()
            heapq.heappush(flying, (now[0] + latency * drawn.uniform(0.6, 1.6), ticket, service.serve(now[0])))
            most = max(most, len(flying))
            continue
        if flying and flying[0][0] <= now[0] + wait:
            now[0], ticket, served = heapq.heappop(flying)
            pace.end(ticket, served.headers, latency if served.has_room else None, int(served.has_room * service.cost))
            if not served.has_room:
                unasked, refused = unasked + 1, refused + 1
                pace.refused(served.retry_after)
        else:
            now[0] += min(wait, 1.0)
    return Ended(now[0], refused, most)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("service", [FixedWindow, Bucket])
@pytest.mark.parametrize(("size", "seconds"), [(50_000, 10), (5_000, 10), (20_000, 60), (1_000, 1)])
def test_a_token_limit_is_used_and_hardly_ever_exceeded(
    service: type[FixedWindow | Bucket], size: float, seconds: float, seed: int
) -> None:
    cost = 180
    windows = 4
    questions = int(windows * size / cost)
    ended = ask(service(size, seconds, cost), questions, latency=0.2, seed=seed)

    assert ended.refused <= 0.01 * questions + 1
    assert ended.seconds <= 1.6 * windows * seconds + 5


def test_a_limit_of_requests_is_kept_too() -> None:
    assert ask(FixedWindow(100, 10, 1, "requests"), 500).refused == 0


def test_a_limit_that_one_question_fills_is_asked_one_by_one() -> None:
    ended = ask(FixedWindow(180, 10, 180), 20)

    assert ended.refused == 0
    assert ended.seconds <= 20 * 10.5


def test_without_limits_it_grows_to_many_at_once_and_no_further() -> None:
    assert ask(FixedWindow(1e9, 60, 1), 2000).most_at_once == MOST_AT_ONCE


def test_it_begins_with_one_and_doubles() -> None:
    pace = Pace()
    rounds = []
    for _ in range(4):
        tickets = [pace.begin() for _ in range(int(pace._at_once))]
        rounds.append(len(tickets))
        for ticket in tickets:
            pace.end(ticket, {}, 0.3)

    assert rounds == [1, 2, 4, 8]


def test_answers_that_take_ever_longer_let_it_grow_no_further() -> None:
    pace = Pace()
    for seconds in (0.1, 0.1, 0.1, *[1.0] * 40):
        pace.end(pace.begin(), {}, seconds)

    assert pace._at_once < 12


def test_a_refusal_stops_everybody_for_as_long_as_it_says() -> None:
    now = [0.0]
    pace = Pace(now=lambda: now[0])
    pace.refused(7.0)

    assert pace._wait() == pytest.approx(7.0)
    now[0] = 7.0
    assert pace._wait() == 0


@pytest.mark.parametrize("reset", ["86400", "1e9", "inf", "nan", "-5", "soon", ""])
def test_no_reset_makes_it_wait_for_hours(reset: str) -> None:
    now = [0.0]
    pace = Pace(now=lambda: now[0])
    headers = {"x-ratelimit-limit-tokens": "100", "x-ratelimit-remaining-tokens": "0"}
    pace.end(pace.begin(), {**headers, "x-ratelimit-reset-tokens": reset}, 0.3, tokens=100)
    now[0] = 121.0

    assert pace._wait() == 0


@pytest.mark.parametrize(("text", "seconds"), [("1m30s", 90.0), ("250ms", 0.25), ("12", 12.0)])
def test_a_reset_is_read_in_every_spelling(text: str, seconds: float) -> None:
    pace = Pace(now=lambda: 0.0)
    headers = {"x-ratelimit-limit-tokens": "100", "x-ratelimit-remaining-tokens": "0"}
    pace.end(pace.begin(), {**headers, "x-ratelimit-reset-tokens": text}, 0.3, tokens=100)

    assert pace._wait() == pytest.approx(seconds)


def test_whoever_waits_is_sent_away_when_it_stops() -> None:
    pace = Pace()
    pace.begin()
    ended = []

    def wait() -> None:
        try:
            pace.begin()
        except Stopped:
            ended.append(True)

    waiting = threading.Thread(target=wait)
    waiting.start()
    pace.stop()
    waiting.join(10)

    assert ended == [True]


def test_threads_get_as_many_tickets_as_they_give_back() -> None:
    pace = Pace()
    done = []

    def work() -> None:
        for _ in range(50):
            ticket = pace.begin()
            pace.end(ticket, {}, 0.001)
            done.append(ticket)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(done) == list(range(1, 401))
