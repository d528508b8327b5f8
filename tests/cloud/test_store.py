"""The store's promises, over a folder and over Azure Blob Storage."""

import io
import os
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from cloud.blob_store import BlobStore
from cloud.errors import CloudRefused, CloudUnavailable
from cloud.folder_store import FolderStore
from cloud.store import NotFound, Store


@pytest.fixture(params=["folder", "azure"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path)
    blobs = BlobStore(BlobServiceClient.from_connection_string(request.getfixturevalue("azure_storage")))
    blobs.make_containers()
    return blobs


@pytest.fixture
def at() -> Callable[[str], str]:
    """Paths that no other test uses."""
    home = uuid.uuid4().hex
    return lambda name: f"data/{home}/{name}"


def test_what_was_put_is_found(store: Store, at: Callable[[str], str]) -> None:
    store.put(at("a.txt"), b"first")
    store.put(at("a.txt"), b"second")

    assert store.get(at("a.txt")).content == b"second"


def test_a_stream_is_stored_whole(store: Store, at: Callable[[str], str]) -> None:
    content = os.urandom(9 << 20)
    store.put(at("large"), io.BytesIO(content))

    with store.open(at("large")) as stream:
        assert stream.read() == content


def test_nothing_is_found_where_nothing_was_put(store: Store, at: Callable[[str], str]) -> None:
    with pytest.raises(NotFound, match="nothing is stored at data/"):
        store.get(at("missing"))
    with pytest.raises(NotFound), store.open(at("missing")):
        pass


def test_creating_leaves_what_is_there(store: Store, at: Callable[[str], str]) -> None:
    assert store.create(at("a"), b"first")
    assert not store.create(at("a"), b"second")
    assert store.get(at("a")).content == b"first"


def test_of_many_creators_one_wins(store: Store, at: Callable[[str], str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.create(at("a"), f"{n}".encode()), range(24)))

    assert won.count(True) == 1
    assert store.get(at("a")).content == f"{won.index(True)}".encode()


def test_replacing_needs_the_tag_of_what_is_there(store: Store, at: Callable[[str], str]) -> None:
    store.put(at("a"), b"first")
    old = store.get(at("a")).tag
    new = store.replace(at("a"), b"second", old)

    assert new == store.get(at("a")).tag
    assert store.replace(at("a"), b"third", old) is None
    assert store.get(at("a")).content == b"second"


def test_of_many_replacers_one_wins(store: Store, at: Callable[[str], str]) -> None:
    store.put(at("a"), b"start")
    tag = store.get(at("a")).tag
    with ThreadPoolExecutor(8) as pool:
        tags = list(pool.map(lambda n: store.replace(at("a"), f"{n}".encode(), tag), range(24)))

    assert sum(each is not None for each in tags) == 1


def test_what_is_missing_is_not_replaced(store: Store, at: Callable[[str], str]) -> None:
    assert store.replace(at("missing"), b"x", '"0x0"') is None


def test_lists_are_in_order_and_by_prefix(store: Store, at: Callable[[str], str]) -> None:
    for name in ("b/2", "b/10", "a", "b1"):
        store.put(at(name), b"")

    assert list(store.list(at("b/"))) == [at("b/10"), at("b/2")]
    assert list(store.list(at("b"))) == [at("b/10"), at("b/2"), at("b1")]


def test_deleting_twice_is_no_error(store: Store, at: Callable[[str], str]) -> None:
    store.put(at("a"), b"")
    store.delete(at("a"))
    store.delete(at("a"))

    assert list(store.list(at(""))) == []


@pytest.mark.parametrize("path", ["elsewhere/a", "data", "../data/a", "data/../../a", "data//a", "/data/a"])
def test_paths_outside_the_areas_are_refused(store: Store, path: str) -> None:
    with pytest.raises(CloudRefused, match="no path of the store"):
        store.put(path, b"")


def test_a_person_finds_a_file_by_its_address(store: Store, at: Callable[[str], str]) -> None:
    assert re.fullmatch(rf"(file|http)://[^?]*/{at('a%20b.txt')}", store.address(at("a b.txt")))


def test_an_address_lets_nobody_in() -> None:
    store = BlobStore(BlobServiceClient("https://any.blob.core.windows.net?sv=2026&sig=secret"))

    assert store.address("data/a.txt") == "https://any.blob.core.windows.net/data/a.txt"


def test_names_in_any_script_are_kept(store: Store, at: Callable[[str], str]) -> None:
    store.put(at("空 格 & é 😀 (1).JPG"), b"x")

    assert list(store.list(at(""))) == [at("空 格 & é 😀 (1).JPG")]


def test_half_written_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".tmp-0123").write_bytes(b"half")

    assert list(FolderStore(tmp_path).list("data/")) == []


def test_deleting_takes_what_killed_writers_left_and_leaves_what_is_being_written(tmp_path: Path) -> None:
    store, folder = FolderStore(tmp_path), tmp_path / "data" / "images"
    store.put("data/images/a.jpg", b"a picture")
    for name in (".tmp-abandoned", ".tmp-growing"):
        (folder / name).write_bytes(b"a pict")
    os.utime(folder / ".tmp-abandoned", (0, 0))
    store.delete("data/images/a.jpg")

    assert [each.name for each in folder.iterdir()] == [".tmp-growing"]


def test_an_account_that_does_not_answer_is_unavailable() -> None:
    nobody = BlobServiceClient("http://127.0.0.1:1/account", credential="a2V5", retry_total=0)

    with pytest.raises(CloudUnavailable, match="cannot be reached"):
        BlobStore(nobody).get("data/a")
