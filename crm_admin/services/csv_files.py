"""Text files of rows: CSV and its relatives, read line by line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from crm_admin.i18n import N_
from crm_admin.services import table_limits as limits
from crm_admin.services.table_limits import Unreadable, checked_columns
from crm_admin.services.text_encodings import codec

DELIMITERS = (",", "\t", ";", "|")
_SNIFFED_LINES = 50

Row = tuple[int, list[str]]


class _Lines:
    """The physical lines of a file, which refuses to hold more of one row than the limit."""

    def __init__(self, file: io.TextIOBase) -> None:
        self.file = file
        self.read = 0
        self.row_starts = 1
        self.row_chars = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(limits.MAX_ROW_CHARS + 1)
        if not line:
            raise StopIteration
        self.read += 1
        self.row_chars += len(line)
        if self.row_chars > limits.MAX_ROW_CHARS:
            raise _too_long(self.row_starts, self.read)
        return line


class CsvTable:
    """An open text file, its header read and its rows yet to come."""

    def __init__(self, path: Path, encoding: str, *, has_formula_text: bool = False) -> None:
        self.delimiter, skipped = _delimiter(path, encoding)
        self._has_formula_text = has_formula_text
        self._file = path.open(encoding=codec(encoding), newline="")
        try:
            self._lines = _Lines(self._file)
            for _ in range(skipped):
                next(self._lines)
            self._reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
            _, header = next(self._filled_rows(), (0, []))
            if not header:
                raise Unreadable(N_("The file holds no rows."))
            self.columns = checked_columns(header)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def rows(self) -> Iterator[Row]:
        """Yield the number of each row's first line in the file, and its cells as text."""
        width = len(self.columns)
        for count, (line, cells) in enumerate(self._filled_rows(), start=2):
            if count > limits.MAX_ROWS:
                raise Unreadable(
                    N_("The file has more than %(most)s rows. Split it."), most=limits.MAX_ROWS
                )
            if len(cells) < width:
                cells += [""] * (width - len(cells))
            elif len(cells) > width:
                if any(cells[width:]):
                    raise _too_many_cells(line, len(cells), width)
                del cells[width:]
            yield line, cells

    def _filled_rows(self) -> Iterator[Row]:
        lines = self._lines
        while True:
            lines.row_starts, lines.row_chars = lines.read + 1, 0
            try:
                cells = [cell.strip() for cell in next(self._reader)]
            except StopIteration:
                return
            except csv.Error as error:
                raise _malformed(error, lines) from error
            except UnicodeDecodeError as error:
                raise Unreadable(N_("The file changed while it was read. Try again.")) from error
            if not any(cells):
                continue
            if lines.row_chars > limits.MAX_CELL_CHARS:
                _check_lengths(lines.row_starts, cells)
            if self._has_formula_text:
                cells = [_unwrapped(cell) for cell in cells]
            yield lines.row_starts, cells


def _delimiter(path: Path, encoding: str) -> tuple[str, int]:
    """Return the separator of cells, and how many lines to skip: Excel's "sep=;" is no row."""
    with path.open(encoding=codec(encoding), newline="") as file:
        lines = [file.readline(limits.MAX_CELL_CHARS) for _ in range(_SNIFFED_LINES)]
    if lines[0].lower().startswith("sep=") and len(lines[0].rstrip("\r\n")) == 5:
        return lines[0][4], 1
    lines = [line for line in lines if line.strip()]
    return max(DELIMITERS, key=lambda delimiter: _regularity(lines, delimiter)), 0


def _regularity(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Return how many rows have as many cells as the first, and how many cells those are."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] == 1:
        return 0.0, 0
    return sum(width == widths[0] for width in widths) / len(widths), widths[0]


def _unwrapped(cell: str) -> str:
    """Return the text in a cell such as ="00852", with which exports keep Excel's hands off."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell


def _check_lengths(line: int, cells: list[str]) -> None:
    longest = max(len(cell) for cell in cells)
    if longest > limits.MAX_CELL_CHARS:
        raise Unreadable(
            N_(
                "A cell in the row on line %(line)s has %(count)s characters; at most %(most)s can"
                " be read. Perhaps a quotation mark before it is not closed."
            ),
            line=line,
            count=longest,
            most=limits.MAX_CELL_CHARS,
        )


def _malformed(error: csv.Error, lines: _Lines) -> Unreadable:
    if "field larger" in str(error) and lines.read == lines.row_starts:
        return _too_long(lines.row_starts, lines.read)
    return Unreadable(
        N_(
            "A quotation mark in the row that starts on line %(line)s is not closed, or stands"
            " inside quoted text without being doubled."
        ),
        line=lines.row_starts,
    )


def _too_long(start: int, line: int) -> Unreadable:
    if start == line:
        return Unreadable(
            N_("Line %(line)s is too long to be a row of a table. Save the table as .xlsx."),
            line=line,
        )
    return Unreadable(
        N_("The quotation mark opened in the row that starts on line %(line)s is not closed."),
        line=start,
    )


def _too_many_cells(line: int, count: int, width: int) -> Unreadable:
    return Unreadable(
        N_(
            "The row on line %(line)s has %(count)s cells and the header has %(width)s. Put text"
            " that contains the separator in quotation marks."
        ),
        line=line,
        count=count,
        width=width,
    )
