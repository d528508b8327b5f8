"""One answer as it is given: tokens up to what ends it, and why it ended."""

from dataclasses import dataclass, replace
from typing import Literal

from foundry_emulator.content_filter import Filters
from foundry_emulator.learning.answers import Token

FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True)
class Answer:
    """The tokens that are told, and why there are no more."""

    tokens: list[Token]
    finish_reason: FinishReason

    @property
    def text(self) -> str:
        """What the tokens say."""
        return "".join(token.text for token in self.tokens)


def ended(tokens: list[Token], stop: tuple[str, ...], most: int, filters: Filters, *, finished: bool = True) -> Answer:
    """Return the answer that *tokens* make: up to a text in *stop*, up to *most* tokens, up to what is filtered.

    *finished* tells whether the model had said all when it stopped.
    """
    kept, stopped = tokens, False
    if stop:
        kept, stopped = _before_any(tokens, stop)
    reason: FinishReason = "stop" if stopped or finished else "length"
    if len(kept) > most:
        kept, reason = kept[:most], "length"
    shown, filtered = _before_any(kept, filters.answers) if filters.answers else (kept, False)
    return Answer(shown, "content_filter" if filtered else reason)


def _before_any(tokens: list[Token], ends: tuple[str, ...]) -> tuple[list[Token], bool]:
    """Return the tokens before the first of *ends*, and whether there was one; a token may be cut in two."""
    text = "".join(token.text for token in tokens)
    places = [place for place in map(text.find, ends) if place >= 0]
    if not places:
        return tokens, False
    kept: list[Token] = []
    room = min(places)
    for token in tokens:
        if room <= 0:
            break
        kept.append(token if len(token.text) <= room else replace(token, text=token.text[:room]))
        room -= len(token.text)
    return kept, True
