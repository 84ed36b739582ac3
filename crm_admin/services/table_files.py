"""Tables in the files that people have: CSV in any encoding used for Chinese, and Excel."""

import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from crm_admin.i18n import N_
from crm_admin.services import table_limits as limits
from crm_admin.services.csv_files import CsvTable
from crm_admin.services.table_limits import Unreadable
from crm_admin.services.text_encodings import ENCODINGS, recognised
from crm_admin.services.workbook_files import WorkbookTable

__all__ = ["ENCODINGS", "TableFile", "Unreadable", "open_table"]

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Row = tuple[int, list[str]]


class TableFile:
    """A table being read once, from its header to its end; close it when leaving early.

    Iterating gives (number, cells): the number by which the person finds the row in the file, the
    line on which it starts or its row in the sheet, and as many stripped texts as there are
    columns. Blank rows are passed over. A column without a name has the name "".
    """

    def __init__(
        self,
        source: CsvTable | WorkbookTable,
        encoding: str,
        count_hint: int | None,
    ) -> None:
        self.columns = source.columns
        self.encoding = encoding  #: one of ENCODINGS, "xlsx" or "xls"
        self.count_hint = count_hint  #: about how many rows there are, header not counted
        self.delimiter = source.delimiter if isinstance(source, CsvTable) else None
        self.sheet = source.sheet if isinstance(source, WorkbookTable) else None
        self.sheets = source.sheets if isinstance(source, WorkbookTable) else []
        self.rows: Iterator[Row] = source.rows()
        self._finish = weakref.finalize(self, source.close)

    def __iter__(self) -> Iterator[Row]:
        """Yield each row that is left.

        Raises:
            Unreadable: a row cannot be read; those before it were right.
        """
        try:
            yield from self.rows
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file; no more rows come."""
        self._finish()

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_table(path: Path, *, encoding: str | None = None, sheet: str | None = None) -> TableFile:
    """Return the table in a file, told by its content and not by its name.

    Args:
        encoding: for text files, what the person chose instead of what would be recognised.
        sheet: for workbooks, instead of the first visible one.

    Raises:
        Unreadable: the file is no table, or not within the limits.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith((_ZIP, _OLE)):
        _check_size(path, limits.MAX_WORKBOOK_BYTES)
        book = WorkbookTable(path, sheet)
        kind = "xlsx" if start.startswith(_ZIP) else "xls"
        return TableFile(book, kind, max(0, book.rows_at_most - 1))
    _check_size(path, limits.MAX_TEXT_BYTES)
    _check_is_text(start)
    reading = recognised(path, encoding)
    table = CsvTable(path, reading.encoding, has_formula_text=reading.has_formula_text)
    return TableFile(table, reading.encoding, max(0, reading.lines - 1))


def _check_size(path: Path, most: int) -> None:
    size = path.stat().st_size
    if size > most:
        raise Unreadable(
            N_("The file has %(count)s MB; at most %(most)s can be read. Split it."),
            count=size >> 20,
            most=most >> 20,
        )


def _check_is_text(start: bytes) -> None:
    if not start:
        raise Unreadable(N_("The file is empty."))
    begins = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if begins.startswith((b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta", b"<head")):
        raise Unreadable(
            N_("This is a web page, whatever its name says. Open it in Excel and save it as .xlsx.")
        )
    if begins.startswith((b"%pdf", b"{\\rtf")):
        raise Unreadable(N_("This is a document, not a table. Save the table as .xlsx."))
