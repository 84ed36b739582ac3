"""What differs between a record as it is kept and as it stands in memory."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Date, inspect
from sqlalchemy.orm import RelationshipDirection

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.models.types import Moment, Money

#: What an added field's key begins with wherever it stands beside the fields of the table.
CUSTOM = "custom_"
#: Under which a history keeps why something was done; no field is called so.
REASON = ":reason"


def reason_problems(reason: str, longest: int) -> Iterator[Problem]:
    """Yield what is wrong with the reason of a change: there is none, or it is too long."""
    if not reason.strip():
        yield Problem("reason", N_("Say why: the history keeps it."))
    elif len(reason.strip()) > longest or "\0" in reason:
        message = N_("A reason has at most %(count)s characters.")
        yield Problem("reason", message, {"count": longest})


def settle(record: Model) -> None:
    """Give each foreign key the id its relation was pointed at.

    The ORM does so only when it writes, which is too late for rules, rights and the history.
    """
    state = inspect(record)
    same = state.unmodified
    for relation in state.mapper.relationships:
        if relation.key not in same and relation.direction is RelationshipDirection.MANYTOONE:
            for target in state.attrs[relation.key].history.added or ():
                setattr(record, record.column_key(relation.key), target and target.id)


def of(record: Model) -> dict[str, list[Any]]:
    """Return {field: [old, new]} of the labelled fields that differ, as the history keeps them."""
    state = inspect(record)
    found: dict[str, list[Any]] = {}
    same = state.unmodified  # what nobody has set needs no look at its history
    for column in state.mapper.column_attrs:
        if column.key in same:
            continue
        if column.key == "custom":
            _custom(state.attrs.custom.history, found)
        elif (info := column.columns[0].info).get("label"):
            old, new = _old_and_new(state.attrs[column.key].history)
            if old != new and info.get("kind") != "percent":
                found[column.key] = [plain(old), plain(new)]
    for relation in state.mapper.relationships:
        if relation.secondary is not None and relation.key not in same:
            history = state.attrs[relation.key].history
            if history.added or history.deleted:
                before = [*history.unchanged, *history.deleted]
                after = [*history.unchanged, *history.added]
                found[relation.key] = [_names(before), _names(after)]
    return found


def _custom(history: Any, found: dict[str, list[Any]]) -> None:
    """Add the added fields that differ, one by one."""
    old, new = _old_and_new(history)
    old, new = old or {}, new or {}
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            found[CUSTOM + key] = [old.get(key), new.get(key)]


def _names(records: list[Any]) -> list[str]:
    return sorted(getattr(r, "code", None) or str(r) for r in records)


def plain(value: Any) -> Any:
    """Return a value as JSON keeps it: moments in UTC, amounts as text, states as their value."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | Decimal):
        return str(value)
    return value


def read(model: type[Model], key: str, value: Any) -> Any:
    """Return a value that a history keeps as what its column holds."""
    if value is None:
        return None
    kind = inspect(model).columns[key].type
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return Decimal(value) if isinstance(kind, Money) else value


def _old_and_new(history: Any) -> tuple[Any, Any]:
    """Return an attribute's value before and after; the same twice where it did not change."""
    if not history.has_changes():
        return None, None
    return (
        history.deleted[0] if history.deleted else None,
        history.added[0] if history.added else None,
    )
