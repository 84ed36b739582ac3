"""Tasks: what must hold of one, what follows when it is done, and who is told of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, func, null, select

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.notifications import Notification
from crm_admin.models.tasks import Priority, Repeat, Task, TaskStatus
from crm_admin.models.users import User
from crm_admin.services import access, changes, notifications, organisation, records, repeats, zones
from crm_admin.services.notifications import Message

#: What a task may be about beside a customer, whose it then must be: (field, entity, refusal).
LINKS: tuple[tuple[str, type[Record], str], ...] = (
    ("contact_id", Contact, N_("This contact belongs to another customer.")),
    ("contract_id", Contract, N_("This contract belongs to another customer.")),
    ("interaction_id", Interaction, N_("This interaction was with another customer.")),
)
_GIVEN = N_("%(by)s gave you a task: %(task)s")
_CHANGED = N_("%(by)s changed your task: %(task)s")
#: Handovers tell of all that went over in one message.
_TOLD_OTHERWISE = ("handed over", "handed back")
#: What the next task of a series has from the one before.
_KEPT = (
    "subject", "kind", "priority", "repeat", "repeat_every", "repeat_until", "assignee_id",
    "customer_id", "contact_id", "contract_id", "interaction_id", "notes", "due_day",
)  # fmt: skip


@records.prepare.register
def _prepare(record: Task, actor: User) -> None:
    """Let all that a task is about be one customer's, and note who did it and when."""
    changed = changes.of(record)
    if changed.keys() & {"customer_id", *(key for key, _model, _message in LINKS)}:
        _settle_links(record)
    if "status" in changed:
        is_done = record.status == TaskStatus.DONE
        record.done_at, record.done_by_id = (clock.now(), actor.id) if is_done else (None, None)


def _settle_links(record: Task) -> None:
    """Take the customer from what else is named, and refuse another customer's.

    Raises:
        Invalid: a contact, contract or interaction is another customer's.
    """
    for key, model, message in LINKS:
        id = getattr(record, key)
        linked: Any = db.session.get(model, id) if id is not None else None
        if linked is None:
            continue
        if record.customer_id is None:
            record.customer_id = linked.customer_id
        elif linked.customer_id != record.customer_id:
            raise Invalid([Problem(key, message)])


@records.follow_up.register
def _follow_up(record: Task, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Go on with a series when its task is done, and back when it is not; tell whose it is."""
    if record.deleted_at is not None:
        return
    before, after = changed.get("status", (None, None))
    if after == TaskStatus.DONE:
        _go_on(record, actor)
    elif before == TaskStatus.DONE:
        _go_back(record)
    if changed and record.assignee_id != actor.id and not actor.is_system:
        _tell(record, changed, actor)


# Done, and not done.


def finish(task: Task, actor: User, *, version: int, result: str = "") -> bool:
    """Note that a task was done, as it was read; return whether it was open until now.

    That it was done before is no fault: two clicks, or two people, say the same. Source: C4

    Raises:
        Conflict: it changed since `version`. Denied, Invalid: as any change.
    """
    records.claim(task, actor, "edit")
    if task.status == TaskStatus.DONE:
        return False
    values: dict[str, Any] = {"status": TaskStatus.DONE}
    if result.strip():
        values["result"] = result
    records.change(task, values, actor, version=version)
    return True


def drop(task: Task, actor: User, *, version: int) -> None:
    """Give a task up, as it was read; its series ends with it."""
    records.change(task, {"status": TaskStatus.DROPPED}, actor, version=version)


def reopen(task: Task, actor: User, *, version: int) -> None:
    """Let a task be open again; what came of it goes, as far as nobody has touched it."""
    records.change(task, {"status": TaskStatus.OPEN}, actor, version=version)


def _next_of(task: Task) -> Task | None:
    return db.session.scalar(records.alive(Task).where(Task.previous_id == task.id))


def _go_on(task: Task, actor: User) -> None:
    """Make the next task of the series, unless it is there or the series is over.

    That there is one only, the database sees to as well.
    """
    if task.repeat == Repeat.NEVER or task.due_on is None or _next_of(task) is not None:
        return
    keeps = task.due_day or task.due_on.day
    due_on = repeats.following(task.due_on, task.repeat, task.repeat_every, keeps)
    if due_on is None or (task.repeat_until is not None and due_on > task.repeat_until):
        return
    made = Task(
        due_on=due_on,
        previous_id=task.id,
        custom=dict(task.custom),
        **{key: getattr(task, key) for key in _KEPT},
    )
    if task.remind_at is not None:
        made.remind_at = _as_long_before(task.remind_at, task.due_on, due_on)
    records.save(made, actor, action="repeated")


def _as_long_before(moment: datetime, day: date, other: date) -> datetime:
    """Return the moment at the same hour of the company's, as many days from the other day."""
    here = moment.astimezone(zones.here())
    return here + timedelta(days=(other - day).days)  # a wall clock's days, whatever summer does


def _go_back(task: Task) -> None:
    """Take away the next task of the series, if nobody has touched it."""
    made = _next_of(task)
    if made is not None and made.version == 1:
        records.delete(made, organisation.system())


# Who is told.


def _tell(record: Task, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Tell whose task it is that somebody else gave or changed it; once until they have read it."""
    given = "assignee_id" in changed
    if given and (_last_action(record) in _TOLD_OTHERWISE or _repeats(record)):
        return
    if not given and _is_unread(record):
        return
    message = Message(
        user_id=record.assignee_id,
        key=f"task:{record.id}:{record.version}:{record.assignee_id}",
        kind="task",
        message=_GIVEN if given else _CHANGED,
        values={"by": actor.name, "task": record.subject},
        entity=Task.__tablename__,
        record_id=record.id,
    )
    notifications.notify_all([message])


def _repeats(record: Task) -> bool:
    """Return whether it is new as the next of a series, whose owner knows it."""
    return record.previous_id is not None and record.version == 1


def _last_action(record: Task) -> str | None:
    found = select(AuditEntry.action).where(
        AuditEntry.entity == Task.__tablename__, AuditEntry.record_id == record.id
    )
    return db.session.scalar(found.order_by(AuditEntry.id.desc()).limit(1))


def _is_unread(record: Task) -> bool:
    waiting = select(Notification.id).where(
        Notification.user_id == record.assignee_id,
        Notification.read_at.is_(None),
        Notification.entity == Task.__tablename__,
        Notification.record_id == record.id,
    )
    return db.session.scalar(waiting.limit(1)) is not None


# The day's tasks.


class Due(NamedTuple):
    """A task that is due: what a person needs to know of it to do it; `key` is what does it."""

    id: int
    version: int
    subject: str
    kind: str | None
    priority: Priority
    due_on: date
    customer_id: int | None
    customer: str | None

    @property
    def key(self) -> str:
        """The task as it was read, as `key_of` has it."""
        return key_of(self.id, self.version)


class Day(NamedTuple):
    """A person's open tasks that are due by a day: the first of them, and how many there are."""

    tasks: Sequence[Due]
    total: int
    overdue: int


def key_of(id: int, version: int) -> str:
    """Return what says in a form which task is meant, and as it was when it was read."""
    return f"{id}:{version}"


def of_day(actor: User, today: date, limit: int) -> Day | None:
    """Return the actor's own tasks that are due by today, the longest overdue first.

    None where they see no tasks, or not when those are due. Source: C4
    """
    needed = ("subject", "due_on", "status", "assignee_id")
    if not access.allows(actor, "view", Task) or not all(
        access.readable(actor, Task, key) for key in needed
    ):
        return None
    named = access.readable(actor, Task, "customer_id") and access.allows(actor, "view", Customer)
    limits = access.limit(Task, actor), access.limit(Customer, actor)
    rows = ask(_due(*limits, named=named), {"me": actor.id, "today": today, "size": limit}).all()
    total, overdue = (rows[0][-2], rows[0][-1] or 0) if rows else (0, 0)
    return Day([Due(*row[:-2]) for row in rows], total, overdue)


@lru_cache(maxsize=500)
def _due(
    theirs: ColumnElement[bool] | None, seen: ColumnElement[bool] | None, *, named: bool
) -> Select[Any]:
    """Return the select of the due tasks with both counts, made once for those of like rights."""
    task, customer = access.table_of(Task), access.table_of(Customer)
    today: Any = bindparam("today", type_=task.c.due_on.type)
    urgent = case(
        (task.c.priority == Priority.HIGH, 0), (task.c.priority == Priority.LOW, 2), else_=1
    )
    conditions = [
        task.c.deleted_at.is_(None),
        task.c.assignee_id == bindparam("me"),
        task.c.status == TaskStatus.OPEN,
        task.c.due_on <= today,
        *([] if theirs is None else [theirs]),
    ]
    shown = [customer.c.id == task.c.customer_id, customer.c.deleted_at.is_(None)]
    joined = task.outerjoin(customer, and_(*shown, *([] if seen is None else [seen])))
    return (
        select(
            *(task.c[k] for k in ("id", "version", "subject", "kind", "priority", "due_on")),
            *((customer.c.id, customer.c.name) if named else (null(), null())),
            func.count().over(),
            func.sum(case((task.c.due_on < today, 1), else_=0)).over(),
        )
        .select_from(joined if named else task)
        .where(*conditions)
        .order_by(task.c.due_on, urgent, task.c.id)
        .limit(bindparam("size", type_=Integer))
    )


_tasks = access.table_of(Task)
#: Asked for every page of the list, so it is put together once.
_open = select(_tasks.c.id, _tasks.c.version).where(
    _tasks.c.id.in_(bindparam("ids", expanding=True)), _tasks.c.status == TaskStatus.OPEN
)


def open_ones(actor: User, ids: Sequence[int]) -> dict[int, str]:
    """Return {task: its key} of those of the visible tasks that the actor may say are done."""
    if not ids or not access.writable(actor, Task, "status"):
        return {}
    theirs = access.limit(Task, actor, "edit")
    statement = _open if theirs is None else _open.where(theirs)
    return {id: key_of(id, version) for id, version in ask(statement, {"ids": ids})}
