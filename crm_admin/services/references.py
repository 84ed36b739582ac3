"""What points at a record, what it points at, and what may be had only once."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, inspect, select

from crm_admin.database import db
from crm_admin.errors import Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.services import access


def taken(record: Record, changed: Mapping[str, Any] | None = None) -> Iterator[Problem]:
    """Yield where another living record has what may be had once.

    With `changed`, only what is among the changed fields is asked for.
    """
    table = access.table_of(type(record))
    for index in table.indexes:
        keys = [column.key for column in index.columns]
        if not index.unique or (changed is not None and not changed.keys() & set(keys)):
            continue
        if any(getattr(record, key) is None for key in keys):
            continue  # what is empty, any number may have
        same = [table.c[key] == getattr(record, key) for key in keys]
        other = select(table.c.id).where(*same, table.c.deleted_at.is_(None)).limit(1)
        if record.id is not None:
            other = other.where(table.c.id != record.id)
        if db.session.scalar(other) is not None:
            yield Problem(keys[-1], N_("Another record has this already."))


def uses(record: Record) -> Iterator[Problem]:
    """Yield which living records point at this one, by fields a person sees."""
    target = access.table_of(type(record)).c.id
    for model in access.entities().values():
        table = access.table_of(model)
        for column in table.columns:
            if column.info.get("label") and column.references(target):
                living = select(func.count()).where(column == record.id)
                count = db.session.scalar(living.where(table.c.deleted_at.is_(None)))
                if count:
                    message = N_("It is still used by %(count)s records: %(entity)s.")
                    yield Problem("", message, {"count": count, "entity": Label(model.plural)})


def dangling(record: Record, changed: Mapping[str, Any] | None = None) -> Iterator[Problem]:
    """Yield which records this one points at are in the recycle bin.

    With `changed`, only where it points newly. PostgreSQL keeps others from deleting them until the
    transaction ends; on SQLite it is the only one that writes.
    """
    for relation in inspect(type(record)).relationships:
        key, target = type(record).column_key(relation.key), relation.mapper.class_
        if key == relation.key or not issubclass(target, Record):
            continue
        id = getattr(record, key)
        if id is None or (changed is not None and key not in changed):
            continue
        if _is_binned(target, id):
            message = N_("%(record)s is in the recycle bin; restore it first.")
            yield Problem(relation.key, message, {"record": str(db.session.get(target, id))})


def _is_binned(model: type[Record], id: int) -> bool:
    """Return whether a record is in the bin, and keep it where it is until the transaction ends."""
    if db.engine.dialect.name == "sqlite":
        kept = db.session.get(model, id)  # mostly it is at hand, read within this transaction
        return kept is not None and kept.deleted_at is not None
    table = access.table_of(model)
    statement = select(table.c.deleted_at).where(table.c.id == id)
    return db.session.scalar(statement.with_for_update(read=True, key_share=True)) is not None


def key_to(model: type[Record], other: type[Record]) -> str:
    """Return the column by which records of another entity point at those of this one.

    Where there are several, it is the one by which they belong to it.
    """
    target = access.table_of(model).c.id
    keys = [c.key for c in access.table_of(other).columns if c.references(target)]
    return other.follows if other.follows in keys else keys[0]


def belonging_to(model: type[Record]) -> list[type[Record]]:
    """Return the entities whose records belong to those of this one."""
    return [
        other
        for other in access.entities().values()
        if other.follows and access.target_of(other, other.follows) is model
    ]
