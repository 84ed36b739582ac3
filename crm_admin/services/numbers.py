"""Numbers the system gives: unique, in order, and never typed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.base import Record
from crm_admin.models.configuration import NumberSeries
from crm_admin.services import access


def prefixes() -> dict[str, str]:
    """Return {entity: what its numbers begin with} of those that have numbers."""
    known = access.entities().items()
    return {entity: model.number_prefix for entity, model in known if model.number_prefix}


def give(model: type[Record], records: Iterable[Any]) -> None:
    """Give those new records of an entity that have no number the next ones."""
    bare = [record for record in records if not record.number] if model.number_prefix else []
    for record, number in zip(bare, take(model.__tablename__, len(bare)), strict=True):
        record.number = number


def take(entity: str, count: int = 1) -> list[str]:
    """Return the next numbers of an entity, such as C-000013, within the open transaction.

    Whoever else asks meanwhile waits for the transaction's end, so that none is given twice.
    """
    if not count:
        return []
    statement = select(NumberSeries).where(NumberSeries.entity == entity)
    series = db.session.scalar(statement.with_for_update())
    if series is None:
        series = NumberSeries(entity=entity, next_number=1)
        db.session.add(series)
    first = series.next_number
    series.next_number = first + count
    db.session.flush()  # another number in this transaction must be another one
    prefix = prefixes()[entity]
    return [f"{prefix}-{number:06}" for number in range(first, first + count)]
