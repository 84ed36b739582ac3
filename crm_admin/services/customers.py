"""Customers: their number, who looks after them, and how far they have come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.customers import Assignment, Customer, LifecycleStep, Part
from crm_admin.models.users import User
from crm_admin.services import access, changes, records


@records.prepare.register
def _prepare(record: Customer, actor: User) -> None:
    """Date the stage a customer comes to.

    Who may not assign customers becomes the account manager of those they add. Source: A5, A9
    """
    unmanaged = record.id is None and record.account_manager_id is None
    if unmanaged and not access.allows(actor, "assign", Customer):
        record.account_manager_id = actor.id
    if record.id is None or "stage" in changes.of(record):
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
    select(Assignment)
    .options(joinedload(Assignment.user).load_only(User.name))
    .where(Assignment.customer_id == bindparam("customer"))
    .order_by(Assignment.id.desc())
)
_STAGES = (
    select(LifecycleStep)
    .where(LifecycleStep.customer_id == bindparam("customer"))
    .order_by(LifecycleStep.id.desc())
)


def assignments(customer: Customer) -> Sequence[Assignment]:
    """Return who took which part with a customer, the latest first. Source: A6"""
    return db.session.scalars(_ASSIGNMENTS, {"customer": customer.id}).all()


def stages(customer: Customer) -> Sequence[LifecycleStep]:
    """Return the stages a customer came to, the latest first. Source: A9"""
    return db.session.scalars(_STAGES, {"customer": customer.id}).all()
