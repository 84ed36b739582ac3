"""How each of one's people stands today: what is incomplete, open, failed, and was reminded of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, literal_column, select

from crm_admin.database import ask
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reminders import Reminder
from crm_admin.models.reviews import Review
from crm_admin.models.users import User
from crm_admin.services import access, crm_use, reviews, scores, zones


@dataclass
class Figures:
    """One person's figures; the trend is by how much completeness rose within a week.

    What is None is not told: it would count records that the actor does not see.
    """

    person_id: int
    name: str
    department_id: int | None
    percent: int | None = None
    trend: int | None = None
    incomplete: int = 0
    today: int | None = None
    late: int | None = None
    still_open: int | None = None
    failed: int | None = None
    reminders: int | None = None


#: What the table can be sorted by.
SORTS = ("name", "percent", "incomplete", "today", "late", "still_open", "failed", "reminders")


def of(actor: User, staff: Mapping[int, tuple[str, int | None]]) -> list[Figures]:
    """Return the figures of these people, whose records the actor may look at. Source: A3, B3

    Late are interactions closed late this month; open those that should have been by now.
    """
    found = {id: Figures(id, name, department) for id, (name, department) in staff.items()}
    whole = {id: found[id] for id in crm_use.known(actor, staff)}
    for one in whole.values():
        one.today = one.late = one.still_open = one.failed = one.reminders = 0
    if access.allows(actor, "review", Customer):
        _completeness(found, whole, actor)
    if access.allows(actor, "review", Interaction):
        _interactions(whole)
    _failed(whole)
    _reminders(whole)
    return list(found.values())


def ordered(figures: Iterable[Figures], key: str, *, descending: bool) -> list[Figures]:
    """Return the figures in an order; those without a figure come last."""
    by = key if key in SORTS else "name"
    named = sorted(figures, key=lambda one: (one.name, one.person_id))
    known = [one for one in named if getattr(one, by) is not None]
    known.sort(key=lambda one: getattr(one, by), reverse=descending)
    return [*known, *(one for one in named if getattr(one, by) is None)]


def _completeness(found: Mapping[int, Figures], whole: Mapping[int, Figures], actor: User) -> None:
    table = access.table_of(Customer).c
    lacking = crm_use.counted(table.completeness < 100)
    statement = (
        select(table.account_manager_id, func.avg(table.completeness), lacking)
        .where(
            *access.rows(Customer, actor, "review"),
            table.account_manager_id.in_(found),
            table.completeness.is_not(None),
        )
        .group_by(table.account_manager_id)
    )
    for id, average, incomplete in ask(statement):
        found[id].percent, found[id].incomplete = int(average), incomplete
    today = zones.today()
    before = scores.last_of(Customer, whole, today - timedelta(days=14), today - timedelta(days=7))
    for id, percent in before.items():
        if (now := found[id].percent) is not None:
            found[id].trend = now - percent


def _interactions(found: Mapping[int, Figures]) -> None:
    table, today = access.table_of(Interaction).c, zones.today()
    first, last = crm_use.month_of(today)
    since, until = crm_use.between(first, last)
    begin, _end = crm_use.between(today, today)
    statement = (
        select(
            table.author_id,
            crm_use.counted(table.happened_at >= begin),
            crm_use.counted(table.closed_late),
        )
        .where(
            table.deleted_at.is_(None),
            table.happened_at >= since,
            table.happened_at < until,
            table.author_id.in_(found),
        )
        .group_by(table.author_id)
    )
    for id, here, late in ask(statement):
        found[id].today, found[id].late = here, late
    # Few; by author, SQLite would read all they ever wrote, and in the order of authors.
    person = table.author_id + literal_column("0")
    waiting = (
        select(person, func.count())
        .where(
            table.deleted_at.is_(None),
            table.closed_at.is_(None),
            table.written_on < today,
        )
        .group_by(person)
    )
    for id, count in ask(waiting):
        if id in found:
            found[id].still_open = count


def _failed(found: Mapping[int, Figures]) -> None:
    table = access.table_of(Review).c
    _fill(found, "failed", table.person_id, *reviews.unfixed())


def _reminders(found: Mapping[int, Figures]) -> None:
    table = access.table_of(Reminder).c
    first, last = crm_use.month_of(zones.today())
    _fill(found, "reminders", table.person_id, table.on_day.between(first, last))


def _fill(found: Mapping[int, Figures], key: str, person: Any, *conditions: Any) -> None:
    statement = select(person, func.count()).where(person.in_(found), *conditions)
    for id, count in ask(statement.group_by(person)):
        setattr(found[id], key, count)
