"""Text in pieces, and a vocabulary in which every text can be written and read back exactly."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

START, END = 0, 1
MOST_PIECES = 4_096
MOST_CHARACTERS = 1_536
_BYTES = 256
_FIRST_BYTE = 2
FIRST_PIECE = _FIRST_BYTE + _BYTES
# scripts that put no space between words, where a character is a piece
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
_LETTERS = rf"(?:(?![{_UNSPACED}])[^\W\d_])"
_PIECE = re.compile(rf" ?{_LETTERS}{{1,24}}(?:['\u2019]{_LETTERS}{{1,2}}\b)?| ?\d{{1,3}}| ?[^\s]|\s", re.DOTALL)


def split(text: str) -> list[str]:
    """Return *text* in pieces: words with the space before them, short numbers, single characters."""
    return _PIECE.findall(text)


class Vocabulary:
    """Numbered pieces: start, end, 256 bytes, then the pieces that training texts hold, characters first."""

    def __init__(self, pieces: Sequence[str] = ()) -> None:
        self.pieces = list(pieces)
        self._numbers = {piece: FIRST_PIECE + place for place, piece in enumerate(self.pieces)}
        self._kinds: list[int] = list(range(FIRST_PIECE))
        self._forms: dict[int, list[int]] = {}
        self._kind_of: dict[str, int] = {}
        for number, piece in enumerate(self.pieces, start=FIRST_PIECE):
            self._relate(number, piece)

    def __len__(self) -> int:
        return FIRST_PIECE + len(self.pieces)

    def widen(self, texts: Iterable[str]) -> None:
        """Add the most frequent characters and pieces of *texts*, as far as there is room."""
        counts = Counter(piece for text in texts for piece in split(text))
        characters: Counter[str] = Counter()
        for piece, count in counts.items():
            characters.update({character: count * times for character, times in Counter(piece).items()})
        self._add(_most_frequent(characters)[:MOST_CHARACTERS])
        self._add(_most_frequent(counts))

    def encode(self, text: str) -> Ids:
        """Return the numbers of the pieces of *text*; what is not known is spelled out."""
        return np.array([number for piece in split(text) for number in self._spelled(piece)], dtype=np.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text that `encode` was given."""
        written = bytearray()
        for number in numbers:
            if number >= FIRST_PIECE:
                written += self.pieces[number - FIRST_PIECE].encode("utf-8", "surrogatepass")
            elif number >= _FIRST_BYTE:
                written.append(number - _FIRST_BYTE)
        return written.decode("utf-8", "surrogatepass")

    def common(self, numbers: Ids) -> Ids:
        """Return for each number that of its common form: the same for "Tea", " tea" and "tea"."""
        return np.array(self._kinds, dtype=np.int64)[numbers]

    def forms(self, common: int) -> list[int]:
        """Return all numbers that have this common form; none for what is no word."""
        return self._forms.get(common, [])

    @cached_property
    def special(self) -> Ids:
        """Numbers that stand for no text of their own: the start and the bytes."""
        return np.array([START, *range(_FIRST_BYTE, FIRST_PIECE)], dtype=np.int64)

    def _add(self, pieces: Iterable[str]) -> None:
        for piece in pieces:
            if len(self) >= MOST_PIECES:
                return
            if piece not in self._numbers:
                self._numbers[piece] = len(self)
                self._relate(len(self), piece)
                self.pieces.append(piece)

    def _relate(self, number: int, piece: str) -> None:
        bare = piece.strip().lower()
        kind = self._kind_of.setdefault(bare, number)
        self._kinds.append(kind)
        if any(character.isalnum() for character in bare):
            self._forms.setdefault(kind, []).append(number)

    def _spelled(self, piece: str) -> list[int]:
        known = self._numbers.get(piece)
        if known is not None:
            return [known]
        if len(piece) > 1:
            return [number for character in piece for number in self._spelled(character)]
        return [_FIRST_BYTE + byte for byte in piece.encode("utf-8", "surrogatepass")]

    def to_array(self) -> NDArray[np.uint8]:
        """Return the pieces as bytes that `from_array` reads."""
        return np.frombuffer(json.dumps(self.pieces).encode(), dtype=np.uint8)

    @classmethod
    def from_array(cls, array: NDArray[np.uint8]) -> Vocabulary:
        """Return the vocabulary that `to_array` wrote."""
        return cls(json.loads(array.tobytes()))


def _most_frequent(counts: Counter[str]) -> list[str]:
    """Return the most frequent first; equally frequent ones in the order of their characters."""
    return sorted(counts, key=lambda piece: (-counts[piece], piece))
