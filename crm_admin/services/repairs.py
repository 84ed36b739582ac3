"""Repairs: what was put right after a reminder, and how soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, select

from crm_admin.database import ask
from crm_admin.models.base import Record
from crm_admin.models.findings import Finding
from crm_admin.models.users import User
from crm_admin.services import access, validation
from crm_admin.services.entity_names import table_of

_findings = table_of(Finding)
#: How many reminders are looked at, the latest.
_MOST = 20_000


@dataclass(frozen=True)
class Repairs:
    """How many findings somebody was reminded of, and how many of them were put right since.

    `median` is the time from the last reminder to when it was put right.
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
        select(_findings.c.reminded_at, _findings.c.fixed_at, _findings.c.fixed_by_id)
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
    times = [fixed - reminded for reminded, fixed, _ in rows if fixed and fixed >= reminded]
    return Repairs(len(rows), len(times), median(times) if times else None)


def _hidden(actor: User, model: type[Record]) -> list[int]:
    """Return the rules about fields that the actor does not see."""
    return [
        rule.id
        for rule in validation.rules_of(model.__tablename__)
        if rule.kind != "related" and not access.readable(actor, model, rule.field_key)
    ]
