"""Backups: one file with all data and attachments, proven before it may replace anything.

What lives is touched last: a file is read to its end, unpacked and asked first, and what it
replaces is kept beside it.
"""

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import func, select, table
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.services import attachments, installation, postgresql_tools
from crm_admin.services import backup_archives as archives
from crm_admin.services.backup_archives import Manifest, Unusable

_SQLITE = SQLiteDialect()
ENDING = ".crmbackup"
_NIGHTLY = re.compile(r"crm-\d{4}-\d{2}-\d{2}\.crmbackup")


@dataclass(frozen=True)
class Source:
    """Where the application's data is: an SQLite file, or PostgreSQL, which has no file of ours."""

    kind: str
    file: Path | None


def source() -> Source:
    """Return where the application's data is.

    Raises:
        CrmError: it is in memory only.
    """
    url = db.engine.url
    kind = url.get_backend_name()
    if kind != "sqlite":
        return Source(kind, None)
    if not url.database or url.database == ":memory:":
        raise CrmError(N_("A database in memory cannot be backed up."))
    return Source(kind, Path(url.database).absolute())


def write(file: Path, instance: Path) -> Manifest:
    """Write a backup of all data and attachments, while people may go on working.

    The data is as it was at one moment. The file is there only when it is whole, and then replaces
    one of the same name.

    Raises:
        CrmError: there is nothing to back up, or a program that is needed is missing.
    """
    file = file.absolute()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with scratch(file.parent) as folder, archives.writing(file) as archive:
        copy, rows, schema = _copy_data(folder)
        kind = source().kind
        archive.add(archives.DATA[kind], copy, compress=kind == "sqlite")
        copy.unlink()
        for name, path in attachments.stored(instance):
            archive.add(f"{attachments.FOLDER}/{name}", path, compress=False)
        return archive.close(schema=schema, database=kind, created_at=clock.now(), rows=rows)


def _copy_data(folder: Path) -> tuple[Path, dict[str, int], str]:
    """Copy the data into the folder; return the copy, its tables' rows and its version."""
    schema = installation.version() if _is_there() else None
    if schema is None:
        raise CrmError(N_("There is nothing to back up yet: the database has no tables."))
    copy, file = folder / "data", source().file
    if file is None:
        return copy, postgresql_tools.dump(db.engine, copy), schema
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    with closing(_open_copy(copy)) as connection:
        return copy, _counts(connection), _schema(connection) or schema


def check(file: Path) -> Manifest:
    """Read a backup to its end and prove that its data is whole; nothing else is touched.

    Raises:
        Unusable: it is damaged, none of ours, or not for this version or kind of database.
    """
    with archives.reading(file) as archive, scratch(_roomy(file)) as folder:
        fits(archive.manifest)
        has_room(folder, archive.manifest.members[archive.manifest.data][0])
        archive.verify()
        prove(archive.unpack_data(folder), archive.manifest)
        return archive.manifest


def fits(manifest: Manifest) -> None:
    """Refuse a backup of another kind of database, or of a version this program does not know.

    Raises:
        Unusable: it is one of these.
    """
    kind = source().kind
    if manifest.database != kind:
        message = N_("The backup is of %(theirs)s, but this installation runs on %(ours)s.")
        raise Unusable(message, theirs=manifest.database, ours=kind)
    if manifest.schema not in installation.versions():
        message = N_("The backup was made by a newer version of this application.")
        raise Unusable(message)


def prove(copy: Path, manifest: Manifest) -> None:
    """Ask an unpacked copy of the data whether it is whole and has the rows it should have.

    Raises:
        Unusable: it is not.
    """
    if manifest.database == "sqlite":
        rows = _sqlite_rows(copy, manifest.schema)
    else:
        try:
            rows = postgresql_tools.counts_in(db.engine, copy)
        except postgresql_tools.ToolFailed as error:
            raise Unusable(N_("The backup is damaged: its database is not whole.")) from error
    if rows != dict(manifest.rows):
        raise Unusable(N_("The backup is damaged: its tables have other rows than it says."))


def _sqlite_rows(copy: Path, schema: str) -> dict[str, int]:
    try:
        with closing(_open_copy(copy)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise Unusable(N_("The backup is damaged: its database is not whole."))
            if connection.execute("PRAGMA foreign_key_check").fetchone():
                raise Unusable(N_("The backup is damaged: rows point at others that are missing."))
            if _schema(connection) != schema:
                raise Unusable(N_("The backup is damaged: its list of contents is not right."))
            return _counts(connection)
    except sqlite3.DatabaseError as error:
        raise Unusable(N_("The backup is damaged: its database is not whole.")) from error


def _open_copy(copy: Path) -> sqlite3.Connection:
    """Open a copy that nobody else knows, to read it only."""
    connection = sqlite3.connect(f"file:{quote(str(copy))}?mode=ro&immutable=1", uri=True)
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    counted = {}
    for (name,) in names.fetchall():
        statement = select(func.count()).select_from(table(name))
        [(counted[name],)] = connection.execute(str(statement.compile(dialect=_SQLITE)))
    return counted


def _schema(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row and str(row[0])


def _is_there() -> bool:
    """Return whether there is a database; asking SQLite for one would make it."""
    file = source().file
    return file is None or file.is_file()


def is_there() -> bool:
    """Return whether there is a database with tables of ours."""
    return _is_there() and installation.version() is not None


def faults() -> list[str]:
    """Return what is broken in the database itself, as far as it can tell."""
    file = source().file
    if file is None:
        return []  # PostgreSQL guards its own files
    try:
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            loose = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    pointing = [f"row {row} of {table} points at nothing in {to}" for table, row, to, _ in loose]
    return [fault for fault in said if fault != "ok"] + pointing


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder for a while, within the other and open to its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".crm-", suffix=".scratch", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _roomy(file: Path) -> Path:
    """Return where to unpack: beside the file where we may write, else the system's own place."""
    folder = file.absolute().parent
    return folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())


def has_room(folder: Path, size: int) -> None:
    """Refuse to unpack more bytes than there is room for."""
    if shutil.disk_usage(folder).free < size:
        message = N_("There is no room on the disk to unpack the backup: it takes %(size)s MB.")
        raise CrmError(message, size=size // 1024 // 1024 + 1)


# Nightly backups.


def nightly(folder: Path, day: date) -> Path:
    """Return the file of one day's backup."""
    return folder / f"crm-{day.isoformat()}{ENDING}"


def kept(folder: Path) -> list[Path]:
    """Return the nightly backups there are, the newest first."""
    found = (p for p in folder.glob(f"crm-*{ENDING}") if _NIGHTLY.fullmatch(p.name))
    return sorted(found, key=lambda p: p.name, reverse=True)


def rotate(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest nightly backups beyond `keep`, and what broken ones left; return them.

    Backups made by hand or before an upgrade have other names and stay.
    """
    surplus = kept(folder)[max(keep, 1) :]
    for file in surplus:
        file.unlink(missing_ok=True)
    yesterday = (clock.now() - timedelta(days=1)).timestamp()
    archives.clear_partials(folder, yesterday)
    for left in folder.glob(".crm-*.scratch"):
        if left.is_dir() and left.stat().st_mtime < yesterday:
            shutil.rmtree(left, ignore_errors=True)
    return surplus
