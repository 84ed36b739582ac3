"""Numbers the system gives: unique, in order, and never typed."""

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.configuration import NumberSeries

#: What each entity's numbers begin with.
PREFIXES = {"customers": "C", "contracts": "CT", "expenses": "E"}


def take(entity: str, count: int = 1) -> list[str]:
    """Return the next numbers of an entity, such as C-000013, within the open transaction.

    Whoever else asks meanwhile waits for the transaction's end, so that none is given twice.
    """
    statement = select(NumberSeries).where(NumberSeries.entity == entity)
    series = db.session.scalar(statement.with_for_update())
    if series is None:
        series = NumberSeries(entity=entity, next_number=1)
        db.session.add(series)
    first = series.next_number
    series.next_number = first + count
    db.session.flush()  # another number in this transaction must be another one
    return [f"{PREFIXES[entity]}-{number:06}" for number in range(first, first + count)]
