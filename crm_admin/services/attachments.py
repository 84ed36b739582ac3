"""Files that belong to records: who reaches a record reaches its files, by these doors only.

A file lies under a random name in the instance folder. It is there before its row and is taken away
again where the row cannot be written, so that no row is without its file.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sqlalchemy import bindparam, select

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.errors import Conflict, Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.attachments import Attachment
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, file_names, records

#: The folder of all files, within the instance folder.
FOLDER = "attachments"
#: How a file is kept: two letters for the folder, the rest at random.
STORED_AS = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}")
_INCOMING = ".incoming"
_CHUNK = 1024 * 1024
#: After this long a file on its way in is one that somebody's broken connection left.
_ABANDONED = timedelta(days=1)


def store(
    record: Record, name: str, stream: BinaryIO, actor: User, *, instance: Path, limit: int
) -> Attachment:
    """Keep a file with the record, in a transaction of its own, and return its row.

    Args:
        name: as the person's computer calls it.
        stream: read to its end, but never further than the limit.
        instance: the instance folder.
        limit: the most bytes it may have.

    Raises:
        Conflict: the record is gone or out of reach. Denied: the actor may not change it.
        Invalid: the record is closed; or the file is empty, too large, or not what its name says.
            Nothing is kept then.
    """
    _may_change(record, actor)
    name = file_names.cleaned(name)
    stored_as = f"{secrets.token_hex(1)}/{secrets.token_hex(15)}"
    with _received(stream, name, instance, limit) as incoming:
        place = instance / FOLDER / stored_as
        _make_folder(place.parent)
        incoming.path.rename(place)
        try:
            _sync(place.parent)
            with records.transaction("attachment"):
                records.claim(record, actor, "edit")
                _refuse_closed(record)
                row = Attachment(
                    entity=record.__tablename__,
                    record_id=record.id,
                    name=name,
                    media_type=file_names.media_type(name),
                    size=incoming.size,
                    sha256=incoming.sha256,
                    stored_as=stored_as,
                )
                records.save(row, actor, action="created")
        except BaseException:
            place.unlink(missing_ok=True)
            raise
    return row


class Listed(NamedTuple):
    """A file as a record's page lists it; `by` is the name of who brought it."""

    id: int
    name: str
    size: int
    created_at: datetime
    by: str | None


_files, _users = access.table_of(Attachment), access.table_of(User)
#: Asked for every record's page, so it is put together once.
_LISTED = (
    select(_files.c.id, _files.c.name, _files.c.size, _files.c.created_at, _users.c.name)
    .select_from(_files.outerjoin(_users, _users.c.id == _files.c.created_by_id))
    .where(
        _files.c.entity == bindparam("entity"),
        _files.c.record_id == bindparam("record"),
        _files.c.deleted_at.is_(None),
    )
    .order_by(_files.c.id.desc())
)


def listed(record: Record, actor: User) -> Sequence[Listed]:
    """Return the record's files that the actor may open, the latest first."""
    if not access.may(record, actor):
        return []
    asked = {"entity": record.__tablename__, "record": record.id}
    return [Listed(*row) for row in ask(_LISTED, asked).all()]


def open_file(id: int, actor: User, *, instance: Path) -> tuple[Attachment, Path] | None:
    """Return a file's row and where it lies, or None where the actor does not reach its record.

    Raises:
        Conflict: the file itself is missing.
    """
    row = _row(id)
    if row is None or _parent(row, actor, "view") is None:
        return None
    path = place_of(row, instance)
    if not path.is_file():
        raise Conflict(N_("This file is missing; please tell an administrator."))
    return row, path


def delete(id: int, actor: User) -> bool:
    """Move a file to the recycle bin, in the caller's transaction; return whether there was one.

    Raises:
        Denied: the actor sees the record, but may not change it. Invalid: the record is closed.
    """
    row = _row(id)
    if row is None or (parent := _parent(row, actor, "view")) is None:
        return False
    _may_change(parent, actor)
    if not access.allows(actor, "delete", Attachment):
        raise Denied(N_("You may not delete this."))
    _refuse_closed(parent)
    records.delete(row, actor)
    return True


def place_of(row: Attachment, instance: Path) -> Path:
    """Return where a file lies; whatever its row says, that is in the folder of all files."""
    if not STORED_AS.fullmatch(row.stored_as):
        raise Conflict(N_("This file is missing; please tell an administrator."))
    return instance / FOLDER / row.stored_as


def stored(instance: Path) -> Iterator[tuple[str, Path]]:
    """Yield (stored as, path) of every file that is kept, in the order of their names."""
    for path in sorted((instance / FOLDER).glob("??/*")):
        name = path.relative_to(instance / FOLDER).as_posix()
        if STORED_AS.fullmatch(name) and path.is_file() and not path.is_symlink():
            yield name, path


@dataclass
class Findings:
    """What does not fit between rows and files: rows by their ids, files by their paths."""

    missing: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    stray: list[Path] = field(default_factory=list)


def inspect(instance: Path, *, contents: bool = False) -> Findings:
    """Compare rows and files, those in the recycle bin too; with `contents` read every file.

    A file younger than a day without a row may be on its way in, and is left out.
    """
    found = Findings()
    kept = dict(stored(instance))
    statement = select(Attachment.id, Attachment.stored_as, Attachment.size, Attachment.sha256)
    for id, stored_as, size, sha256 in db.session.execute(statement.order_by(Attachment.id)):
        path = kept.pop(stored_as, None)
        if path is None:
            found.missing.append(id)
        elif path.stat().st_size != size or (contents and _sha256(path) != sha256):
            found.damaged.append(id)
    oldest = (clock.now() - _ABANDONED).timestamp()
    waiting = (instance / FOLDER / _INCOMING).glob("*")
    found.stray = [p for p in (*kept.values(), *waiting) if p.stat().st_mtime < oldest]
    return found


@dataclass(frozen=True)
class _Incoming:
    path: Path
    size: int
    sha256: str


@contextmanager
def _received(stream: BinaryIO, name: str, instance: Path, limit: int) -> Iterator[_Incoming]:
    """Write the stream to the disk under a name of its own, which is gone after the block."""
    folder = instance / FOLDER / _INCOMING
    _make_folder(folder)
    path, size, digest = folder / secrets.token_hex(16), 0, hashlib.sha256()
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            head = stream.read(min(file_names.HEAD, limit + 1))
            file_names.check(name, head)
            chunk = head
            while chunk:
                size += len(chunk)
                if size > limit:
                    message = N_("%(name)s is larger than %(limit)s MB.")
                    values = {"name": name, "limit": f"{limit / 1024 / 1024:g}"}
                    raise Invalid([Problem("file", message, values)])
                digest.update(chunk)
                file.write(chunk)
                chunk = stream.read(min(_CHUNK, limit + 1 - size))
            file.flush()
            os.fsync(file.fileno())
        yield _Incoming(path, size, digest.hexdigest())
    finally:
        path.unlink(missing_ok=True)


def _row(id: int) -> Attachment | None:
    key = access.key_of(id)
    return db.session.scalar(records.alive(Attachment).where(Attachment.id == key))


def _parent(row: Attachment, actor: User, verb: str) -> Record | None:
    """Return the record a file belongs to, as far as the actor may do this to it."""
    model = access.model_of(row.entity)
    return access.find(model, row.record_id, actor, verb) if model else None


def _may_change(record: Record, actor: User) -> None:
    if isinstance(record, Attachment) or not access.may(record, actor, "view"):
        raise Conflict(N_("This record is no longer there."))
    if not access.may(record, actor, "edit"):
        raise Denied(N_("You may not change this record."))


def _refuse_closed(record: Record) -> None:
    """Raise what keeps the record, and with it its files, as it is."""
    if reason := record.locked():
        raise Invalid([Problem("", reason)])


def _make_folder(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _sync(folder: Path) -> None:
    """Let the name of a new file survive a power cut, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
