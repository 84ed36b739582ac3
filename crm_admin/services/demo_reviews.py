"""What supervisors of the demo company thought of the last month's interactions."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from crm_admin.database import ask
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reminders import Lacking, Reminder
from crm_admin.models.reviews import Review, Verdict
from crm_admin.services import access
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_words import Calendar, lot
from crm_admin.services.loading import insert

#: They look back so many days; of the last of them they have looked at a part only.
DAYS, DONE, DONE_OF_LAST = 30, 0.92, 0.35
#: How many fail, how many of those are put right, and how many reminders are heeded.
FAILING, FIXING, HEEDING = 0.12, 0.75, 0.7
REASONS = lot(
    ("too_thin", 5), ("no_next_step", 4), ("incomplete", 3), ("no_result", 3), ("late", 2),
    ("wrong", 1),
)  # fmt: skip


def make(random: Random, staff: Staff, calendar: Calendar) -> None:
    """Write the verdicts of the last month, and the reminders that went with them."""
    insert(Review, [*_reviews(random, staff, calendar)])
    insert(Reminder, [*_reminders(random, staff, calendar)])


def _reviews(random: Random, staff: Staff, calendar: Calendar) -> Iterator[dict[str, Any]]:
    table = access.table_of(Interaction).c
    since = calendar.moment(DAYS, 0)
    statement = select(table.id, table.author_id, table.happened_at, table.version)
    reviews = access.table_of(Review).c
    known = select(reviews.record_id).where(reviews.entity == Interaction.__tablename__)
    fresh = statement.where(table.happened_at >= since, table.id.not_in(known))
    for id, author, at, version in ask(fresh.order_by(table.id)):
        by = staff.superiors.get(author)
        day = at.astimezone(calendar.zone).date()
        last = day >= calendar.before(1)
        if by is None or random.random() > (DONE_OF_LAST if last else DONE):
            continue
        looked = _morning(random, calendar, day + timedelta(days=1))
        if last:
            looked = at + timedelta(minutes=30 + int(90 * random.random()))
        failed = random.random() < FAILING
        yield {
            "created_at": looked,
            "entity": Interaction.__tablename__,
            "record_id": id,
            "version": version,
            "on_day": looked.astimezone(calendar.zone).date(),
            "person_id": author,
            "by_id": by,
            "verdict": Verdict.FAILED if failed else Verdict.PASSED,
            "reason": REASONS.draw(random) if failed else None,
            "note": None,
            "fixed_at": _fixed(random, looked) if failed and not last else None,
            "superseded_at": None,
            "undone_at": None,
        }


def _morning(random: Random, calendar: Calendar, day: Any) -> datetime:
    """Return a moment of the morning on which the day before is looked at."""
    nine = datetime.combine(day, time(8, 30), calendar.zone)
    return nine + timedelta(minutes=int(60 * random.random()))


def _fixed(random: Random, at: datetime) -> datetime | None:
    return (
        at + timedelta(minutes=20 + int(600 * random.random()))
        if random.random() < FIXING
        else None
    )


def _reminders(random: Random, staff: Staff, calendar: Calendar) -> Iterator[dict[str, Any]]:
    """Yield reminders of customers that lacked something, and mostly got it."""
    table = access.table_of(Customer).c
    reminders = access.table_of(Reminder).c
    known = select(reminders.record_id).where(reminders.entity == Customer.__tablename__)
    owned = select(table.id, table.account_manager_id).where(
        table.account_manager_id.is_not(None), table.fax.is_(None), table.id.not_in(known)
    )
    rows: Sequence[Any] = ask(owned.order_by(table.id).limit(2_000)).all()
    for id, person in rows:
        by, days = staff.superiors.get(person), 1 + int(DAYS * random.random())
        if by is None or random.random() > 0.3:
            continue
        at = _morning(random, calendar, calendar.before(days))
        yield {
            "created_at": at,
            "person_id": person,
            "on_day": calendar.before(days),
            "entity": Customer.__tablename__,
            "record_id": id,
            "lacking": Lacking.MISSING,
            "by_id": by,
            "repaired_at": at + timedelta(hours=2) if random.random() < HEEDING else None,
            "by_others": False,
        }
