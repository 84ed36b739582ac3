"""What a column can hold: fields that are empty and must not be, and values that do not fit."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text, inspect

from crm_admin.errors import Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.types import Money

LARGEST_MONEY = 10**13


def field_problems(record: Record, changed: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield which fields are empty and must not be, or hold more than their column can."""
    for key, column in inspect(type(record)).columns.items():
        info, value = column.info, getattr(record, key)
        if not info.get("label") or (key not in changed and value is not None):
            continue
        if value is None:
            # What is new begins with its default; what is kept cannot be emptied.
            kept = record.id is not None
            if not column.nullable and (kept or column.default is None):
                yield Problem(key, N_("%(field)s is required."), {"field": Label(info["label"])})
        elif trouble := _too_much(column.type, value):
            yield trouble(key)


def _too_much(kind: Any, value: Any) -> Callable[[str], Problem] | None:
    """Return how to say that the column cannot hold the value, or None where it can."""
    if isinstance(kind, String) and isinstance(value, str):
        most = kind.length or (100_000 if isinstance(kind, Text) else None)
        if "\0" in value:
            return lambda key: Problem(key, N_("This holds a character that cannot be kept."))
        if most and len(value) > most:
            return lambda key: Problem(
                key, N_("This is longer than %(most)s characters."), {"most": most}
            )
    if isinstance(kind, Money) and not abs(value) < LARGEST_MONEY:
        return lambda key: Problem(key, N_("This amount is too large."))
    if isinstance(kind, Integer) and not isinstance(kind, BigInteger) and abs(value) >= 2**31:
        return lambda key: Problem(key, N_("This number is too large."))
    return None
