"""Customers: their number, who looks after them, and how far they have come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, inspect, select, update

from crm_admin import clock
from crm_admin.database import ask, db
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
    """Date the stage a customer comes to, and its time in the pool.

    Who may not assign customers becomes the account manager of those they add. Source: A5, A9
    """
    unmanaged = record.id is None and record.account_manager_id is None
    if unmanaged and not access.allows(actor, "assign", Customer):
        record.account_manager_id = actor.id
    if record.account_manager_id is not None:
        record.pooled_at = None
    elif record.pooled_at is None:
        record.pooled_at = clock.now()
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
    ask(_END, {"customer": record.id, "of_part": part, "now": now})
    if user_id := getattr(record, f"{part}_id"):
        db.session.add(
            Assignment(
                customer_id=record.id, part=part, user_id=user_id, from_at=now, by_id=actor.id
            )
        )
        db.session.flush()  # the index speaks here, not somewhere later


_assignments, _steps = access.table_of(Assignment), access.table_of(LifecycleStep)
_users = access.table_of(User)
_givers = _users.alias()
_END = (
    update(_assignments)
    .where(
        _assignments.c.customer_id == bindparam("customer"),
        _assignments.c.part == bindparam("of_part"),
        _assignments.c.until_at.is_(None),
    )
    .values(until_at=bindparam("now"))
)
#: Asked for every customer's page, so each is put together once.
_ASSIGNMENTS = (
    select(
        _assignments.c.part,
        _assignments.c.user_id,
        _users.c.name,
        _assignments.c.from_at,
        _assignments.c.until_at,
        _givers.c.name,
        _givers.c.is_system,
        _assignments.c.reason,
        _assignments.c.end_reason,
        _assignments.c.handover_id,
        _assignments.c.by_id,
    )
    .select_from(
        _assignments.join(_users, _users.c.id == _assignments.c.user_id).outerjoin(
            _givers, _givers.c.id == _assignments.c.by_id
        )
    )
    .where(_assignments.c.customer_id == bindparam("customer"))
    .order_by(_assignments.c.id.desc())
)
_STAGES = (
    select(_steps.c.stage, _steps.c.since_at)
    .where(_steps.c.customer_id == bindparam("customer"))
    .order_by(_steps.c.id.desc())
)


class Assigned(NamedTuple):
    """Who took a part with a customer, from when to when, who gave it to them, and why.

    `end_reason` says why it was put back into the pool, where it was.
    """

    part: Part
    user_id: int
    name: str
    from_at: datetime
    until_at: datetime | None
    by: str | None
    by_system: bool | None
    reason: str | None
    end_reason: str | None
    handover_id: int | None
    by_id: int | None


class Reached(NamedTuple):
    """A stage a customer came to, and when."""

    stage: LifecycleStage
    since_at: datetime


def assignments(customer: Customer) -> Sequence[Assigned]:
    """Return who took which part with a customer, the latest first. Source: A6"""
    found = ask(_ASSIGNMENTS, {"customer": customer.id}).all()
    return [Assigned(*row) for row in found]


def stages(customer: Customer) -> Sequence[Reached]:
    """Return the stages a customer came to, the latest first. Source: A9"""
    found = ask(_STAGES, {"customer": customer.id}).all()
    return [Reached(*row) for row in found]
