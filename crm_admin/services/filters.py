"""Filters: what was asked of a column, as the condition of its records."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, String, Text, and_, not_, or_

from crm_admin.models.base import Record
from crm_admin.models.types import Moment, Money
from crm_admin.models.users import User
from crm_admin.services import access

_Make = Callable[[Any, Any], ColumnElement[bool]]
#: One function an operation, from the column and what was typed to a condition.
OPERATIONS: dict[str, _Make] = {
    "is": lambda column, value: column == value,
    "not": lambda column, value: or_(column != value, column.is_(None)),
    "has": lambda column, value: column.icontains(str(value), autoescape=True),
    "from": lambda column, value: column >= value,
    "to": lambda column, value: column <= value,
    "empty": lambda column, value: column.is_(None),
    "filled": lambda column, value: column.is_not(None),
}


def condition(
    model: type[Record], actor: User, asked: tuple[str, str, str], zone: tzinfo
) -> ColumnElement[bool]:
    """Return the condition of one filter; one that makes no sense fits nothing."""
    column_key, operation, value = asked
    column = access.table_of(model).c.get(column_key)
    if column is None or operation not in OPERATIONS:
        return model.id < 0
    if operation == "has" and (column.foreign_keys or type(column.type) not in (String, Text)):
        return model.id < 0  # only texts have parts
    if operation in ("empty", "filled"):
        return OPERATIONS[operation](column, None)
    typed = _typed(column, value, actor, zone)
    if typed is None:
        return model.id < 0
    if isinstance(typed, bool) and operation not in ("is", "not"):
        return model.id < 0  # neither yes nor no comes first
    if isinstance(typed, tuple):  # a day, asked of a moment
        start, end = typed
        if operation == "from":
            return OPERATIONS["from"](column, start)
        if operation == "to":
            return OPERATIONS["to"](column, end - timedelta(microseconds=1))
        within = and_(column >= start, column < end)
        return or_(not_(within), column.is_(None)) if operation == "not" else within
    return OPERATIONS[operation](column, typed)


def _typed(column: Any, value: str, actor: User, zone: tzinfo) -> Any:
    """Return what was typed as the column's kind, or None where it is not of that kind."""
    text = value.strip().replace("\0", "")[:200]
    kind = column.type
    try:
        if column.foreign_keys:
            people = any(key.column.table.name == "users" for key in column.foreign_keys)
            return actor.id if text == "me" and people else access.key_of(text)
        if enum := getattr(kind, "enum_class", None):
            return enum(text) if isinstance(enum, type) and issubclass(enum, Enum) else text
        if isinstance(kind, Moment):
            return _day(date.fromisoformat(text), zone)
        if isinstance(kind, Date):
            return date.fromisoformat(text)
        if isinstance(kind, Money):
            amount = Decimal(text.replace(",", ""))
            return amount if amount.is_finite() and abs(amount) < 10**13 else None
        if kind.python_type is bool:
            return text == "1"
        if isinstance(kind, Integer):
            return int(text) if abs(int(text)) < 2**31 else None
    except (ValueError, InvalidOperation):
        return None
    return text or None


def _day(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the moments at which a day begins and ends in the zone."""
    midnight = datetime.min.time()
    if not 1 < day.year < 9999:
        raise ValueError("This day is at the edge of what can be reckoned with.")
    start = datetime.combine(day, midnight, zone)
    return start, datetime.combine(day + timedelta(days=1), midnight, zone)
