"""Customers: their number, who looks after them, and how far they have come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, inspect, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.customers import (
    Assignment,
    Customer,
    LifecycleStage,
    LifecycleStep,
    Part,
)
from crm_admin.models.users import User
from crm_admin.services import access, records


@records.prepare.register
def _prepare(record: Customer, actor: User) -> None:
    """Date the stage a customer comes to.

    Who may not assign customers becomes the account manager of those they add. Source: A5, A9
    """
    unmanaged = record.id is None and record.account_manager_id is None
    if unmanaged and not access.allows(actor, "assign", Customer):
        record.account_manager_id = actor.id
    if record.id is None or inspect(record).attrs.stage.history.has_changes():
        record.stage_since = clock.now()


@records.follow_up.register
def _follow_up(record: Customer, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Keep the assignments and the dated stages in step with the customer's own columns."""
    now = clock.now()
    for part in Part:
        if f"{part}_id" in changed:
            _assign(record, part, actor, now)
    if "stage" in changed:
        step = LifecycleStep(
            customer_id=record.id, stage=record.stage, since_at=now, by_id=actor.id
        )
        db.session.add(step)


def _assign(record: Customer, part: Part, actor: User, now: datetime) -> None:
    """End the open assignment of a part and open the one the customer's column names.

    The index on open assignments is what keeps two people from winning the same customer.
    """
    open_ones = update(Assignment).where(
        Assignment.customer_id == record.id,
        Assignment.part == part,
        Assignment.until_at.is_(None),
    )
    db.session.execute(open_ones.values(until_at=now))
    if user_id := getattr(record, f"{part}_id"):
        db.session.add(
            Assignment(
                customer_id=record.id, part=part, user_id=user_id, from_at=now, by_id=actor.id
            )
        )
        db.session.flush()  # the index speaks here, not somewhere later


#: Asked for every customer's page, so each is put together once.
_ASSIGNMENTS = (
    select(Assignment.part, Assignment.user_id, User.name, Assignment.from_at, Assignment.until_at)
    .join(User, User.id == Assignment.user_id)
    .where(Assignment.customer_id == bindparam("customer"))
    .order_by(Assignment.id.desc())
)
_STAGES = (
    select(LifecycleStep.stage, LifecycleStep.since_at)
    .where(LifecycleStep.customer_id == bindparam("customer"))
    .order_by(LifecycleStep.id.desc())
)


class Assigned(NamedTuple):
    """Who took a part with a customer, and from when to when."""

    part: Part
    user_id: int
    name: str
    from_at: datetime
    until_at: datetime | None


class Reached(NamedTuple):
    """A stage a customer came to, and when."""

    stage: LifecycleStage
    since_at: datetime


def assignments(customer: Customer) -> Sequence[Assigned]:
    """Return who took which part with a customer, the latest first. Source: A6"""
    found = db.session.execute(_ASSIGNMENTS, {"customer": customer.id})
    return [Assigned(*row) for row in found]


def stages(customer: Customer) -> Sequence[Reached]:
    """Return the stages a customer came to, the latest first. Source: A9"""
    found = db.session.execute(_STAGES, {"customer": customer.id})
    return [Reached(*row) for row in found]
