"""Which label, group and author each file of a batch has: as its folders say, or the labels sheet beside them."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from data_contracts.image_contract import ImageContract
from data_contracts.images import ImageHeader, Refusal
from data_contracts.label_sheet import LabelSheet, SheetRow
from data_contracts.names import folded
from data_contracts.refusal_codes import (
    AMBIGUOUS_FILE,
    LABEL_CONFLICT,
    MISSING_FILE,
    NO_GROUP,
    UNKNOWN_CLASS,
    UNLABELED,
)
from decisions.ingestion.class_folders import class_folder
from decisions.ingestion.retired_classes import of_retired_classes
from decisions.ingestion.splits import tells_group

F = TypeVar("F", bound=ImageHeader)
SHOWN = 3


def labeled(facts: Sequence[F], sheet: LabelSheet | None, contract: ImageContract) -> tuple[list[F], list[Refusal]]:
    """The *facts* with what the batch says of each file, and a refusal for each that stays without label or group.

    With a *sheet*, it alone says; without one, the class folders do. A line of the sheet that fits no file, or several,
    is refused in its place.
    """
    if sheet is None:
        said = [fact.model_copy(update={"said": class_folder(fact.file)}) for fact in facts]
        refused: list[Refusal] = []
    else:
        said, refused = _from_sheet(facts, sheet)
    named = [fact.model_copy(update={"label": contract.label_of(fact.said or "")}) for fact in said]
    told = {refusal.file for refusal in refused}
    more = (_without_label(fact, sheet) or _without_group(fact, contract) for fact in named if fact.file not in told)
    return named, [*refused, *of_retired_classes(named, contract), *filter(None, more)]


def _from_sheet(facts: Sequence[F], sheet: LabelSheet) -> tuple[list[F], list[Refusal]]:
    index = _Index(fact.file for fact in facts)
    rows: dict[str, list[SheetRow]] = defaultdict(list)
    refused = []
    for row in sheet.rows:
        found = index.files(row.file or "")
        if len(found) == 1:
            rows[found[0]].append(row)
        else:
            refused.append(_unfit(row, found, sheet.name))
    refused += filter(None, (_contradiction(file, lines, sheet.name) for file, lines in rows.items()))
    contradicted = {refusal.file for refusal in refused}
    silent = SheetRow(line=0, file=None, label=None)
    return [
        _said(fact, rows[fact.file][0] if fact.file in rows and fact.file not in contradicted else silent)
        for fact in facts
    ], refused


def _said(fact: F, row: SheetRow) -> F:
    known = {"said": row.label, "group": row.group, "who": row.who, "taken_at": row.taken_at or fact.taken_at}
    return fact.model_copy(update=known)


def _unfit(row: SheetRow, found: Sequence[str], sheet: str) -> Refusal:
    name = row.file or f"{sheet}, line {row.line}"
    if not row.file:
        reason = f"{sheet}, line {row.line}, names no file"
    elif not found:
        reason = f"{sheet}, line {row.line}, names '{row.file}', but the batch has no such file"
    else:
        reason = (
            f"{sheet}, line {row.line}, names '{row.file}', which may be {', '.join(found[:SHOWN])}; write its path"
        )
    return Refusal(file=name, code=AMBIGUOUS_FILE if found else MISSING_FILE, reason=reason)


def _contradiction(file: str, rows: Sequence[SheetRow], sheet: str) -> Refusal | None:
    first = rows[0]
    other = next((row for row in rows if _differ(row.label, first.label) or row.group != first.group), None)
    if other is None:
        return None
    what = "label" if _differ(other.label, first.label) else "group"
    one, two = (getattr(row, what) or "nothing" for row in (first, other))
    reason = f"{sheet} gives it the {what} {one} in line {first.line} and {two} in line {other.line}"
    return Refusal(file=file, code=LABEL_CONFLICT, reason=reason)


def _differ(one: str | None, other: str | None) -> bool:
    return folded(one or "") != folded(other or "")


def _without_label(fact: ImageHeader, sheet: LabelSheet | None) -> Refusal | None:
    if fact.label is not None:
        return None
    if fact.said is None:
        reason = f"{sheet.name} gives it no label" if sheet else "it lies in no class folder"
        return Refusal(file=fact.file, code=UNLABELED, reason=reason)
    return Refusal(
        file=fact.file,
        code=UNKNOWN_CLASS,
        reason=f"the contract has no class '{fact.said}'; rename it, or make it an alias of one",
    )


def _without_group(fact: ImageHeader, contract: ImageContract) -> Refusal | None:
    if tells_group(fact, contract):
        return None
    assert contract.group is not None
    lacking = {
        "folder": "it lies in no folder of a part, as CLASS/PART/FILE does",
        "file name": f"the pattern '{contract.group.pattern}' finds no part in its name",
        "column": f"the labels sheet has no '{contract.group.column}' for it",
        "seconds": "it tells no time at which it was taken",
    }
    reason = f"the contract takes groups from the {contract.group.source}, but {lacking[contract.group.source]}"
    return Refusal(file=fact.file, code=NO_GROUP, reason=reason)


class _Index:
    """Finds the files that a sheet means: by their path, else by the end of it, whatever the case."""

    def __init__(self, files: Iterable[str]) -> None:
        self._by_path: dict[str, list[str]] = defaultdict(list)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for file in files:
            path = _comparable(file)
            self._by_path[path].append(file)
            self._by_name[path.rpartition("/")[2]].append(file)

    def files(self, given: str) -> Sequence[str]:
        """The files that *given* may mean: a path, a name, an address, or the path on somebody's disk."""
        path = _comparable(_without_address(given))
        exact = self._by_path.get(path)
        if exact:
            return exact if given not in exact else [given]
        parts = path.split("/")
        candidates = self._by_name.get(parts[-1], ())
        return _longest_ends(candidates, parts)


def _longest_ends(candidates: Sequence[str], parts: Sequence[str]) -> Sequence[str]:
    """Those of *candidates* that share most of the last *parts* of a path."""
    shared = {file: _shared(_comparable(file).split("/"), parts) for file in candidates}
    most = max(shared.values(), default=0)
    return [file for file, count in shared.items() if count == most]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((count for count, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def _without_address(given: str) -> str:
    return unquote(urlsplit(given).path) if "://" in given else given


def _comparable(path: str) -> str:
    """Letters that look the same are the same: composed or not, of either case, with either slash."""
    return unicodedata.normalize("NFC", path.replace("\\", "/")).casefold().removeprefix("./").strip("/")
