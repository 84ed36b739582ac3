"""The history of a record: who changed what, as far as the reader may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, case, select

from crm_admin import i18n
from crm_admin.database import ask
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access
from crm_admin.services.changes import REASON


@dataclass(frozen=True)
class Entry:
    """One save: `changes` holds (field, old, new) of the fields the reader may see."""

    at: datetime
    by: str
    source: str
    action: str
    version: int
    changes: list[tuple[str, Any, Any]]


_audit, _users = access.table_of(AuditEntry), access.table_of(User)


@cache
def _entries(language: str) -> Any:
    """Return the select of a record's entries and who made them, made once a language."""
    return (
        select(
            _audit.c.created_at,
            _shown_name(),
            _audit.c.source,
            _audit.c.action,
            _audit.c.version,
            _audit.c.changes,
        )
        .select_from(_audit.outerjoin(_users, _users.c.id == _audit.c.actor_id))
        .where(_audit.c.entity == bindparam("entity"), _audit.c.record_id == bindparam("record"))
        .order_by(_audit.c.id.desc())
        .limit(bindparam("size", type_=Integer))
    )


def _shown_name() -> ColumnElement[str]:
    """Return what a list calls a user: the system by its name in the present language."""
    return case((_users.c.is_system, i18n.say(N_("System"))), else_=_users.c.name)


def of(
    record: Record, actor: User, *, limit: int = 20, after_version: int | None = None
) -> Sequence[Entry]:
    """Return a record's history, the latest first; with `after_version`, only what came since."""
    model = type(record)
    statement = _entries(i18n.language())
    if after_version is not None:
        statement = statement.where(_audit.c.version > after_version)
    asked = {"entity": model.__tablename__, "record": record.id, "size": limit}
    return [
        Entry(at, name or "", source, action, version, _readable(model, actor, changes))
        for at, name, source, action, version, changes in ask(statement, asked).all()
    ]


def _readable(
    model: type[Record], actor: User, changes: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Return (field, old, new) of those changes that the actor may see.

    Why something changed is told last, and only to who sees something that changed.
    """
    why = [(REASON, *changes[REASON])] if REASON in changes else []
    keys = [k for k in changes if k != REASON and access.readable(actor, model, k)]
    seen = [(key, *changes[key]) for key in keys]
    return [*seen, *why] if seen else []


def names(model: type[Record], ids: set[int]) -> dict[int, str]:
    """Return {id: title} of records that a history names, whoever may open them.

    What was written into a record that the reader may see is theirs to read; its link is not.
    """
    if not ids:
        return {}
    table = access.table_of(model)
    title = _shown_name() if model is User else table.c[model.title_key()]
    statement = select(table.c.id, title).where(table.c.id.in_(ids))
    return {id: name or f"#{id}" for id, name in ask(statement).all()}
