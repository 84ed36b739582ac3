"""The child process that reads one sheet of a workbook and writes its rows as lines of JSON.

It is run by path and imports nothing of ours, so that it starts fast and holds no secrets. What it
refuses it names by the words of `workbook_files`, which turns them into messages.
"""

import json
import math
import posixpath
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree

_CHUNK = 1024 * 1024
_BLOCK_CHARS = 256 * 1024
_BLOCK_ROWS = 500
_MAX_INDEX_BYTES = 4 * 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# A cell that has content: one closed at once ("<c .../>") is only a border or a colour.
_FILLED_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,9})([0-9]{1,9})["'][^>]*(?<!/)>""")


class Refused(Exception):
    """The workbook is not read, for a reason that the parent has words for."""

    def __init__(self, reason: str, **values: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


class TooManyDigits(Exception):
    """A number has more digits than a workbook keeps."""


class Workbook:
    """A workbook on disk, checked before anything native sees it."""

    def __init__(self, path: Path, limits: dict[str, int]) -> None:
        self.path = path
        self.limits = limits

    def checked_sheet(self, wanted: str | None) -> str | None:
        """Return the sheet to read, or None for the first visible one of an old .xls."""
        with self.path.open("rb") as file:
            if file.read(8) == _OLE:
                file.seek(0)
                if _contains(file, _ENCRYPTED):
                    raise Refused("password")
                return wanted
        with zipfile.ZipFile(self.path) as archive:
            self._check_directory(archive)
            for part in archive.infolist():
                self._check_content(archive, part)
            sheet, part_name = self._chosen(_sheets(archive), wanted)
            self._check_area(archive, sheet, part_name)
        return sheet

    def _check_directory(self, archive: zipfile.ZipFile) -> None:
        parts = archive.infolist()
        names = {part.filename for part in parts}
        if len(parts) > self.limits["MAX_PARTS"]:
            raise Refused("parts", count=len(parts), most=self.limits["MAX_PARTS"])
        if any(part.flag_bits & 1 for part in parts):
            raise Refused("password")
        if len(names) < len(parts):
            raise Refused("damaged")
        if "xl/workbook.xml" not in names:
            raise Refused("format")
        size, most = sum(part.file_size for part in parts), self.limits["MAX_UNPACKED_BYTES"]
        for part in parts:
            packed = max(part.compress_size, 1)
            if part.file_size > _CHUNK and part.file_size > packed * self.limits["MAX_RATIO"]:
                raise Refused("ratio", part=part.filename)
        if size > most:
            raise Refused("unpacked", count=size >> 20, most=most >> 20)

    def _check_content(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
        """Read a part to its end, which also proves its declared size and its checksum."""
        is_xml = part.filename.endswith((".xml", ".rels"))
        with archive.open(part) as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
            if start.startswith(b"PK\x03\x04"):
                raise Refused("nested", part=part.filename)
            if is_xml and start and not start.startswith(b"<"):
                raise Refused("damaged")
            if not start.startswith(b"<"):
                return
            if _contains(file, b"<!DOCTYPE", b"<!ENTITY", before=start):
                raise Refused("doctype", part=part.filename)

    def _chosen(self, sheets: dict[str, tuple[str, bool]], wanted: str | None) -> tuple[str, str]:
        visible = [name for name, (_, is_visible) in sheets.items() if is_visible]
        name = wanted if wanted is not None else next(iter(visible or sheets), None)
        if name is None:
            raise Refused("damaged")
        if name not in sheets:
            raise Refused("no sheet", sheet=name, sheets=", ".join(sheets))
        return name, sheets[name][0]

    def _check_area(self, archive: zipfile.ZipFile, sheet: str, part: str) -> None:
        rows, columns = _extent(archive, part)
        self.check_size(sheet, rows, columns)

    def check_size(self, sheet: str, rows: int, columns: int) -> None:
        if (
            rows > self.limits["MAX_ROWS"]
            or columns > self.limits["MAX_COLUMNS"]
            or rows * columns > self.limits["MAX_SHEET_CELLS"]
        ):
            raise Refused("area", sheet=sheet, rows=rows, columns=column_letters(columns))


def _contains(file: Any, *words: bytes, before: bytes = b"") -> bool:
    kept = before
    while chunk := file.read(_CHUNK):
        kept += chunk
        if any(word in kept for word in words):
            return True
        kept = kept[-64:]
    return any(word in kept for word in words)


def _sheets(archive: zipfile.ZipFile) -> dict[str, tuple[str, bool]]:
    """Return the worksheets in their order: name -> (part of the archive, is visible)."""
    targets = {
        node.get("Id"): node.get("Target", "")
        for node in _index(archive, "xl/_rels/workbook.xml.rels").iter()
        if _local(node.tag) == "Relationship"
    }
    sheets = {}
    for node in _index(archive, "xl/workbook.xml").iter():
        if _local(node.tag) != "sheet":
            continue
        relation = next((v for k, v in node.attrib.items() if _local(k) == "id" and k != "id"), "")
        target = posixpath.normpath(posixpath.join("/xl", targets.get(relation, ""))).lstrip("/")
        if "worksheets" in target:
            sheets[node.get("name", "")] = target, node.get("state", "visible") == "visible"
    return sheets


def _index(archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    if archive.getinfo(part).file_size > _MAX_INDEX_BYTES:
        raise Refused("damaged")
    return ElementTree.fromstring(archive.read(part))  # nosec B314  # noqa: S314  (entities are refused above)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _extent(archive: zipfile.ZipFile, part: str) -> tuple[int, int]:
    """Return the last row and the last column that hold something, counted from 1.

    The cells themselves are asked: the size that a sheet declares may be anything.
    """
    rows: set[bytes] = set()
    columns: set[bytes] = set()
    kept = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            kept += chunk
            cut = kept.rfind(b">") + 1
            if found := _FILLED_CELL.findall(kept[:cut]):
                names, numbers = zip(*found, strict=True)
                columns.update(names)
                rows.add(max(set(numbers), key=int))
            kept = kept[cut:]
            if len(kept) > 4 * _CHUNK:
                raise Refused("damaged")
    return max(map(int, rows), default=0), max(map(column_number, columns), default=0)


def column_number(letters: bytes) -> int:
    """Return 1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def column_letters(number: int) -> str:
    """Return A for 1, AA for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def text(value: Any) -> str:
    """Return a cell's value as its reader would type it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        moment = (value + timedelta(milliseconds=500)).replace(microsecond=0)
        return moment.date().isoformat() if moment.time() == time() else moment.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("seconds")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return ""


def _number(value: int | float) -> str:
    if not math.isfinite(value):
        return ""
    if value == int(value):
        if abs(value) >= 10**15:
            raise TooManyDigits
        return str(int(value))
    # A workbook keeps and shows 15 digits; the rest is the noise of binary fractions.
    return format(Decimal(format(value, ".15g")), "f")


def rows(sheet: Any, limits: dict[str, int]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the texts of each row that is not blank, the header first."""
    header: list[str] = []
    for number, values in enumerate(sheet.iter_rows(), start=1):
        try:
            cells = [v.strip() if type(v) is str else text(v) for v in values]
        except TooManyDigits:
            column = _damaged_column(values, header, sheet.start[1])
            raise Refused("digits", column=column, row=number) from None
        chars = sum(map(len, cells))
        if not chars:
            continue
        if chars > limits["MAX_CELL_CHARS"]:
            _check_lengths(number, cells, chars, limits)
        header = header or cells
        yield number, cells


def _damaged_column(values: list[Any], header: list[str], offset: int) -> str:
    for index, value in enumerate(values):
        try:
            text(value)
        except TooManyDigits:
            return (header[index : index + 1] or [""])[0] or column_letters(offset + index + 1)
    return ""


def _check_lengths(number: int, cells: list[str], chars: int, limits: dict[str, int]) -> None:
    longest, most = max(map(len, cells)), limits["MAX_CELL_CHARS"]
    if longest > most:
        raise Refused("cell", row=number, count=longest, most=most)
    if chars > limits["MAX_ROW_CHARS"]:
        raise Refused("row", row=number)


def send(message: dict[str, Any]) -> None:
    """Write one message to the parent."""
    line = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(line.encode() + b"\n")


def read(path: Path, wanted: str | None, limits: dict[str, int]) -> None:
    """Send the sheet's header, then its rows in blocks, then the end."""
    workbook = Workbook(path, limits)
    wanted = workbook.checked_sheet(wanted)
    import python_calamine  # after the limits are set and the checks are passed

    try:
        # Given as a file, the kind is told by the content; given as a path, by the name.
        with path.open("rb") as file:
            book = python_calamine.load_workbook(file)
        names = book.sheet_names
        visible = [m.name for m in book.sheets_metadata if "Visible" in repr(m.visible)]
        name = wanted if wanted is not None else (visible or names)[0]
        if name not in names:
            raise Refused("no sheet", sheet=name, sheets=", ".join(names))
        sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError:
        raise Refused("password") from None
    if sheet.end is None:
        raise Refused("empty", sheet=name)
    workbook.check_size(name, sheet.end[0] + 1, sheet.end[1] + 1)
    table = rows(sheet, limits)
    _, header = next(table, (0, None))
    if header is None:
        raise Refused("empty", sheet=name)
    send({"sheet": name, "sheets": names, "rows": sheet.end[0] + 1, "header": header})
    _send_rows(table)


def _send_rows(table: Iterator[tuple[int, list[str]]]) -> None:
    block: list[tuple[int, list[str]]] = []
    chars = 0
    for number, cells in table:
        block.append((number, cells))
        chars += sum(map(len, cells))
        if len(block) >= _BLOCK_ROWS or chars >= _BLOCK_CHARS:
            send({"rows": block})
            block, chars = [], 0
    send({"rows": block})
    send({"end": True})


def _limit_self(limits: dict[str, int]) -> None:
    import resource  # not on every system, and only this process needs it

    for kind, most in (
        (resource.RLIMIT_AS, limits["CHILD_MEMORY_BYTES"]),
        (resource.RLIMIT_CPU, limits["CHILD_CPU_SECONDS"]),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):
            continue  # macOS knows no limit of memory; the checks before stand alone there


def main() -> NoReturn:
    """Read the sheet named by the task in the only argument, and send it or why not."""
    task = json.loads(sys.argv[1])
    _limit_self(task["limits"])
    try:
        read(Path(task["path"]), task["sheet"], task["limits"])
    except Refused as refused:
        send({"refused": refused.reason, "values": refused.values})
    except MemoryError:
        send({"refused": "too big", "values": {}})
    except BrokenPipeError:
        sys.exit(0)
    except Exception:
        send({"refused": "damaged", "values": {}})
    sys.stdout.flush()
    sys.exit(0)


if __name__ == "__main__":
    main()
