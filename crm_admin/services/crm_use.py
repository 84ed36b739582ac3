"""How somebody uses the system, month by month: what they wrote, closed, got wrong and put right.

The score is worked out from these figures alone, by weights that are told on the page.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from crm_admin.database import ask, setting
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reminders import Reminder
from crm_admin.models.reviews import Review, Verdict
from crm_admin.models.users import User
from crm_admin.services import access, owning, reviews, scores, zones

#: The parts of the score, in the order in which the setting names their weights.
PARTS = ("closed", "passed", "complete", "repaired")


@dataclass
class Use:
    """One person's month. Source: B4, F3"""

    person_id: int
    name: str
    department_id: int | None
    month: date
    written: int = 0
    #: Of those written since there is closing: on the same day, later, and not yet.
    closed: int = 0
    closed_late: int = 0
    still_open: int = 0
    passed: int = 0
    failed: int = 0
    fixed: int = 0
    #: Hours from the verdict to the change that put it right, on the average.
    hours_to_fix: float | None = None
    reminders: int = 0
    repaired: int = 0
    #: Of their customers, in percent: as they are now, or were on the last day kept of the month.
    completeness: int | None = None
    score: int | None = None

    @property
    def shares(self) -> dict[str, float]:
        """Return how well each part of the score went, from 0 to 1; parts without figures not."""
        ratios = {
            "closed": (self.closed, self.closed + self.closed_late + self.still_open),
            "passed": (self.passed, self.passed + self.failed),
            "repaired": (self.repaired, self.reminders),
            "complete": (self.completeness or 0, 0 if self.completeness is None else 100),
        }
        return {part: one / whole for part, (one, whole) in ratios.items() if whole}


def weights() -> dict[str, int]:
    """Return the weight of each part of the score, as the company has it."""
    said = str(setting("USE_WEIGHTS") or "30 30 30 10").replace(",", " ").split()
    numbers = [int(one) if one.isdecimal() else 0 for one in said]
    return dict(zip(PARTS, (numbers + [0] * 4)[:4], strict=True))


def score_of(use: Use, by: Mapping[str, int]) -> int | None:
    """Return the score from 0 to 100: the weighted mean of the parts that have figures."""
    shares = {part: share for part, share in use.shares.items() if by[part]}
    whole = sum(by[part] for part in shares)
    if not whole:
        return None
    return round(100 * sum(by[part] * share for part, share in shares.items()) / whole)


def people(actor: User) -> dict[int, tuple[str, int | None]]:
    """Return {id: (name, department)} of those whose use the actor may see, their own first.

    Without the right to appraise these are only people all of whose work the actor sees.
    """
    found = {actor.id: (actor.name, actor.department_id)}
    if not access.allows(actor, "appraise", User):
        return found | known(actor, reviews.people(actor))
    users = access.table_of(User).c
    every = select(users.id, users.name, users.department_id).where(
        users.is_system.is_(False), users.deleted_at.is_(None)
    )
    rows = ask(every.order_by(users.name, users.id))
    return found | {id: (name, department) for id, name, department in rows}


def known(
    actor: User, staff: Mapping[int, tuple[str, int | None]]
) -> dict[int, tuple[str, int | None]]:
    """Return those of the people whose figures tell nothing of records the actor does not see."""
    return {
        id: one
        for id, one in staff.items()
        if all(owning.knows_person(actor, model, id) for model in (Customer, Interaction))
    }


def month_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of a day's month."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def of(staff: Mapping[int, tuple[str, int | None]], month: date) -> list[Use]:
    """Return what these people did in a month, by name; who did nothing has no figures."""
    first, last = month_of(month)
    found = {id: Use(id, name, department, first) for id, (name, department) in staff.items()}
    _interactions(found, first, last)
    _reviews(found, first, last)
    _reminders(found, first, last)
    present = first <= zones.today() <= last
    known = completeness(found) if present else scores.last_of(Customer, found, first, last)
    for id, percent in known.items():
        found[id].completeness = percent
    by = weights()
    for use in found.values():
        use.score = score_of(use, by)
    return sorted(found.values(), key=lambda use: (use.name, use.person_id))


def between(first: date, last: date) -> tuple[datetime, datetime]:
    """Return the moments at which the company's days begin and are over."""
    zone = zones.here()
    return (
        datetime.combine(first, time(), zone),
        datetime.combine(last + timedelta(days=1), time(), zone),
    )


def counted(*conditions: ColumnElement[bool]) -> Any:
    """Return how many rows of a group fit all these conditions."""
    return func.coalesce(func.sum(case((and_(*conditions), 1), else_=0)), 0)


def _interactions(found: dict[int, Use], first: date, last: date) -> None:
    table = access.table_of(Interaction).c
    since, until = between(first, last)
    closing = table.written_on.is_not(None)
    statement = (
        select(
            table.author_id,
            func.count(),
            counted(closing, table.closed_at.is_not(None), table.closed_late.is_(False)),
            counted(closing, table.closed_late),
            counted(closing, table.closed_at.is_(None)),
        )
        .where(
            table.deleted_at.is_(None),
            table.happened_at >= since,
            table.happened_at < until,
            table.author_id.in_(found),
        )
        .group_by(table.author_id)
    )
    for id, written, closed, late, still in ask(statement):
        use = found[id]
        use.written, use.closed, use.closed_late, use.still_open = written, closed, late, still


def _reviews(found: dict[int, Use], first: date, last: date) -> None:
    table, hours = access.table_of(Review).c, defaultdict[int, list[float]](list)
    theirs = [
        table.person_id.in_(found), table.on_day.between(first, last), table.undone_at.is_(None),
    ]  # fmt: skip
    counted = select(table.person_id, table.verdict, func.count()).where(*theirs)
    for id, verdict, count in ask(counted.group_by(table.person_id, table.verdict)):
        if verdict == Verdict.PASSED:
            found[id].passed = count
        else:
            found[id].failed = count
    fixed = select(table.person_id, table.created_at, table.fixed_at)
    for id, at, mended in ask(fixed.where(*theirs, table.fixed_at.is_not(None))):
        hours[id].append((mended - at).total_seconds() / 3600)
    for id, waits in hours.items():
        found[id].fixed, found[id].hours_to_fix = len(waits), round(sum(waits) / len(waits), 1)


def _reminders(found: dict[int, Use], first: date, last: date) -> None:
    table = access.table_of(Reminder).c
    theirs = (table.repaired_at.is_not(None), table.by_others.is_(False))
    statement = (
        select(table.person_id, func.count(), counted(*theirs))
        .where(table.person_id.in_(found), table.on_day.between(first, last))
        .group_by(table.person_id)
    )
    for id, count, repaired in ask(statement):
        found[id].reminders, found[id].repaired = count, repaired


def completeness(people: Iterable[int]) -> dict[int, int]:
    """Return {person: how complete their customers are now, in percent}; rounded down."""
    table = access.table_of(Customer).c
    statement = (
        select(table.account_manager_id, func.avg(table.completeness))
        .where(
            table.deleted_at.is_(None),
            table.account_manager_id.in_(list(people)),
            table.completeness.is_not(None),
        )
        .group_by(table.account_manager_id)
    )
    return {id: int(average) for id, average in ask(statement)}


@dataclass(frozen=True)
class Team:
    """What a supervisor should know of their people this month and today."""

    people: int
    late: int
    failed: int
    reminders: int
    score: int | None


def team(actor: User) -> Team | None:
    """Return the figures of the actor's people this month, or None where they have none."""
    staff = known(actor, reviews.people(actor)) if reviews.may_review(actor) else {}
    if not staff:
        return None
    uses = of(staff, zones.today())
    scores = [use.score for use in uses if use.score is not None]
    return Team(
        people=len(uses),
        late=sum(use.closed_late for use in uses),
        failed=sum(use.failed - use.fixed for use in uses),
        reminders=sum(use.reminders for use in uses),
        score=round(sum(scores) / len(scores)) if scores else None,
    )
