"""Erasing forgotten chats from delivered files: their lines are blanked, so that all others keep their numbers."""

from collections.abc import Collection
from tempfile import SpooledTemporaryFile

from cloud.store import INBOX
from decisions.ingestion.chat_check import digest_of
from tasks.intake.chat_files import IN_MEMORY, LONGEST_LINE, SUFFIX
from tasks.loop import Loop


def blank_lines(loop: Loop, digests: Collection[str]) -> int:
    """Blank the lines of the loop's inbox and quarantine that are chats with *digests*; the number of files changed."""
    folders = (f"{INBOX}/{loop.name}/", loop.path("quarantine") + "/")
    paths = [path for folder in folders for path in loop.store.list(folder) if path.casefold().endswith(SUFFIX)]
    return sum(_blanked(loop, path, digests) for path in paths)


def _blanked(loop: Loop, path: str, digests: Collection[str]) -> bool:
    changed = False
    with loop.store.open(path) as stream, SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
        for line in stream:
            gone = len(line) <= LONGEST_LINE and digest_of(line) in digests
            kept.write(b"\n" if gone else line)
            changed |= gone
        if changed:
            kept.seek(0)
            loop.store.put(path, kept)
    return changed
