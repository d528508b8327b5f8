"""Labels sheets as forms and spreadsheets export them, and the ones that cannot be used."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from data_contracts.errors import WrongInput
from data_contracts.label_sheet import SheetRow, read_sheet, sheet_among


def excel(*rows: Sequence[object]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(content: bytes, name: str = "labels.csv", column: str | None = None) -> tuple[SheetRow, ...]:
    return read_sheet(content, name=name, group_column=column).rows


ROWS = (SheetRow(line=2, file="a.jpg", label="crazing"), SheetRow(line=3, file="b.jpg", label="scratches"))


@pytest.mark.parametrize(
    "content",
    [
        b"file,label\na.jpg,crazing\nb.jpg,scratches\n",
        b"File Name;Class\r\na.jpg;crazing\r\nb.jpg; scratches \r\n",
        b"category\timage\ncrazing\ta.jpg\nscratches\tb.jpg",
        "\ufefffile,label\na.jpg,crazing\nb.jpg,scratches\n,\n".encode(),
        "file\tlabel\na.jpg\tcrazing\nb.jpg\tscratches\n".encode("utf-16"),
        b'"file","label","note"\n"a.jpg","crazing","one, two"\n"b.jpg","scratches"\n',
    ],
)
def test_what_spreadsheets_save_as_csv_is_read(content: bytes) -> None:
    assert read(content) == ROWS


def test_a_line_that_is_meant_for_excel_counts_as_a_line_only() -> None:
    assert read(b"sep=;\r\nfile;label\r\na.jpg;crazing\r\n") == (SheetRow(line=3, file="a.jpg", label="crazing"),)


def test_an_excel_file_is_read_with_its_types() -> None:
    when = datetime(2026, 11, 25, 6, 0, tzinfo=UTC).replace(tzinfo=None)
    content = excel(["Path", "Label", "Taken at", "Email"], ["a.jpg", 7.0, when, "ines@example.com"], [], ["b.jpg"])

    assert read(content, "labels.xlsx") == (
        SheetRow(line=2, file="a.jpg", label="7", taken_at="2026-11-25T06:00:00", who="ines@example.com"),
        SheetRow(line=4, file="b.jpg", label=None),
    )


def test_the_contracts_column_is_the_group() -> None:
    assert read(b"file,label,serial\na.jpg,crazing,part-7\n", column="Serial")[0].group == "part-7"


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("labels.csv", b"", None, "labels.csv is empty; its first line names the columns, such as file,label"),
        (
            "labels.csv",
            b"a.jpg,crazing\n",
            None,
            "labels.csv has no column for the (file|label); its columns are 'a.jpg'",
        ),
        ("labels.csv", b"file,label,class\n", None, "has the columns 'label' and 'class', which both mean the label"),
        ("labels.csv", b"file,label\n", "serial", "no column for the group; .*; name one of: serial"),
        (
            "labels.csv",
            "file,label\nprüfung.jpg,x\n".encode("cp1252"),
            None,
            "labels.csv, line 2, is not UTF-8; save it",
        ),
        ("labels.csv", excel(["file", "label"]), None, "labels.csv is an Excel file; name it labels.xlsx"),
        ("labels.xlsx", b"file,label\n", None, "labels.xlsx cannot be read as an Excel file: File is not a zip file"),
        ("labels.xlsx", excel(), None, "labels.xlsx is empty"),
        ("labels.csv", b'file,label\n"' + b"a" * 200_000, None, "labels.csv, line 2, is no CSV: field larger than"),
    ],
)
def test_a_sheet_that_cannot_be_used_says_why(name: str, content: bytes, column: str | None, message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        read(content, name, column)


def test_an_excel_file_that_unpacks_to_far_more_is_not_unpacked() -> None:
    out = io.BytesIO(excel(["file", "label"]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as package, package.open("bomb.xml", "w") as bomb:
        for _ in range(250):
            bomb.write(bytes(1_000_000))

    with pytest.raises(WrongInput, match=r"labels.xlsx, unpacked, has 250,"):
        read(out.getvalue(), "labels.xlsx")


def test_a_sheet_counts_only_at_the_top_and_alone() -> None:
    assert sheet_among(["a/labels.csv", "b.jpg"]) is None
    assert sheet_among(["Labels.CSV", "b.jpg"]) == "Labels.CSV"
    with pytest.raises(WrongInput, match=r"There are labels.csv and labels.xlsx; keep the one that counts"):
        sheet_among(["labels.csv", "labels.xlsx"])
