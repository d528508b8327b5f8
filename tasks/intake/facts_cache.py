"""Facts of images that were examined before, in the user's cache folder: unchanged files are not examined again."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from data_contracts.images import ImageFacts
from tasks.intake.image_workers import ImageFile, ImageWorkers

NAME = "image-facts.sqlite"
PATIENCE_SECONDS = 10
SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change again without a new time of change; it is not remembered yet."""
AT_ONCE = 500
"""Facts that are remembered together: so many are lost at most when the command is stopped."""
TABLE = """create table if not exists facts (folder blob, file blob, version text, state text, facts text,
    primary key (folder, file)) without rowid"""


@dataclass(frozen=True)
class _Kept:
    state: str
    facts: str


def facts_of_folder(
    folder: Path,
    files: Sequence[str],
    workers: Callable[[], ImageWorkers],
    cache: Path | None,
) -> list[ImageFacts]:
    """The facts of the *files* of *folder* in their order; *workers* examine those that *cache* does not know.

    *cache* is the SQLite file of what was found before, None for no cache; one that cannot be used is left alone.
    """
    kept = _read(cache, folder) if cache else {}
    states = {file: _state(folder / file) for file in files} if cache else {}
    known = {file: found for file in files if (found := _known(kept.get(file), states.get(file), file))}
    unknown = [file for file in files if file not in known]
    fresh = _examined(folder, unknown, workers) if unknown else iter(())
    for batch in _batches(fresh):
        known.update((facts.file, facts) for facts in batch)
        if cache:
            _remember(cache, folder, batch, states)
    return [known[file] for file in files]


def cache_file() -> Path:
    """Where facts are remembered on this machine, for this user."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "kaizen" / NAME


def facts_version() -> str:
    """What facts depend on beside the file: how they are worked out, and by which libraries."""
    from importlib.metadata import version

    from data_contracts.training import DERIVATION_VERSION
    from decisions.imaging.images import FACTS_VERSION

    return f"{FACTS_VERSION} {DERIVATION_VERSION} pillow {version('pillow')} numpy {version('numpy')}"


def _known(kept: _Kept | None, state: str | None, file: str) -> ImageFacts | None:
    if kept is None or kept.state != state:
        return None
    with suppress(ValueError):
        return ImageFacts.model_validate_json(kept.facts).model_copy(update={"file": file})
    return None


def _examined(folder: Path, files: Sequence[str], workers: Callable[[], ImageWorkers]) -> Iterator[ImageFacts]:
    return workers().facts(ImageFile.of(folder, file) for file in files)


def _batches(facts: Iterable[ImageFacts]) -> Iterator[list[ImageFacts]]:
    batch = []
    for each in facts:
        batch.append(each)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    yield batch


def _state(path: Path) -> str:
    """What changes when the file does: size, and times of change of content and of anything about it."""
    try:
        found = path.stat()
    except OSError:
        return ""  # gone, or out of reach: its examination will say so
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _settled(state: str) -> bool:
    return state != "" and abs(time.time_ns() - int(state.split()[1])) > SETTLED_NS


def _read(cache: Path, folder: Path) -> dict[str, _Kept]:
    asked = "select file, state, facts from facts where folder = ? and version = ?"
    try:
        with closing(_opened(cache)) as database:
            rows = database.execute(asked, (os.fsencode(folder.resolve()), facts_version())).fetchall()
            return {os.fsdecode(file): _Kept(state, facts) for file, state, facts in rows}
    except (sqlite3.Error, OSError):
        return {}


def _remember(cache: Path, folder: Path, batch: Sequence[ImageFacts], states: dict[str, str]) -> None:
    """Keep the facts of readable images; why another is not readable may be the moment's fault."""
    place, version = os.fsencode(folder.resolve()), facts_version()
    rows = [
        (place, os.fsencode(each.file), version, states[each.file], _without_name(each))
        for each in batch
        if each.problem is None and _settled(states[each.file])
    ]
    with suppress(sqlite3.Error, OSError), closing(_opened(cache)) as database, database:
        database.executemany("insert or replace into facts values (?, ?, ?, ?, ?)", rows)


def _without_name(facts: ImageFacts) -> str:
    return facts.model_copy(update={"file": ""}).model_dump_json(exclude_defaults=True)


def _opened(cache: Path) -> sqlite3.Connection:
    cache.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _with_table(cache)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        cache.unlink()  # damaged: what it knew can be worked out again
        return _with_table(cache)


def _with_table(cache: Path) -> sqlite3.Connection:
    database = sqlite3.connect(cache, timeout=PATIENCE_SECONDS)
    try:
        database.execute(TABLE)
    except sqlite3.Error:
        database.close()
        raise
    return database
