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
    model: type[Record],
    ids: Sequence[int],
    key: str,
    value: Any,
    actor: User,
    transaction: Callable[[], AbstractContextManager[None]],
    versions: Mapping[int, int] | None = None,
) -> Outcome:
    """Give a field of each record this value; what is refused stays as it is, and is named.

    Args:
        transaction: opens a transaction; one is opened for every `CHUNK` records.
        versions: {record: its version when the actor saw it}; what has another by now stays.

    Raises:
        Denied: the actor may not change records together.
    """
    if not access.allows(actor, VERB, model):
        raise Denied(N_("You may not change many records at once."))
    outcome, done = Outcome(), list[list[int]]()
    for start in range(0, len(ids), CHUNK):
        chunk, now, further = ids[start : start + CHUNK], Outcome(outcome.id), list(done)
        try:
            with transaction():
                may = within(model, actor, chunk)
                for id in chunk:
                    if id in may:
                        version = (versions or {}).get(id)
                        _change(model, id, key, value, actor, now, further, version)
                _keep(now, model, key, actor, further)
        except CrmError as error:  # as a whole: nothing of it was done, what came before was
            now, further = (
                Outcome(outcome.id, refused=[(id, f"#{id}", error) for id in chunk]),
                done,
            )
        done = further
        outcome.add(now)
    return outcome


def _change(
    model: type[Record],
    id: int,
    key: str,
    value: Any,
    actor: User,
    outcome: Outcome,
    done: list[list[int]],
    version: int | None = None,
) -> None:
    record = records.claimed(model, id, actor, "edit")
    if record is None:
        return
    before, title = record.version, str(record)[:120]
    if not access.writable(actor, model, key, record):  # else it told whether the value is the same
        label = access.field_info(model, model.column_key(key)).get("label", key)
        refused_ = Denied(N_("You may not change %(field)s."), field=Label(label))
        outcome.refused.append((id, title, refused_))
        return
    try:
        with db.session.begin_nested():
            records.change(record, {key: value}, actor, version=version)
    except CrmError as refused:
        outcome.refused.append((id, title, refused))
        db.session.expire(record)
        return
    if record.version == before:
        outcome.same += 1
    else:
        outcome.changed += 1
        done.append([id, record.version])


def _keep(
    outcome: Outcome, model: type[Record], key: str, actor: User, done: list[list[int]]
) -> None:
    """Keep what was done so far, so that it can be taken back even if the rest is never done."""
    if not done:
        return
    kept = db.session.get(BulkEdit, outcome.id) if outcome.id else None
    if kept is None:
        column_key = model.column_key(key)
        kept = BulkEdit(entity=model.__tablename__, field_key=column_key, actor_id=actor.id)
        db.session.add(kept)
    kept.done = [list(one) for one in done]
    db.session.flush()
    outcome.id = kept.id


def find(id: object, model: type[Record], actor: User) -> BulkEdit | None:
    """Return one of the actor's own bulk edits of an entity that was not taken back, or None."""
    kept = db.session.get(BulkEdit, access.key_of(id) or 0)
    if kept is None or (kept.actor_id, kept.entity) != (actor.id, model.__tablename__):
        return None
    return kept if kept.undone_at is None else None


def undo(
    id: object,
    model: type[Record],
    actor: User,
    transaction: Callable[[], AbstractContextManager[None]],
) -> Outcome | None:
    """Give each record the value it had before; one that was changed since stays as it is.

    Return None where there is no such edit of the actor's.
    """
    kept = find(id, model, actor)
    if kept is None:
        return None
    kept_id, key, done = kept.id, kept.field_key, [tuple(one) for one in kept.done]
    outcome, given = Outcome(), list[list[int]]()
    for start in range(0, len(done), CHUNK):
        with transaction():
            for record_id, version in done[start : start + CHUNK]:
                _undo(model, record_id, version, key, actor, outcome, given)
    with transaction():
        db.session.get_one(BulkEdit, kept_id).undone_at = clock.now()
    return outcome


def _undo(
    model: type[Record],
    id: int,
    version: int,
    key: str,
    actor: User,
    outcome: Outcome,
    done: list[list[int]],
) -> None:
    record = records.claimed(model, id, actor, "edit")
    if record is None:
        return
    if record.version != version:
        meanwhile = Denied(N_("It was changed since, and stays as it is."))
        outcome.refused.append((id, str(record)[:120], meanwhile))
        return
    entry = select(_audit.c.changes).where(
        _audit.c.entity == model.__tablename__,
        _audit.c.record_id == id,
        _audit.c.version == version,
        _audit.c.action == "changed",
    )
    old = (ask(entry.order_by(_audit.c.id.desc()).limit(1)).scalar() or {}).get(key)
    if old is not None:
        _change(model, id, key, changes.read(model, key, old[0]), actor, outcome, done)
