"""What the folders of a file say: the class that it shows, and the side of a split that somebody made."""

from unicodedata import category

SPLIT_FOLDERS = frozenset({"train", "test", "val", "valid", "validation", "held-out", "heldout", "held_out"})
UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Kinds of characters that are no text to read: control, half of a pair, and ends of lines."""


def class_folder(file: str) -> str | None:
    """The folder that names the class of *file*: the first one, or the one inside a folder of a split."""
    folders = file.split("/")[:-1]
    if len(folders) > 1 and side_of(file) is not None:
        return folders[1]
    return folders[0] if folders and side_of(file) is None else None


def side_of(file: str) -> str | None:
    """The folder of a split, such as train or test, that *file* lies in; None where there is none."""
    first = file.split("/")[0] if "/" in file else ""
    return first if first.casefold() in SPLIT_FOLDERS else None


def printable(file: str) -> str:
    """The name as it can be shown anywhere: what is no text, ends a line or steers a terminal is spelled out."""
    return "".join(each.encode("unicode_escape").decode() if category(each) in UNSHOWABLE else each for each in file)
