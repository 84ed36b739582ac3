"""Backup files: a ZIP of the data, the attachments and a manifest that says what each must be.

Nothing in a file is believed before it was checked: neither its names nor its sizes nor its bytes.
"""

import errno
import hashlib
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from crm_admin.errors import CrmError
from crm_admin.i18n import N_

PRODUCT = "crm-admin"
#: Raised by one when an older program could no longer read what is written.
FORMAT = 1
MANIFEST = "manifest.json"
#: What the data is called within the file, by the kind of its database.
DATA = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_ATTACHMENT = re.compile(r"attachments/[0-9a-f]{2}/[0-9a-f]{30}")
_LONGEST_MANIFEST = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


class Unusable(CrmError):
    """A file that cannot be restored here, and why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: `rows` counts each table, `members` has (bytes, sha256) by name."""

    schema: str
    database: str
    created_at: datetime
    rows: Mapping[str, int]
    members: Mapping[str, tuple[int, str]]

    @property
    def data(self) -> str:
        """The name of the member that holds the data."""
        return DATA[self.database]

    @property
    def size(self) -> int:
        """How many bytes it takes up when it is unpacked."""
        return sum(size for size, _ in self.members.values())

    @property
    def attachments(self) -> int:
        """How many attachments it holds."""
        return len(self.members) - 1


class Writer:
    """A backup file being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, tuple[int, str]] = {}

    def add(self, name: str, path: Path, *, compress: bool) -> None:
        """Add one file under this name."""
        digest = hashlib.sha256()
        self._archive.compression = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with path.open("rb") as source, self._archive.open(name, "w", force_zip64=True) as target:
            size = _copy(source, target, digest.update)
        self._members[name] = (size, digest.hexdigest())

    def close(
        self, *, schema: str, database: str, created_at: datetime, rows: Mapping[str, int]
    ) -> Manifest:
        """Add the manifest, without which the file is no backup, and return it."""
        manifest = Manifest(schema, database, created_at, dict(rows), self._members)
        said = {"product": PRODUCT, "format": FORMAT, **asdict(manifest)}
        said["created_at"] = created_at.isoformat()
        self._archive.compression = zipfile.ZIP_DEFLATED
        self._archive.writestr(MANIFEST, json.dumps(said, indent=1))
        return manifest


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """Write a backup file: under another name until it is whole, readable by its owner only."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as raw:
            with zipfile.ZipFile(raw, "w", compresslevel=1) as archive:
                yield Writer(archive)
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


class Reader:
    """A backup file whose manifest and names were found in order."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.manifest = _manifest(archive)

    def verify(self, target: Path | None = None) -> None:
        """Read every member and compare it with the manifest; with `target` unpack it there.

        Raises:
            Unusable: one is damaged.
        """
        for name in self.manifest.members:
            if target is None:
                self._read(name, None)
                continue
            path = target / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
                self._read(name, out)

    def unpack_data(self, target: Path) -> Path:
        """Unpack the data alone into the folder, compared with the manifest; return its path."""
        path = target / self.manifest.data
        with path.open("wb") as out:
            self._read(self.manifest.data, out)
        return path

    def _read(self, name: str, out: IO[bytes] | None) -> None:
        size, sha256 = self.manifest.members[name]
        digest = hashlib.sha256()
        with _damage_said(), self._archive.open(name) as source:
            read = _copy(source, out, digest.update)
        if (read, digest.hexdigest()) != (size, sha256):
            raise Unusable(N_("The backup is damaged: %(name)s is not as it was."), name=name)


@contextmanager
def reading(file: Path) -> Iterator[Reader]:
    """Open a backup file.

    Raises:
        Unusable: it is none of ours, or not whole.
    """
    with _damage_said():
        archive = zipfile.ZipFile(file)
    with archive:
        yield Reader(archive)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    """Return the manifest once the file is seen to hold what it names, and nothing else."""
    members = archive.infolist()
    sizes = {info.filename: info.file_size for info in members}
    if MANIFEST not in sizes or sizes[MANIFEST] > _LONGEST_MANIFEST:
        raise Unusable(N_("This is not a backup of this application."))
    with _damage_said():
        said = json.loads(archive.read(MANIFEST))
    if not isinstance(said, dict) or said.get("product") != PRODUCT:
        raise Unusable(N_("This is not a backup of this application."))
    if said.get("format") != FORMAT:
        raise Unusable(N_("The backup was made by a newer version of this application."))
    try:
        manifest = _typed(said)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unusable(N_("The backup is damaged: its list of contents is not right.")) from error
    for info in members:
        if not _is_harmless(info, manifest):
            raise Unusable(N_("The backup holds something that no backup of ours holds."))
    if len(sizes) != len(members) or sizes.keys() != manifest.members.keys() | {MANIFEST}:
        raise Unusable(N_("The backup is damaged: its list of contents is not right."))
    if any(sizes[name] != size for name, (size, _) in manifest.members.items()):
        raise Unusable(N_("The backup is damaged: its list of contents is not right."))
    return manifest


def _typed(said: Mapping[str, Any]) -> Manifest:
    """Return the manifest with every part of its kind."""
    manifest = Manifest(
        schema=str(said["schema"]),
        database=str(said["database"]),
        created_at=datetime.fromisoformat(said["created_at"]),
        rows={str(table): int(count) for table, count in said["rows"].items()},
        members={str(name): (int(m[0]), str(m[1])) for name, m in said["members"].items()},
    )
    if manifest.data not in manifest.members:
        raise ValueError("There is no data in it.")
    return manifest


def _is_harmless(info: zipfile.ZipInfo, manifest: Manifest) -> bool:
    """Return whether a member is a plain file whose name stays within the folder it goes to."""
    name, mode = info.filename, info.external_attr >> 16
    ours = name in (MANIFEST, manifest.data) or _ATTACHMENT.fullmatch(name)
    plain = stat.S_IFMT(mode) in (0, stat.S_IFREG) and not info.flag_bits & 1
    return bool(ours) and plain and info.orig_filename == name


@contextmanager
def _damage_said() -> Iterator[None]:
    """Say of every way in which a ZIP can be broken that the file is damaged."""
    try:
        yield
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, KeyError),
        *(RuntimeError, OverflowError),
    ) as error:
        raise Unusable(N_("This is not a backup, or it is damaged.")) from error
    except OSError as error:
        if error.errno in _FULL or isinstance(error, FileNotFoundError):
            raise
        raise Unusable(N_("This is not a backup, or it is damaged.")) from error


def _copy(source: IO[bytes], target: IO[bytes] | None, look: Callable[[bytes], object]) -> int:
    """Copy to the end, showing each piece to `look`; return how many bytes there were."""
    size = 0
    while chunk := source.read(_CHUNK):
        look(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return size


def clear_partials(folder: Path, before: float) -> None:
    """Remove what an interrupted backup left in the folder before this moment (seconds)."""
    for partial in folder.glob(".*.partial"):
        with suppress(OSError):
            if partial.is_file() and partial.stat().st_mtime < before:
                partial.unlink()
