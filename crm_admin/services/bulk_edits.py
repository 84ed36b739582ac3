"""Changing one field of many records: within everybody's rights, and taken back as one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.errors import CrmError, Denied, Label
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.bulk_edits import BulkEdit
from crm_admin.models.users import User
from crm_admin.services import access, changes, listing, records

VERB = "bulk_edit"
#: How many records one bulk edit takes, and one transaction of it.
MOST, CHUNK = 2_000, 200

_audit = access.table_of(AuditEntry)


@dataclass
class Outcome:
    """What a bulk edit came to: how many were changed, had the value already, or were refused.

    `refused` holds (record's id, its title, why); `id` names the edit, to take it back by.
    """

    id: int = 0
    changed: int = 0
    same: int = 0
    refused: list[tuple[int, str, CrmError]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add what another transaction of the same edit came to."""
        self.id = other.id
        self.changed += other.changed
        self.same += other.same
        self.refused += other.refused


@dataclass(frozen=True)
class Change:
    """One field of an entity, and who gives it another value."""

    model: type[Record]
    key: str
    actor: User

    @property
    def column_key(self) -> str:
        """The column that the field is kept in."""
        return self.model.column_key(self.key)


#: Opens a transaction; one is opened for every CHUNK records.
Transaction = Callable[[], AbstractContextManager[None]]


def of_list(model: type[Record], actor: User, question: listing.Question) -> Sequence[int]:
    """Return the ids of the records asked for that the actor may change together.

    At most one more than one edit takes.
    """
    found = listing.ids(model, actor, question, VERB, MOST + 1)
    may = within(model, actor, found)
    return [id for id in found if id in may]


def within(model: type[Record], actor: User, ids: Sequence[int]) -> set[int]:
    """Return those of the records that the actor may change, alone and together with others."""
    if not ids:
        return set()
    table = access.table_of(model)
    conditions = [*access.rows(model, actor, VERB), *access.rows(model, actor, "edit")]
    return set(ask(select(table.c.id).where(table.c.id.in_(ids), *conditions)).scalars())


def versions(model: type[Record], actor: User, ids: Sequence[int]) -> str:
    """Return `id:version` of each of the records that the actor may change, for a page to keep."""
    table = access.table_of(model)
    conditions = access.rows(model, actor, "edit")
    statement = select(table.c.id, table.c.version).where(table.c.id.in_(ids), *conditions)
    return " ".join(f"{id}:{version}" for id, version in ask(statement))


def preview(model: type[Record], actor: User, ids: Sequence[int], limit: int) -> Sequence[Record]:
    """Return the first of the records, in the order of the ids."""
    table = access.table_of(model)
    chosen = access.visible(model, actor, "edit").where(table.c.id.in_(ids[:limit]))
    by_id = {record.id: record for record in access.fetch(chosen)}
    return [by_id[id] for id in ids[:limit] if id in by_id]


def carry_out(
    change: Change,
    ids: Sequence[int],
    value: Any,
    transaction: Transaction,
    versions: Mapping[int, int] | None = None,
) -> Outcome:
    """Give the field of each record this value; what is refused stays as it is, and is named.

    Args:
        versions: {record: its version when the actor saw it}; what has another by now stays.

    Raises:
        Denied: the actor may not change records together.
    """
    if not access.allows(change.actor, VERB, change.model):
        raise Denied(N_("You may not change many records at once."))
    outcome, done = Outcome(), list[list[int]]()
    for start in range(0, len(ids), CHUNK):
        chunk, now = ids[start : start + CHUNK], _Act(change, Outcome(outcome.id), list(done))
        try:
            with transaction():
                may = within(change.model, change.actor, chunk)
                for id in chunk:
                    if id in may:
                        now.give(id, value, (versions or {}).get(id))
                now.keep()
        except CrmError as error:  # nothing of the chunk was done; what came before was
            refused = [(id, f"#{id}", error) for id in chunk]
            now = _Act(change, Outcome(outcome.id, refused=refused), done)
        done = now.done
        outcome.add(now.outcome)
    return outcome


def find(id: object, model: type[Record], actor: User) -> BulkEdit | None:
    """Return one of the actor's own bulk edits of an entity that was not taken back, or None."""
    kept = db.session.get(BulkEdit, access.key_of(id) or 0)
    if kept is None or (kept.actor_id, kept.entity) != (actor.id, model.__tablename__):
        return None
    return kept if kept.undone_at is None else None


def undo(id: object, model: type[Record], actor: User, transaction: Transaction) -> Outcome | None:
    """Give each record the value it had before; one that was changed since stays as it is.

    Return None where there is no such edit of the actor's.
    """
    kept = find(id, model, actor)
    if kept is None:
        return None
    kept_id, done = kept.id, [tuple(one) for one in kept.done]
    back = _Act(Change(model, kept.field_key, actor), Outcome())
    for start in range(0, len(done), CHUNK):
        with transaction():
            for record_id, version in done[start : start + CHUNK]:
                back.give_back(record_id, version)
    with transaction():
        db.session.get_one(BulkEdit, kept_id).undone_at = clock.now()
    return back.outcome


@dataclass
class _Act:
    """What is done to the records of one transaction; `done` holds [record, version since]."""

    change: Change
    outcome: Outcome
    done: list[list[int]] = field(default_factory=list)

    def give(self, id: int, value: Any, version: int | None = None) -> None:
        """Give one record the value, or name it among the refused."""
        change, actor = self.change, self.change.actor
        record = records.claimed(change.model, id, actor, "edit")
        if record is None:
            return
        before, title = record.version, str(record)[:120]
        # Asked first: else it would tell whether the hidden value is the same.
        if not access.writable(actor, change.model, change.key, record):
            label = access.field_info(change.model, change.column_key).get("label", change.key)
            self._refuse(id, title, Denied(N_("You may not change %(field)s."), field=Label(label)))
            return
        try:
            with db.session.begin_nested():
                records.change(record, {change.key: value}, actor, version=version)
        except CrmError as refused:
            self._refuse(id, title, refused)
            db.session.expire(record)
            return
        if record.version == before:
            self.outcome.same += 1
        else:
            self.outcome.changed += 1
            self.done.append([id, record.version])

    def give_back(self, id: int, version: int) -> None:
        """Give one record its former value, unless it has another version by now."""
        change = self.change
        record = records.claimed(change.model, id, change.actor, "edit")
        if record is None:
            return
        if record.version != version:
            since = Denied(N_("It was changed since, and stays as it is."))
            self._refuse(id, str(record)[:120], since)
            return
        entry = select(_audit.c.changes).where(
            _audit.c.entity == change.model.__tablename__,
            _audit.c.record_id == id,
            _audit.c.version == version,
            _audit.c.action == "changed",
        )
        kept = ask(entry.order_by(_audit.c.id.desc()).limit(1)).scalar() or {}
        if (pair := kept.get(change.column_key)) is not None:
            self.give(id, changes.read(change.model, change.column_key, pair[0]))

    def keep(self) -> None:
        """Keep what was done so far, so that it can be taken back if the rest is never done."""
        if not self.done:
            return
        change, outcome = self.change, self.outcome
        kept = db.session.get(BulkEdit, outcome.id) if outcome.id else None
        if kept is None:
            entity, key = change.model.__tablename__, change.column_key
            kept = BulkEdit(entity=entity, field_key=key, actor_id=change.actor.id)
            db.session.add(kept)
        kept.done = [list(one) for one in self.done]
        db.session.flush()
        outcome.id = kept.id

    def _refuse(self, id: int, title: str, why: CrmError) -> None:
        self.outcome.refused.append((id, title, why))
