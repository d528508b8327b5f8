"""The log of our own calls: what the service counted and we asked, however often processes are killed or at odds."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.blob_store import BlobStore
from cloud.errors import CloudRefused
from cloud.folder_store import FolderStore
from cloud.store import DATA, Store
from data_contracts.calls import HourOfCalls, by_hour
from data_contracts.images import LabeledImage, Split
from tasks.contender import Contender
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.asking import ask_images
from tasks.labels import image_path
from tasks.loop import Loop
from tasks.own_calls import OwnCalls, own_calls_of
from tests.foundry_emulator.azure_clients import ask
from tests.foundry_emulator.support import MODEL, EmulatorProcess, draw
from tests.support.loops import LoopFolder

ACCOUNT = "/subscriptions/one/resourcegroups/plant/providers/microsoft.cognitiveservices/accounts/local"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def calls(number: int, hour: datetime = NOON, name: str = "steel") -> HourOfCalls:
    return HourOfCalls(model_deployment=name, hour=hour, calls=number)


def files(store: Store) -> Sequence[str]:
    return list(store.list(f"{DATA}/accounts/"))


def kept(log: OwnCalls, name: str = "steel") -> Mapping[datetime, int]:
    return by_hour(log.between(NOON - 100 * DAY, NOON + 2 * DAY), name)


@pytest.fixture(params=["folder", "blobs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "store")
        return
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(request.getfixturevalue("azure_storage")) as client:
        blobs = BlobStore(client)
        blobs.make_containers()
        for path in files(blobs):
            blobs.delete(path)
        yield blobs


def picture(loop: Loop, number: int) -> LabeledImage:
    """A drawn image whose bytes are in the loop's store."""
    content = draw("dots", number)
    digest = hashlib.sha256(content).hexdigest()
    loop.store.put(image_path(digest, "PNG"), content)
    return LabeledImage(
        digest=digest,
        label="crazing",
        group=digest,
        split=Split.HELD_OUT,
        source="drawn",
        who="tests",
        labeled_at=NOON,
        media_type="PNG",
    )


def test_calls_of_customers_are_what_the_service_counted_less_ours(
    loop_folder: LoopFolder, foundry: EmulatorProcess
) -> None:
    loop = loop_folder.loop()
    loop.foundry.deploy(loop.name, MODEL, {})
    loop.foundry.wait_until_answering(loop.name)
    ask_images(
        loop,
        Contender(model=MODEL, model_deployment=loop.name, detail="low"),
        [picture(loop, number) for number in range(5)],
        AnswerJournal(loop.store, loop.path("answers", "any")),
        lambda _fresh, _all: None,
    )
    with foundry.client() as customer:
        ask(customer, loop.name)
        ask(customer, loop.name)
    now = loop.now()
    counted, ours = loop.monitor.calls_per_hour(now - DAY, now).calls, own_calls_of(loop).between(now - DAY, now)

    assert sum(by_hour(ours, loop.name).values()) == 1 + 5
    assert sum(by_hour(counted, loop.name).values()) == 1 + 5 + 2


def test_an_answer_that_is_refused_is_no_call_of_ours(loop_folder: LoopFolder) -> None:
    us = loop_folder.loop().foundry
    us.deploy("asked-in-vain", MODEL, {})
    us.wait_until_answering("asked-in-vain")
    assert len(us.take_own_calls()) == 1
    answer = us.answer("asked-in-vain", "What is it?", "data:image/png;base64,AAAA", "low")

    assert answer.failure is not None
    assert us.take_own_calls() == ()


def test_calls_of_many_files_are_summed_by_model_deployment_and_hour(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    log.keep([calls(3), calls(1, name="other")])
    log.keep([calls(4), calls(5, NOON + HOUR)])

    assert kept(log) == {NOON: 7, NOON + HOUR: 5}
    assert kept(log, "other") == {NOON: 1}


def test_only_hours_that_were_asked_for_are_told(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    log.keep([calls(1, NOON + number * HOUR) for number in range(30)])
    found = log.between(NOON + timedelta(minutes=90), NOON + 4 * HOUR)

    assert [each.hour for each in found] == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]


def test_nothing_to_keep_leaves_no_file(store: Store) -> None:
    OwnCalls(store, ACCOUNT).keep([])

    assert files(store) == []


def test_accounts_of_one_name_are_kept_apart(store: Store) -> None:
    stranger = OwnCalls(store, ACCOUNT.replace("plant", "office"))
    OwnCalls(store, ACCOUNT).keep([calls(3)])

    assert kept(stranger) == {}


def test_a_day_that_is_over_is_summed_up_in_one_file_and_counts_as_before(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    for number in (1, 2, 3):
        log.keep([calls(number), calls(10 * number, NOON + DAY)])
    before = kept(log)
    log.tidy(NOON + 2 * DAY)

    assert kept(log) == before == {NOON: 6, NOON + DAY: 60}
    assert len(files(store)) == 1 + 3


def test_a_file_that_comes_after_its_day_was_summed_up_counts_too(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    log.keep([calls(1)])
    log.keep([calls(2)])
    log.tidy(NOON + 2 * DAY)
    log.keep([calls(4)])
    log.tidy(NOON + 3 * DAY)

    assert kept(log) == {NOON: 7}


def test_what_a_sum_took_the_place_of_counts_once_and_is_deleted_where_that_was_interrupted(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    log.keep([calls(1)])
    log.keep([calls(2)])
    parts = {path: store.get(path).content for path in files(store)}
    log.tidy(NOON + 2 * DAY)
    for path, content in parts.items():
        store.create(path, content)  # as a process leaves it that was killed before it deleted them

    assert kept(log) == {NOON: 3}
    log.tidy(NOON + 2 * DAY)
    assert kept(log) == {NOON: 3}
    assert len(files(store)) == 1


def test_what_is_older_than_the_counts_of_the_service_is_deleted(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    log.keep([calls(1, NOON - 95 * DAY), calls(1, NOON - 92 * DAY)])
    log.tidy(NOON)

    assert kept(log) == {NOON - 92 * DAY: 1}
    assert len(files(store)) == 1


def test_what_the_store_does_not_take_is_kept_the_next_time(tmp_path: Path) -> None:
    log = OwnCalls(FolderStore(tmp_path), ACCOUNT)
    (tmp_path / DATA).write_text("a file in the way")
    log.keep([calls(3)])
    (tmp_path / DATA).unlink()
    log.keep([calls(1)])
    log.keep([])

    assert kept(log) == {NOON: 4}


def test_a_file_that_cannot_be_read_is_named(store: Store) -> None:
    log = OwnCalls(store, ACCOUNT)
    log.keep([calls(3)])
    (path,) = files(store)
    store.put(path, b"{}")

    with pytest.raises(CloudRefused, match=path):
        kept(log)


WRITER = f"""
import sys
from datetime import datetime
from pathlib import Path
from cloud.folder_store import FolderStore
from data_contracts.calls import HourOfCalls
from tasks.own_calls import OwnCalls

log = OwnCalls(FolderStore(Path(sys.argv[1])), {ACCOUNT!r})
for number in range(int(sys.argv[2])):
    log.keep([HourOfCalls(model_deployment="steel", hour=datetime.fromisoformat({NOON.isoformat()!r}), calls=2)])
    print(number, flush=True)
"""


def writer(folder: Path, times: int) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(times)], stdout=subprocess.PIPE, text=True)


def test_two_processes_and_a_third_that_sums_up_lose_and_double_nothing(tmp_path: Path) -> None:
    log, times = OwnCalls(FolderStore(tmp_path), ACCOUNT), 60
    writers = [writer(tmp_path, times) for _ in range(2)]
    seen = [0]
    while any(each.poll() is None for each in writers):
        log.tidy(NOON + 2 * DAY)
        seen.append(kept(log).get(NOON, 0))
    for each in writers:
        each.communicate()

    assert kept(log) == {NOON: 2 * 2 * times}
    assert seen == sorted(seen)


def test_a_killed_process_has_kept_what_it_handed_over(tmp_path: Path) -> None:
    process = writer(tmp_path, 100_000)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    handed_over = 5 + len(process.communicate()[0].split())

    assert kept(OwnCalls(FolderStore(tmp_path), ACCOUNT))[NOON] in (2 * handed_over, 2 * (handed_over + 1))
