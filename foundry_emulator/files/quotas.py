"""How many files an account may have, and how large."""

from foundry_emulator import errors
from foundry_emulator.files.requests import NewFile
from foundry_emulator.settings import FileQuota
from foundry_emulator.state import State

LARGEST_BATCH_BYTES = 200_000_000
_BATCH_FILES_FOR_EVER = 500
_BATCH_FILES_THAT_EXPIRE = 10_000


def check_size(purpose: str, size: int) -> None:
    """Do nothing if a file of *size* bytes may be used for *purpose*; ServiceError 400 if it is too large."""
    if purpose == "batch" and size > LARGEST_BATCH_BYTES:
        raise errors.too_large(LARGEST_BATCH_BYTES)


def check_room(state: State, quota: FileQuota, new: NewFile, size: int, now: float) -> None:
    """Do nothing if the account has room for *new* with *size* bytes; ServiceError quotaExceeded if not."""
    row = state.row(
        "select count(*) as files, coalesce(sum(bytes), 0) as bytes, count(expires_at) as expiring from files"
        " where account = ? and purpose = ? and gone_at is null and (expires_at is null or expires_at > ?)",
        new.account,
        new.purpose,
        now,
    )
    if row is None:
        return
    if new.purpose == "fine-tune":
        _check_fine_tuning(quota, row["files"], row["bytes"] + size)
    elif new.purpose == "batch" and new.expires_after:
        _check("files with expiry", row["expiring"] + 1, _BATCH_FILES_THAT_EXPIRE)
    elif new.purpose == "batch":
        _check("files without expiry", row["files"] - row["expiring"] + 1, _BATCH_FILES_FOR_EVER)


def _check_fine_tuning(quota: FileQuota, files: int, total: int) -> None:
    _check("fine-tune files", files + 1, quota.fine_tune_files)
    _check("the bytes of all fine-tune files", total, quota.fine_tune_bytes)


def _check(what: str, wanted: int, most: int) -> None:
    if wanted > most:
        raise errors.file_quota_exceeded(what, most)
