"""The limits within which a person's table file is read, and the refusal of all else."""

from collections import Counter
from collections.abc import Sequence

from crm_admin.errors import CrmError
from crm_admin.i18n import N_

MAX_TEXT_BYTES = 200 * 1024 * 1024
MAX_WORKBOOK_BYTES = 100 * 1024 * 1024
MAX_ROWS = 1_048_576  #: header included: what a sheet of Excel holds
MAX_COLUMNS = 500
MAX_CELL_CHARS = 32_767  #: what a cell of Excel holds
MAX_ROW_CHARS = 1_000_000

# A workbook is a zip archive, and a child process takes it apart.
MAX_PARTS = 5_000
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_RATIO = 200  #: times a part may grow; sheets of one word only reach about 30
MAX_SHEET_CELLS = 16_000_000  #: rows times columns: each takes 24 bytes, empty or not
CHILD_MEMORY_BYTES = 512 * 1024 * 1024
CHILD_CPU_SECONDS = 60


class Unreadable(CrmError):
    """A file cannot be read as a table; the message says where and what to do about it."""


def checked_columns(names: Sequence[str]) -> list[str]:
    """Return the names in a table's header, stripped, with "" for a column that has none."""
    columns = [name.strip("\ufeff \t\r\n\u3000\u00a0") for name in names]
    if len(columns) > MAX_COLUMNS:
        raise Unreadable(
            N_("The table has %(count)s columns; at most %(most)s can be read."),
            count=len(columns),
            most=MAX_COLUMNS,
        )
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise Unreadable(
            N_("Several columns have the same name: %(names)s. Give each its own name."),
            names=", ".join(twice),
        )
    return columns
