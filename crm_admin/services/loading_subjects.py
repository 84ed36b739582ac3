"""What loading does for an entity beside its fields: managers, assignments, stages, stock."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from crm_admin import clock
from crm_admin.database import WRITES, db
from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Assignment, Customer, LifecycleStep, Part
from crm_admin.models.events import Event
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import (
    Interaction,
    InteractionStatus,
    interaction_colleagues,
    interaction_guests,
)
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.models.users import User
from crm_admin.services import access, events, interactions, promotion_materials, tasks
from crm_admin.services.loading import SUBJECTS, Before, Row, Subject, insert


def _subject(
    model: type[Record], after: Callable[[Sequence[Row], User], None] | None = None, *brings: str
) -> Callable[[Before], Before]:
    """Let the function complete the entity's rows before they are written."""

    def register(before: Before) -> Before:
        SUBJECTS[model] = Subject(before, after, frozenset(brings))
        return before

    return register


def _assign(rows: Sequence[Row], actor: User) -> None:
    """Open the assignments that the customers' own columns name, and date their stages.

    A row may bring earlier stages along as `stages`, (stage, since) each, and earlier assignments
    as `parts`, (part, user, from, until) each; the present ones begin where those end.
    """
    assignments, steps = list[dict[str, Any]](), list[dict[str, Any]]()
    for row in rows:
        by = row.created_by_id
        since: dict[str, datetime] = {}
        for part, user_id, start, end in row.brought.get("parts", ()):
            assignments.append(_assignment(row, part, user_id, start, end))
            since[part] = end
        for part in Part:
            if user_id := getattr(row, f"{part}_id"):
                start = since.get(part, row.created_at)
                assignments.append(_assignment(row, part, user_id, start, None))
        for stage, moment in [*row.brought.get("stages", ()), (row.stage, row.stage_since)]:
            steps.append(_step(row.id, stage, moment, by))
    insert(Assignment, assignments)
    insert(LifecycleStep, steps)


def _assignment(
    row: Row, part: Part, user_id: int, start: datetime, end: datetime | None
) -> dict[str, Any]:
    return {
        "created_at": start,
        "customer_id": row.id,
        "part": part,
        "user_id": user_id,
        "from_at": start,
        "until_at": end,
        "by_id": row.created_by_id,
    }


def _step(customer_id: int, stage: Any, since: datetime, by: int) -> dict[str, Any]:
    return {
        "created_at": since,
        "customer_id": customer_id,
        "stage": stage,
        "since_at": since,
        "by_id": by,
    }


@_subject(Customer, _assign, "stages", "parts")
def _customers(rows: Sequence[Row], actor: User) -> None:
    assigns = access.allows(actor, "assign", Customer)
    for row in rows:
        row.stage_since = row.stage_since or clock.now()
        if row.account_manager_id is None and not assigns:
            row.account_manager_id = actor.id
        row.pooled_at = None if row.account_manager_id else row.created_at


@_subject(Contact)
def _contacts(rows: Sequence[Row], actor: User) -> None:
    """Leave each customer one primary contact: the one it has, else the last of these."""
    primary = {row.customer_id: row for row in rows if row.is_primary}
    having = select(Contact.customer_id).where(
        Contact.customer_id.in_(primary), Contact.is_primary, Contact.deleted_at.is_(None)
    )
    for customer_id in db.session.scalars(having):
        del primary[customer_id]
    for row in rows:
        row.is_primary = primary.get(row.customer_id) is row


@_subject(Contract)
def _contracts(rows: Sequence[Row], actor: User) -> Mapping[int, Problem]:
    """Refuse to follow another customer's; give those nobody owns to the account manager."""
    bare = [row for row in rows if row.owner_id is None]
    managers = _looked_up(Customer, "account_manager_id", (row.customer_id for row in bare))
    for row in bare:
        row.owner_id = managers.get(row.customer_id)
    message = N_("This contract belongs to another customer.")
    return _others(rows, Contract, "predecessor_id", message)


@_subject(Expense)
def _expenses(rows: Sequence[Row], actor: User) -> Mapping[int, Problem]:
    """Refuse another customer's contract, and what was not spent yet."""
    message = N_("This contract belongs to another customer.")
    found = _others(rows, Contract, "contract_id", message)
    for position, row in enumerate(rows):
        if row.spent_on and row.spent_on > clock.latest_day():
            found[position] = Problem("spent_on", N_("This day is still to come."))
    return found


def _attend(rows: Sequence[Row], actor: User) -> None:
    """Write who attended, and close the meetings then: a closed one takes nobody in."""
    for table, key, of in (
        (interaction_colleagues, "user_id", "colleagues"),
        (interaction_guests, "contact_id", "guests"),
    ):
        attending = [
            {"interaction_id": row.id, key: id} for row in rows for id in row.brought.get(of, ())
        ]
        if attending:
            db.session.connection().execute(table.insert(), attending)
    table = access.table_of(Interaction)
    late = {True: InteractionStatus.CLOSED_LATE, False: InteractionStatus.CLOSED}
    meetings = [
        {"key": row.id, "at": at, "by": by, "state": late[row.closed_late]}
        for row in rows
        for at, by in row.brought.get("closed", ())
    ]
    if meetings:
        closes = update(table).where(table.c.id == bindparam("key"))
        closed = closes.values(
            closed_at=bindparam("at"), closed_by_id=bindparam("by"), status=bindparam("state")
        )
        db.session.connection().execute(closed, meetings)


@_subject(Interaction, _attend, "colleagues", "guests", "late")
def _interactions(rows: Sequence[Row], actor: User) -> Mapping[int, Problem]:
    """Refuse another customer's contact, and what has not happened yet."""
    message = N_("This contact belongs to another customer.")
    found = _others(rows, Contact, "contact_id", message)
    latest = clock.now() + interactions.AHEAD
    for position, row in enumerate(rows):
        row.closed_late = bool(row.brought.get("late"))
        if row.closed_at is not None and row.brought.keys() & {"colleagues", "guests"}:
            row.brought = {**row.brought, "closed": [(row.closed_at, row.closed_by_id)]}
            row.closed_at, row.closed_by_id = None, None
        if row.happened_at and row.happened_at > latest:
            message = N_("This moment is still to come. Plans belong under “Next step”.")
            found[position] = Problem("happened_at", message)
    return found


@_subject(Task)
def _tasks(rows: Sequence[Row], actor: User) -> Mapping[int, Problem]:
    """Take the customer from what else is named, refuse another customer's, date what is done."""
    found: dict[int, Problem] = {}
    for key, model, message in tasks.LINKS:
        bare = [row for row in rows if row.customer_id is None and getattr(row, key) is not None]
        theirs = _looked_up(model, "customer_id", (getattr(row, key) for row in bare))
        for row in bare:
            row.customer_id = theirs.get(getattr(row, key))
        found = _others(rows, model, key, message) | found
    for row in rows:
        if row.status == TaskStatus.DONE and row.done_at is None:
            row.done_at, row.done_by_id = clock.now(), row.assignee_id or actor.id
    return found


@_subject(Event)
def _events(rows: Sequence[Row], actor: User) -> Mapping[int, Problem]:
    """Set the days by the clock they are loaded by; refuse another customer's contact."""
    for row in rows:
        events.settle(row, actor)
    return _others(rows, Contact, "contact_id", N_("This contact belongs to another customer."))


def _others(rows: Sequence[Row], model: type[Record], key: str, message: str) -> dict[int, Problem]:
    """Return {position: problem} of the rows whose `key` names a record of another customer."""
    customers = _looked_up(model, "customer_id", (getattr(row, key) for row in rows))
    found = {}
    for position, row in enumerate(rows):
        id = getattr(row, key)
        if id and row.customer_id and customers.get(id, row.customer_id) != row.customer_id:
            found[position] = Problem(key, message)
    return found


def _looked_up(model: type[Record], key: str, ids: Iterable[int | None]) -> dict[int, Any]:
    """Return {id: its value of a column} of some records."""
    table, wanted = access.table_of(model), {id for id in ids if id is not None}
    statement = select(table.c.id, table.c[key]).where(table.c.id.in_(wanted))
    return dict(db.session.execute(statement).all()) if wanted else {}


def _restock(rows: Sequence[Row], actor: User) -> None:
    """Add the movements to the stock that each material shows, one save a material."""
    moved: dict[int, int] = defaultdict(int)
    for row in rows:
        moved[row.material_id] += row.change
    statement = select(PromotionMaterial.id, PromotionMaterial.stock, PromotionMaterial.version)
    kept = db.session.execute(statement.where(PromotionMaterial.id.in_(moved))).all()
    now, entries = clock.now(), []
    for id, stock, version in kept:
        change = update(PromotionMaterial).where(PromotionMaterial.id == id)
        after = {"stock": stock + moved[id], "version": version + 1}
        traces = {"updated_at": now, "updated_by_id": actor.id}
        db.session.connection().execute(change.values(after | traces))
        entries.append(
            {
                "created_at": now,
                "actor_id": actor.id,
                "entity": "promotion_materials",
                "record_id": id,
                "action": "moved",
                "source": db.session.info[WRITES],
                "version": version + 1,
                "changes": {"stock": [stock, stock + moved[id]]},
            }
        )
    insert(AuditEntry, entries)


@_subject(MaterialMovement, _restock)
def _movements(rows: Sequence[Row], actor: User) -> Mapping[int, Problem]:
    """Work out what each movement does to the stock, in their order. Source: I7"""
    wanted = {row.material_id for row in rows}
    statement = select(PromotionMaterial.id, PromotionMaterial.stock).order_by(PromotionMaterial.id)
    locked = statement.where(PromotionMaterial.id.in_(wanted)).with_for_update()
    stock = dict(db.session.execute(locked).all())
    found = {}
    for position, row in enumerate(rows):
        there = stock.get(row.material_id, 0)
        if row.quantity is None:
            continue
        if row.kind == MovementKind.COUNTED:
            row.change = row.quantity - there
        else:
            row.change = promotion_materials.SIGN[row.kind] * row.quantity
        if there + row.change < 0:
            message = N_("Only %(stock)s are in stock.")
            found[position] = Problem("quantity", message, {"stock": there})
        stock[row.material_id] = there + row.change
    return found
