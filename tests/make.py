"""Records for tests: `make(Contract, ends_on=...)` fills in whatever else the table requires."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from itertools import count
from typing import TypeVar

from sqlalchemy import inspect

from crm_admin.models.base import Model
from crm_admin.models.types import Moment, Money
from crm_admin.services import organisation, records

M = TypeVar("M", bound=Model)
_numbers = count(1)
_EXAMPLES = {
    date: date(2026, 1, 1),
    Money: Decimal(1),
    Moment: datetime(2026, 1, 1, 8, 0, tzinfo=UTC),
    int: 1,
}


def make(model: type[M], **values) -> M:
    """Save a record with these values, as the system, making the records it must point at."""
    for key, column in inspect(model).columns.items():
        needed = not (column.nullable or column.primary_key or column.default is not None)
        asked = column.info.get("label") and not column.info.get("given")
        relation = model.form_key(key)
        if needed and asked and key not in values and relation not in values:
            values[key] = _example(column)
    with records.transaction("tests"):
        record = model(**values)
        records.save(record, organisation.system())
    return record


def _example(column):
    if column.foreign_keys:
        table = next(iter(column.foreign_keys)).column.table
        if table.name == "users":
            return organisation.system().id
        return make(next(m.class_ for m in Model.registry.mappers if m.local_table is table)).id
    kind = type(column.type)
    if kind in _EXAMPLES:
        return _EXAMPLES[kind]
    kind = column.type.python_type
    if issubclass(kind, Enum):
        return next(iter(kind))
    if kind is str:
        return f"{column.name} {next(_numbers)}"
    return _EXAMPLES.get(kind) or kind()
