"""Store and emulator of one run in one folder, and snapshots of both that cost next to nothing."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel

DATABASE = "state.sqlite"


class Place(BaseModel):
    """The folder of one run: the loop, the emulator's state, and what was noted of the run."""

    folder: Path

    @property
    def loop(self) -> Path:
        """The loop's folder, with its store."""
        return self.folder / "loop"

    @property
    def emulator(self) -> Path:
        """The emulator's state."""
        return self.folder / "emulator"

    @property
    def log(self) -> Path:
        """What the runs printed."""
        return self.folder / "run.log"

    @property
    def points(self) -> Path:
        """The points that the runs reached, one a line."""
        return self.folder / "points.log"

    @property
    def result(self) -> Path:
        """How the last run ended, unless it was killed."""
        return self.folder / "result.json"


def take(place: Place, to: Path) -> None:
    """Keep what *place* holds now, while an emulator works on it."""
    to.mkdir(parents=True)
    _copy_loop(place.loop, to / "loop")
    (to / "emulator").mkdir()
    with (
        closing(sqlite3.connect(place.emulator / DATABASE)) as source,
        closing(sqlite3.connect(to / "emulator" / DATABASE)) as target,
    ):
        source.backup(target)
    shutil.copytree(
        place.emulator,
        to / "emulator",
        ignore=shutil.ignore_patterns(f"{DATABASE}*", "lock", "*.part"),
        dirs_exist_ok=True,
    )


def put_back(snapshot: Path, place: Place) -> None:
    """Make *place*, where no emulator runs, what it was at the *snapshot*."""
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    _copy_loop(snapshot / "loop", place.loop)
    shutil.copytree(snapshot / "emulator", place.emulator)


def _copy_loop(source: Path, target: Path) -> None:
    """A store never changes a file in place, so that a second name for it is as good as a copy."""
    unwanted = shutil.ignore_patterns(".replace.lock", ".tmp-*")
    shutil.copytree(source, target, copy_function=os.link, ignore=unwanted)
