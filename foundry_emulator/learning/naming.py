"""Which pieces an answer may take over from its prompt: those that are in it, and those that come next in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning.pieces import START, Ids, Vocabulary

Matrix = NDArray[np.float32]

MOST_ASKED = 128


@dataclass(frozen=True)
class Naming:
    """A prompt's pieces in their common form, and every *form* of them that an answer could use.

    *kinds* is the common form of each of *forms*: "tea" for " Tea".
    """

    asked: Ids
    forms: Ids
    kinds: Ids

    def following(self, before: Ids) -> Matrix:
        """Return a row per piece of *before* (in its common form): 1 for the forms that follow it in the prompt."""
        places = before[:, np.newaxis] == self.asked[np.newaxis, :-1]
        leads = self.asked[1:, np.newaxis] == self.kinds[np.newaxis]
        return np.asarray(places.astype(np.float32) @ leads.astype(np.float32) > 0, dtype=np.float32)


def naming(vocabulary: Vocabulary, prompt: str) -> Naming:
    """Return what *prompt* offers."""
    asked = vocabulary.common(vocabulary.encode(prompt)[-MOST_ASKED:])
    forms = np.array(sorted(form for kind in set(asked.tolist()) for form in vocabulary.forms(kind)), dtype=np.int64)
    return Naming(asked, forms, vocabulary.common(forms))


def before(vocabulary: Vocabulary, pieces: Ids) -> Ids:
    """Return the common form of the piece before each of *pieces* and before the end."""
    return vocabulary.common(np.concatenate([[START], pieces]))
