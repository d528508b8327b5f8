"""Names of files as they can be shown and stored: they come from anybody's disk."""

from collections.abc import Iterable
from unicodedata import category

from data_contracts.images import Refusal
from data_contracts.refusal_codes import BAD_NAME

UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Kinds of characters that are no text to read: control, half of a pair, and ends of lines."""


def printable(file: str) -> str:
    """The name as it can be shown anywhere: what is no text, ends a line or steers a terminal is spelled out."""
    return "".join(each.encode("unicode_escape").decode() if category(each) in UNSHOWABLE else each for each in file)


def is_text(file: str) -> bool:
    """Whether the name is text in UTF-8; no table and no message could carry another one."""
    try:
        file.encode()
    except UnicodeEncodeError:
        return False
    return True


def nameless(files: Iterable[str]) -> list[Refusal]:
    """A refusal for each of *files* whose name is no text."""
    reason = "the file's name is no text in UTF-8; rename it"
    return [Refusal(file=printable(file), code=BAD_NAME, reason=reason) for file in files if not is_text(file)]
