"""Putting a backup back: proven first, then exchanged in one step, with the old data kept."""

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.users import UserSession
from crm_admin.services import (
    account_tokens,
    attachments,
    backups,
    installation,
    outbox,
    postgresql_tools,
    records,
)
from crm_admin.services import backup_archives as archives
from crm_admin.services.backup_archives import Manifest

log = logging.getLogger(__name__)
_RUNNING = N_("The application is running: stop it, and its scheduler, first.")


@dataclass(frozen=True)
class Restored:
    """What was put back, and where the data that it replaced is kept."""

    manifest: Manifest
    kept: list[Path]


@dataclass
class _Exchange:
    """Files and folders put in the place of others, which can be undone."""

    stamp: str
    kept: list[Path] = field(default_factory=list)
    _undo: list[tuple[Path, Path | None]] = field(default_factory=list)

    def put(self, new: Path | None, place: Path) -> None:
        """Put the new one in its place, if there is one; the old one keeps another name."""
        old = place.with_name(f"{place.name}.before-restore-{self.stamp}")
        if place.exists():
            place.rename(old)
            self.kept.append(old)
            self._undo.append((place, old))
        else:
            self._undo.append((place, None))
        if new is not None:
            new.rename(place)

    def undo(self) -> None:
        """Put the old ones back."""
        for place, old in reversed(self._undo):
            if place.is_dir():
                shutil.rmtree(place)
            else:
                for leftover in (place, *_beside(place)):
                    leftover.unlink(missing_ok=True)
            if old is not None:
                old.rename(place)
        self.kept.clear()
        self._undo.clear()


def restore(file: Path, instance: Path, folder: Path) -> Restored:
    """Put a backup in the place of all data and attachments.

    It is checked to its last byte and its data proven before anything is touched. A backup of an
    earlier version is brought to this one. Whoever was signed in has to sign in again.

    Args:
        instance: the instance folder.
        folder: where backups go; PostgreSQL's old data is backed up into it.

    Raises:
        Unusable: the file cannot be restored here. CrmError: the application is running, or the
            exchange failed. The data is as it was.
    """
    installation.disconnect()
    with archives.reading(file) as archive, backups.scratch(instance) as unpacked:
        manifest = archive.manifest
        backups.fits(manifest)
        backups.has_room(unpacked, manifest.size)
        archive.verify(unpacked)
        backups.prove(unpacked / manifest.data, manifest)
        exchange = _Exchange(clock.now().strftime("%Y%m%dT%H%M%S%fZ"))
        if manifest.database == "sqlite":
            _exchange_sqlite(exchange, unpacked, instance)
        else:
            _exchange_postgresql(exchange, unpacked, instance, folder, manifest)
    with records.transaction("restore"):
        ended = update(UserSession).where(UserSession.ended_at.is_(None))
        db.session.execute(ended.values(ended_at=clock.now()))
        account_tokens.end_everybodys()
        outbox.hold_back()
    log.info("a backup of version %s was restored", manifest.schema)
    return Restored(manifest, exchange.kept)


def _exchange_sqlite(exchange: _Exchange, unpacked: Path, instance: Path) -> None:
    place = backups.source().file
    assert place is not None
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = place.with_name(f".{place.name}.restored")
    shutil.move(unpacked / archives.DATA["sqlite"], new)  # it may be on another disk
    try:
        with _undone_on_failure(exchange):
            with _alone(place):
                exchange.put(_folder(unpacked), instance / attachments.FOLDER)
                for extra in _beside(place):
                    exchange.put(None, extra)
                exchange.put(new, place)
            _upgrade()
    finally:
        new.unlink(missing_ok=True)


def _exchange_postgresql(
    exchange: _Exchange, unpacked: Path, instance: Path, folder: Path, manifest: Manifest
) -> None:
    if postgresql_tools.others(db.engine):
        raise CrmError(_RUNNING)
    if backups.is_there():
        before = folder / f"before-restore-{exchange.stamp}{backups.ENDING}"
        backups.write(before, instance)
        exchange.kept.append(before)
    data = unpacked / manifest.data
    with _undone_on_failure(exchange):
        exchange.put(_folder(unpacked), instance / attachments.FOLDER)
        postgresql_tools.load(db.engine, data, manifest.rows, unpacked)
    _upgrade()


def _upgrade() -> None:
    if installation.version() != installation.newest():
        installation.upgrade()


def _folder(unpacked: Path) -> Path | None:
    found = unpacked / attachments.FOLDER
    return found if found.exists() else None


@contextmanager
def _undone_on_failure(exchange: _Exchange) -> Iterator[None]:
    try:
        yield
    except BaseException:
        installation.disconnect()
        exchange.undo()
        raise


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold an SQLite database that nobody else has open, with everything in its one file.

    Leaving WAL needs the file for oneself, and every process of ours that runs has it open.

    Raises:
        CrmError: someone has it open.
    """
    if not file.is_file():
        yield
        return
    with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise CrmError(_RUNNING) from error
        except sqlite3.DatabaseError:
            pass  # what is there is broken: it is the reason to restore, and is kept as it is
        yield
        if connection.in_transaction:
            connection.rollback()


def _beside(file: Path) -> list[Path]:
    """Return the files that SQLite keeps beside a database while it is open, or was killed."""
    return [file.with_name(file.name + ending) for ending in ("-wal", "-shm")]
