"""Files of customers, contacts, contracts and users, taken in row by row, as a form would be."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import CrmError, Denied, Label
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.departments import Department
from crm_admin.models.transfers import ImportRun
from crm_admin.models.users import User
from crm_admin.services import access, import_mapping, import_rows, records
from crm_admin.services.import_fields import Aliases
from crm_admin.services.import_mapping import Mapping, Refused
from crm_admin.services.import_matching import Index
from crm_admin.services.import_people import Places
from crm_admin.services.import_rows import MOST_AT_ONCE, BadRow, Cells, Reader, Reason, Row
from crm_admin.services.import_writing import Writer
from crm_admin.services.table_files import TableFile, open_table

#: How many rows one transaction takes in; after each, what is in stays in.
CHUNK = 500
#: How many rows wait for a later one of the same file, at most.
MOST_WAITING = 10_000


@dataclass
class Counts:
    """What became of the rows; `passed_over` are those the mapping file leaves out."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    passed_over: int = 0


class Report:
    """What hears of an import while it runs; each does nothing unless it is overridden."""

    def ignored(self, columns: list[str]) -> None:
        """Hear of the columns that are read into nothing."""

    def refused(self, line: int, column: str, error: CrmError) -> None:
        """Hear of a reason why a row is not taken in."""

    def progress(self, done: int, about: int | None) -> None:
        """Hear how many rows are done, of about how many."""


class _Undone(Exception):
    """Ends a dry run: what it wrote is taken back."""


def run(
    model: type[Record],
    path: Path,
    actor: User,
    *,
    aliases: Aliases,
    mapping: Mapping | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
    report: Report | None = None,
) -> Counts:
    """Take in the rows of a file; the good ones go in, whatever the others are.

    A run that is cut off keeps what it took in, and running the same file again takes in the rest.

    Raises:
        Denied: the actor may not import. Refused, Unreadable: the file as a whole is not right.

    Source: S3
    """
    if not access.allows(actor, "import", model):
        raise Denied(N_("You may not import %(entity)s."), entity=Label(model.plural.lower()))
    mapping, heard = mapping or Mapping(), report or Report()
    with open_table(path, encoding=encoding) as table:
        plan = import_mapping.plan(model, table.columns, mapping, aliases, actor)
        if plan.ignored:
            heard.ignored(plan.ignored)
        places = Places(mapping.departments, plan.asides, Index(Department, actor, "lookup"), actor)
        reader = Reader(model, plan, mapping, actor, places if model is User else None)
        importing = _Import(reader, Writer(reader, actor), heard, table.count_hint)
        if dry_run:
            _try(importing, table)
        else:
            _really(importing, table, path.name)
    return importing.counts


def _try(importing: "_Import", table: TableFile) -> None:
    """Take the file in and take it back: one transaction, so that later rows see the earlier."""
    try:
        with records.transaction("import"):
            importing.take_in(table)
            raise _Undone
    except _Undone:
        pass


def _really(importing: "_Import", table: TableFile, name: str) -> None:
    """Take the file in, a transaction for every few hundred rows, and keep the counts."""
    actor = importing.reader.index.actor
    with records.transaction("import"):
        run = ImportRun(
            entity=importing.reader.model.__tablename__, file_name=name[:200], actor_id=actor.id
        )
        db.session.add(run)
        db.session.flush()  # the history names the run by its number
        source = f"import {run.id}"

    def keep_counts() -> None:
        counts = importing.counts
        run.created_count, run.updated_count = counts.created, counts.updated
        run.unchanged_count, run.refused_count = counts.unchanged, counts.refused

    importing.transaction = lambda: records.transaction(source)
    importing.after_chunk = keep_counts
    importing.take_in(table)
    with records.transaction(source):
        keep_counts()
        run.finished_at = clock.now()


@dataclass
class _Import:
    """One run over one file."""

    reader: Reader
    writer: Writer
    report: Report
    about: int | None
    counts: Counts = field(default_factory=Counts)
    transaction: Callable[[], AbstractContextManager[None]] = nullcontext
    after_chunk: Callable[[], None] = lambda: None
    done: int = 0
    waiting: list[Cells] = field(default_factory=list)
    may_wait: bool = True

    def take_in(self, table: Iterable[Cells]) -> None:
        """Take in all rows, those that need later rows of the same file after them."""
        self._all(self._chosen(table))
        while self.waiting:
            rows, self.waiting = self.waiting, []
            self.done -= len(rows)
            self._all(iter(rows))
            if len(self.waiting) == len(rows):
                self.may_wait = False  # no row helped another: they are refused now

    def _chosen(self, table: Iterable[Cells]) -> Iterator[Cells]:
        """Yield the rows that the mapping file does not leave out."""
        mapping, plan, skipped = self.reader.mapping, self.reader.plan, list[int]()
        rows = table
        if self.reader.places and mapping.departments.boss:
            rows = self._kept(table)
            name = plan.sources["name"].text
            self.reader.places.read((cells for _, cells in rows), name)
        if mapping.skip_blank:
            rows = import_rows.without_blanks(rows, plan, mapping, skipped)
        if mapping.latest_by:
            rows = import_rows.latest(rows, self.reader, skipped, self._refuse)
        yield from rows
        self.counts.passed_over = len(skipped)

    def _kept(self, table: Iterable[Cells]) -> list[Cells]:
        """Return all rows: who reports to whom must be known before the first goes in."""
        if "name" not in self.reader.plan.sources:
            raise Refused(N_("The file has no column “%(name)s”."), name="name")
        rows = list(islice(table, MOST_AT_ONCE + 1))
        if len(rows) > MOST_AT_ONCE:
            raise Refused(N_("The file names more than %(most)s records."), most=MOST_AT_ONCE)
        return rows

    def _all(self, rows: Iterator[Cells]) -> None:
        while chunk := list(islice(rows, CHUNK)):
            with self.transaction():
                self._take([self.reader.row(line, cells) for line, cells in chunk])
                self.after_chunk()
            self.done += len(chunk)
            self.report.progress(self.done, self.about)

    def _take(self, rows: list[Row]) -> None:
        """Take in some rows within the open transaction, each by itself."""
        self.reader.forget()
        self.reader.load(rows)
        self.writer.load(rows)
        for row in rows:
            self._take_one(row)
        self.writer.finish()

    def _take_one(self, row: Row) -> None:
        try:
            with db.session.begin_nested():
                outcome = self.writer.write(row)
        except BadRow as bad:
            self.writer.undo()
            if bad.waits and self.may_wait and len(self.waiting) < MOST_WAITING:
                self.waiting.append((row.line, row.cells))
            else:
                self._refuse(row.line, *bad.reasons)
            return
        self.writer.settle(row)
        setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)

    def _refuse(self, line: int, *reasons: Reason) -> None:
        self.counts.refused += 1
        for reason in reasons:
            self.report.refused(line, reason.column, reason.error)
