"""The history of a record: who changed what, as far as the reader may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, bindparam, select

from crm_admin import i18n
from crm_admin.database import db
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access


@dataclass(frozen=True)
class Entry:
    """One save: `changes` holds (field, old, new) of the fields the reader may see."""

    at: datetime
    by: str
    source: str
    action: str
    version: int
    changes: list[tuple[str, Any, Any]]


@cache
def _entries(language: str) -> Any:
    """Return the select of a record's entries and who made them, made once a language."""
    return (
        select(
            AuditEntry.created_at,
            User.shown_name(),
            AuditEntry.source,
            AuditEntry.action,
            AuditEntry.version,
            AuditEntry.changes,
        )
        .outerjoin(User, User.id == AuditEntry.actor_id)
        .where(
            AuditEntry.entity == bindparam("entity"), AuditEntry.record_id == bindparam("record")
        )
        .order_by(AuditEntry.id.desc())
        .limit(bindparam("size", type_=Integer))
    )


def of(
    record: Record, actor: User, *, limit: int = 20, after_version: int | None = None
) -> Sequence[Entry]:
    """Return a record's history, the latest first; with `after_version`, only what came since."""
    model = type(record)
    statement = _entries(i18n.language())
    if after_version is not None:
        statement = statement.where(AuditEntry.version > after_version)
    asked = {"entity": model.__tablename__, "record": record.id, "size": limit}
    return [
        Entry(at, name or "", source, action, version, _readable(model, actor, changes))
        for at, name, source, action, version, changes in db.session.execute(statement, asked)
    ]


def _readable(
    model: type[Record], actor: User, changes: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Return (field, old, new) of those changes that the actor may see."""
    return [(k, *pair) for k, pair in changes.items() if access.readable(actor, model, k)]


def names(model: type[Record], ids: set[int]) -> dict[int, str]:
    """Return {id: title} of records that a history names, whoever may open them.

    What was written into a record that the reader may see is theirs to read; its link is not.
    """
    if not ids:
        return {}
    title = User.shown_name() if model is User else access.table_of(model).c[model.title_key()]
    statement = select(model.id, title).where(model.id.in_(ids))
    return {id: name or f"#{id}" for id, name in db.session.execute(statement)}
