"""Features that were computed once, kept by pixel digest in memory and on disk."""

import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

from foundry_emulator.images import Picture
from foundry_emulator.learning import features
from foundry_emulator.learning.features import Vector

_IN_MEMORY = 4_096


class FeatureCache:
    """Features of pictures; losing the file costs time, never a result."""

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._recent: OrderedDict[str, Vector] = OrderedDict()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.execute("create table if not exists features (key text primary key, vector blob not null)")

    def features(self, picture: Picture) -> Vector:
        """Return the features of *picture*, computing them only if its pixels were never seen."""
        key = f"{features.VERSION}:{picture.digest}"
        with self._threads:
            vector = self._find(key)
        if vector is None:
            vector = features.extract(picture.pixels)
            with self._threads:
                self._database.execute("insert or ignore into features values (?, ?)", (key, vector.tobytes()))
        with self._threads:
            self._remember(key, vector)
        return vector

    def _find(self, key: str) -> Vector | None:
        if key in self._recent:
            return self._recent[key]
        row = self._database.execute("select vector from features where key = ?", (key,)).fetchone()
        return np.frombuffer(row[0], dtype=np.float32) if row else None

    def _remember(self, key: str, vector: Vector) -> None:
        self._recent[key] = vector
        self._recent.move_to_end(key)
        if len(self._recent) > _IN_MEMORY:
            self._recent.popitem(last=False)
