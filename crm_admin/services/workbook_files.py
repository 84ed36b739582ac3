"""Excel workbooks, taken apart in a child process that a hostile file may kill without harm."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crm_admin.i18n import N_
from crm_admin.services import table_limits as limits
from crm_admin.services.table_limits import Unreadable, checked_columns

log = logging.getLogger(__name__)

_READER = Path(__file__).with_name("workbook_reader.py")
_LONGEST_MESSAGE = 16 * 1024 * 1024
# The child needs none of our settings; these let an unusual Python find its libraries.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")

Row = tuple[int, list[str]]

_DAMAGED = N_("The workbook is damaged. Open it in Excel and save it again as .xlsx.")
_TOO_BIG = N_("The workbook is too large to be read. Split it, or save the sheet as “CSV UTF-8”.")
#: What the child refuses, by its word for it.
_REFUSALS = {
    "damaged": _DAMAGED,
    "too big": _TOO_BIG,
    "password": N_("The workbook is protected by a password. Save it without one."),
    "parts": N_("The workbook has %(count)s parts; at most %(most)s can be read."),
    "unpacked": N_(
        "The workbook unpacks to %(count)s MB; at most %(most)s can be read. Split it, or save the"
        " sheet as “CSV UTF-8”."
    ),
    "ratio": N_(
        "The part %(part)s of the workbook is packed far more tightly than Excel does. Open it in"
        " Excel and save it again as .xlsx."
    ),
    "nested": N_("The workbook contains another archive, %(part)s. Remove the embedded file."),
    "doctype": N_(
        "The part %(part)s of the workbook declares entities, which Excel never does. Open it in"
        " Excel and save it again as .xlsx."
    ),
    "format": N_("This kind of workbook cannot be read. Open it in Excel and save it as .xlsx."),
    "no sheet": N_("The workbook has no sheet “%(sheet)s”. It has: %(sheets)s."),
    "empty": N_("The sheet “%(sheet)s” is empty."),
    "area": N_(
        "The sheet “%(sheet)s” reaches to row %(rows)s and column %(columns)s, which is too far."
        " Delete stray cells at its edge, or split it."
    ),
    "digits": N_(
        "Column “%(column)s”, row %(row)s: a number of more than 15 digits is stored as a number"
        " and has lost digits. Format the column as text and enter the numbers again."
    ),
    "cell": N_("A cell in row %(row)s has %(count)s characters; at most %(most)s can be read."),
    "row": N_("Row %(row)s holds more text than can be read."),
}


class WorkbookTable:
    """A sheet that a child process is reading, its header come and its rows on their way."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        self._child = _started(path, sheet)
        try:
            opened = self._received()
            self.sheet = str(opened["sheet"])
            self.sheets = [str(name) for name in opened["sheets"]]
            self.rows_at_most = int(opened["rows"])
            self.columns = checked_columns(opened["header"])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the child, whether or not it has finished."""
        if self._child.poll() is None:
            self._child.kill()
        if self._child.stdout:
            self._child.stdout.close()
        self._child.wait()

    def rows(self) -> Iterator[Row]:
        """Yield the number of each row in the sheet, and its cells as text."""
        while True:
            message = self._received()
            if "end" in message:
                return
            yield from ((number, cells) for number, cells in message["rows"])

    def _received(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline(_LONGEST_MESSAGE)
        if not line.endswith(b"\n"):
            raise self._failure()
        message: dict[str, Any] = json.loads(line)
        if "refused" in message:
            raise Unreadable(_REFUSALS[message["refused"]], **message["values"])
        return message

    def _failure(self) -> Unreadable:
        if self._child.stdout:
            self._child.stdout.close()
        self._child.kill()
        status = self._child.wait()
        log.warning("the reader of a workbook ended with status %s", status)
        # A positive status is an error of its own; a signal means memory or time ran out.
        return Unreadable(_DAMAGED if status > 0 else _TOO_BIG)


def _started(path: Path, sheet: str | None) -> "subprocess.Popen[bytes]":
    task = {
        "path": str(path.resolve()),
        "sheet": sheet,
        "limits": {k: v for k, v in vars(limits).items() if k.startswith(("MAX_", "CHILD_"))},
    }
    return subprocess.Popen(  # noqa: S603  (our own script; what the person sent is data to it)
        [sys.executable, "-I", str(_READER), json.dumps(task)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )
