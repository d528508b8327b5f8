"""Content filtering: phrases that the service is imitated to refuse, and what it tells about the rest."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors

_CATEGORIES = ("hate", "self_harm", "sexual", "violence")
_SAFE = {"filtered": False, "severity": "safe"}
_FOUND = {"filtered": True, "severity": "medium"}
_UNDETECTED = {"filtered": False, "detected": False}
SAFE_ANSWER: dict[str, Any] = dict.fromkeys(_CATEGORIES, _SAFE)
FILTERED_ANSWER: dict[str, Any] = {**SAFE_ANSWER, "violence": _FOUND}
SAFE_PROMPT: dict[str, Any] = {**SAFE_ANSWER, "jailbreak": _UNDETECTED}
FILTERED_PROMPT: dict[str, Any] = {**FILTERED_ANSWER, "jailbreak": _UNDETECTED}


def answer_results(*, filtered: bool) -> dict[str, Any]:
    """Return what is told about an answer."""
    return FILTERED_ANSWER if filtered else SAFE_ANSWER


@dataclass(frozen=True)
class Filters:
    """Phrases that are filtered in prompts (in any case of letters) and in answers (as they are written)."""

    prompts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    def check_prompt(self, text: str) -> None:
        """Return if *text* may be answered; ServiceError content_filter if a phrase is in it."""
        if self.prompts and any(phrase.casefold() in text.casefold() for phrase in self.prompts):
            raise errors.content_filter(FILTERED_PROMPT)
