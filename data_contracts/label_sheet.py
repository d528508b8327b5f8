"""Reading a labels sheet: `labels.csv` or `labels.xlsx` beside the images, as a form or a spreadsheet exports it."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from data_contracts.errors import WrongInput
from data_contracts.names import folded
from data_contracts.record import Record

SHEETS = ("labels.csv", "labels.xlsx")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "file name", "filename", "path", "file path", "image", "image name", "image file", "photo"),
    "label": ("label", "class", "category", "class name"),
    "who": ("who", "labeled by", "labelled by", "reporter", "email"),
    "taken_at": ("taken at", "shot at", "time", "timestamp"),
}
"""By which names a sheet may call what is read from it; case, hyphens and underscores do not count."""
SEPARATORS = ",;\t"
ZIPPED = b"PK\3\4"
"""How an Excel file begins."""
EXCELS_HINT = "sep="
"""Begins a first line that tells Excel the separator, and nobody else anything."""
LARGEST_SHEET = 200_000_000
"""Bytes that a sheet may have, unpacked."""


class SheetRow(Record):
    """What one line of the sheet says about one image; None where it says nothing."""

    line: int
    file: str | None
    label: str | None
    group: str | None = None
    who: str | None = None
    taken_at: str | None = None


class LabelSheet(Record):
    """A labels sheet: its name, as messages tell it, and its lines without the empty ones."""

    name: str
    rows: tuple[SheetRow, ...]


def read_sheet(content: bytes, *, name: str, group_column: str | None = None) -> LabelSheet:
    """The labels sheet that *content* holds; an Excel file when *name* ends in xlsx, else a CSV file in UTF-8.

    *group_column* is the column that names the group of an image, if the contract takes groups from one. Raises
    WrongInput, with the sheet's name and the value, for a file that cannot be read or lacks a column.
    """
    _check_size(len(content), name)
    lines = _excel(content, name) if name.casefold().endswith("xlsx") else _csv(content, name)
    heads = next((line for line in lines if any(line[1])), None)
    if heads is None:
        raise WrongInput(f"{name} is empty; its first line names the columns, such as file,label")
    places = _places(heads[1], name, group_column)
    rows = (_row(number, cells, places) for number, cells in lines if any(cells))
    return LabelSheet(name=name, rows=tuple(rows))


def _check_size(size: int, name: str) -> None:
    if size > LARGEST_SHEET:
        raise WrongInput(f"{name} has {size:,} bytes; a labels sheet has at most {LARGEST_SHEET:,}")


def _csv(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each line."""
    text = _decoded(content, name)
    hinted = text.startswith(EXCELS_HINT)
    if hinted:
        text = text.partition("\n")[2]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    try:
        for cells in reader:
            yield reader.line_num + hinted, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise WrongInput(f"{name}, line {reader.line_num}, is no CSV: {error}") from error


def _decoded(content: bytes, name: str) -> str:
    if content.startswith(ZIPPED):
        raise WrongInput(f"{name} is an Excel file; name it labels.xlsx")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        raise WrongInput(f"{name} is no text in UTF-8; save it as 'CSV UTF-8' or as labels.xlsx")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise WrongInput(f"{name}, line {line}, is not UTF-8; save it as 'CSV UTF-8' or as labels.xlsx") from error


def _separator(text: str) -> str:
    """The separator that splits the first line into most columns."""
    head = text.lstrip().partition("\n")[0]
    return max(SEPARATORS, key=head.count)


def _excel(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each line of the first sheet; of a formula the value that was saved with it."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _check_size(sum(each.file_size for each in package.infolist()), f"{name}, unpacked,")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file claims to span may be a million empty columns
            rows = sheet.iter_rows(values_only=True)
            yield from ((number, [_text(cell) for cell in cells]) for number, cells in enumerate(rows, start=1))
        finally:
            book.close()
    except WrongInput:
        raise
    except Exception as error:  # what openpyxl raises for a damaged file is not documented
        problem = " ".join(str(error).split()) or type(error).__name__
        raise WrongInput(f"{name} cannot be read as an Excel file: {problem}") from error


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _places(heads: Sequence[str], name: str, group_column: str | None) -> dict[str, int]:
    """At which place of a line each of COLUMNS is, and the group."""
    known = {meaning: {folded(each) for each in names} for meaning, names in COLUMNS.items()}
    if group_column is not None:
        known["group"] = {folded(group_column)}
    found = {
        meaning: [place for place, head in enumerate(heads) if folded(head) in names]
        for meaning, names in known.items()
    }
    for meaning, places in found.items():
        if len(places) > 1:
            both = " and ".join(f"'{heads[place]}'" for place in places)
            raise WrongInput(f"{name} has the columns {both}, which both mean the {meaning}; keep one of them")
    for needed in {"file", "label", "group"} & found.keys():
        if not found[needed]:
            accepted = group_column if needed == "group" else ", ".join(COLUMNS[needed])
            there = ", ".join(f"'{head}'" for head in heads if head) or "none"
            raise WrongInput(f"{name} has no column for the {needed}; its columns are {there}; name one of: {accepted}")
    return {meaning: places[0] for meaning, places in found.items() if places}


def _row(line: int, cells: Sequence[str], places: Mapping[str, int]) -> SheetRow:
    given = {meaning: cells[place] or None for meaning, place in places.items() if place < len(cells)}
    return SheetRow(line=line, **{"file": None, "label": None, **given})


def sheet_among(files: Iterable[str]) -> str | None:
    """The labels sheet at the top of *files*, None without one; raises WrongInput when there are two."""
    found = sorted(file for file in files if file.casefold() in SHEETS)
    if len(found) > 1:
        raise WrongInput(f"There are {' and '.join(found)}; keep the one that counts")
    return found[0] if found else None
