"""Repairs: what was put right after a reminder, and how soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from crm_admin.database import ask
from crm_admin.models.base import Record
from crm_admin.models.findings import Finding
from crm_admin.models.reminders import Reminder
from crm_admin.models.sharing import Deputy
from crm_admin.models.users import User
from crm_admin.services import access, owning, validation
from crm_admin.services.entity_names import table_of

_findings, _reminders, _deputies = table_of(Finding), table_of(Reminder), table_of(Deputy)
#: How many reminders are looked at, the latest.
_MOST = 20_000


@dataclass(frozen=True)
class Repairs:
    """How many findings somebody was reminded of, and how many of them they put right since.

    What others put right, such as a supervisor, is no repair. `median` is the time from the last
    reminder to when it was put right.
    """

    reminded: int
    repaired: int
    median: timedelta | None

    @property
    def percent(self) -> int:
        """How many of the reminders led to a repair, in percent, rounded down."""
        return 100 * self.repaired // self.reminded if self.reminded else 0


def after_reminders(
    actor: User, model: type[Record], since: datetime, *conditions: ColumnElement[bool]
) -> Repairs:
    """Return what became of the reminders since a moment, in records that the actor sees.

    Args:
        conditions: what else must hold for the records, such as whose they are.

    Source: A3, F3
    """
    table = table_of(model)
    seen = select(table.c.id).where(*access.rows(model, actor), *conditions)
    statement = (
        select(
            _findings.c.reminded_at, _findings.c.fixed_at, _findings.c.fixed_by_id, _theirs(model)
        )
        .where(
            _findings.c.entity == model.__tablename__,
            _findings.c.reminded_at >= since,
            _findings.c.rule_id.not_in(_hidden(actor, model)),
            _findings.c.record_id.in_(seen),
        )
        .order_by(_findings.c.reminded_at.desc())
        .limit(_MOST)
    )
    # What was closed with its rule or record needs no repair any more: it does not count.
    rows = [row for row in ask(statement).all() if row[1] is None or row[2] is not None]
    times = [
        fixed - reminded for reminded, fixed, _, theirs in rows if theirs and fixed >= reminded
    ]
    return Repairs(len(rows), len(times), median(times) if times else None)


@cache
def _theirs(model: type[Record]) -> ColumnElement[bool]:
    """Return whether a finding was put right by whose work the record is, by who was reminded of
    it, or by who stood in for one of them on that day.
    """
    by, day = _findings.c.fixed_by_id, func.date(_findings.c.fixed_at)
    reminded = select(_reminders.c.person_id).where(
        _reminders.c.entity == _findings.c.entity, _reminders.c.record_id == _findings.c.record_id
    )
    people = [reminded.correlate(_findings)]
    if owning.owner_model(model) is not None:
        of_record = table_of(model).c.id == _findings.c.record_id
        owners = select(owning.owner(model)).select_from(owning.source(model)).where(of_record)
        people.append(owners.correlate(_findings))
    away = select(_deputies.c.person_id).where(
        _deputies.c.deputy_id == by,
        _deputies.c.deleted_at.is_(None),
        day.between(_deputies.c.from_on, _deputies.c.until_on),
    )
    stood_in = away.correlate(_findings)
    return or_(*(by.in_(own) | _meet(stood_in, own) for own in people))


def _meet(some: Select[Any], others: Select[Any]) -> ColumnElement[bool]:
    """Return whether somebody is among both."""
    column = next(iter(some.selected_columns))
    return some.where(column.in_(others)).exists()


def _hidden(actor: User, model: type[Record]) -> list[int]:
    """Return the rules about fields that the actor does not see."""
    return [
        rule.id
        for rule in validation.rules_of(model.__tablename__)
        if rule.kind != "related" and not access.readable(actor, model, rule.field_key)
    ]
