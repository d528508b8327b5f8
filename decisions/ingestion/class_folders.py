"""What the folders of a file say: the class that it shows, and the side of a split that somebody made."""

SIDES = {
    "train": "train",
    "test": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "held-out": "held-out",
    "held_out": "held-out",
    "heldout": "held-out",
}
"""The side that each folder of a split means, whatever its case."""


def class_folder(file: str) -> str | None:
    """The folder that names the class of *file*: the first one, or the one inside a folder of a split."""
    folders = file.split("/")[:-1]
    if len(folders) > 1 and side_of(file) is not None:
        return folders[1]
    return folders[0] if folders and side_of(file) is None else None


def inner_folders(file: str) -> str:
    """The folders of *file* below the one of its class: a line, a camera, a part; empty without any."""
    folders = file.split("/")[:-1]
    return "/".join(folders[2 if side_of(file) is not None else 1 :])


def side_of(file: str) -> str | None:
    """The side of a split, such as train or test, in whose folder *file* lies; None where there is none."""
    first = file.split("/")[0].casefold() if "/" in file else ""
    return SIDES.get(first)
