"""Reminders of tasks: sent once each when their moment has come, in the inbox and by mail."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Select, bindparam, or_, select, update

from crm_admin import clock, i18n
from crm_admin.database import ask, db
from crm_admin.errors import Invalid
from crm_admin.i18n import N_
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.models.users import User
from crm_admin.services import access, notifications, outbox, records
from crm_admin.services.notifications import Message
from crm_admin.services.outbox import Post

#: How many reminders one transaction sends.
CHUNK = 200
_DUE = N_("Reminder: %(task)s, due on %(day)s")
_SOME_DAY = N_("Reminder: %(task)s")
_SUBJECT = N_("%(product)s: reminder of a task")
_TEXT = N_(
    "Hello %(name)s,\n\nyou wanted to be reminded of a task.\n\n%(task)s\n%(day)s\n%(link)s\n"
)

_tasks = access.table_of(Task)
_WAITING = (
    _tasks.c.deleted_at.is_(None),
    _tasks.c.status == TaskStatus.OPEN,
    _tasks.c.remind_at <= bindparam("now", type_=_tasks.c.remind_at.type),
    or_(_tasks.c.reminded_for.is_(None), _tasks.c.reminded_for != _tasks.c.remind_at),
)
#: Looked at all day, and mostly empty.
_ANY = select(_tasks.c.id).where(*_WAITING).limit(1)


def send(post: Post) -> int:
    """Send all reminders that are due, however late; return how many. Call it outside transactions.

    Several schedulers may do so at once: who sends a reminder holds its task, and each has keys of
    its own. A moment that is put off is told of again. Source: C4
    """
    sent = 0
    while _is_waiting():
        with records.transaction("job remind_of_tasks"):
            tasks = db.session.scalars(_taken(), {"now": clock.now()}).all()
            if tasks:
                _send(tasks, post)
        if not tasks:
            break  # another scheduler is at it
        sent += len(tasks)
    return sent


def _is_waiting() -> bool:
    found = ask(_ANY, {"now": clock.now()}).first() is not None
    db.session.rollback()
    return found


def _taken() -> Select[Any]:
    """Return the select of the next tasks that others are not at work on."""
    some = select(Task).where(*_WAITING).order_by(Task.remind_at, Task.id).limit(CHUNK)
    held = some.with_for_update(of=Task, skip_locked=True)
    return held.execution_options(populate_existing=True)


def _send(tasks: Sequence[Task], post: Post) -> None:
    """Tell of these tasks, and note for which moment; nobody's form is out of date for it."""
    notifications.notify_all(_message(task) for task in tasks)
    for task in tasks:
        with suppress(Invalid):  # an address that is none keeps nothing from happening
            _write(task, post)
    noted = update(_tasks).where(_tasks.c.id.in_([task.id for task in tasks]))
    ask(noted.values(reminded_for=_tasks.c.remind_at))


def _message(task: Task) -> Message:
    return Message(
        user_id=task.assignee_id,
        key=f"{_key(task)}:inbox",
        kind="task",
        message=_SOME_DAY if task.due_on is None else _DUE,
        values={"task": task.subject, "day": task.due_on and task.due_on.isoformat()},
        entity=Task.__tablename__,
        record_id=task.id,
    )


def _write(task: Task, post: Post) -> None:
    """Write a letter to whose task it is, in their language, as far as they may see it."""
    user = task.assignee
    if post.server is None or not user.is_active or not _sees(user, task):
        return
    catalogue = i18n.catalogue(user.language or post.language)
    day = task.due_on.isoformat() if task.due_on and access.readable(user, Task, "due_on") else ""
    facts = {
        "product": " ".join(post.product.split()),
        "name": user.name,
        "task": task.subject,
        "day": day,
        "link": f"{post.public_url.rstrip('/')}/tasks/details/?id={task.id}"
        if post.sends_links
        else "",
    }
    outbox.write(
        post,
        user,
        "task",
        catalogue.gettext(_SUBJECT) % facts,
        catalogue.gettext(_TEXT) % facts,
        key=f"{_key(task)}:mail",
        entity=Task.__tablename__,
        record_id=task.id,
    )


def _sees(user: User, task: Task) -> bool:
    return access.may(task, user) and access.readable(user, Task, "subject")


def _key(task: Task) -> str:
    return f"task:{task.id}:{task.remind_at and task.remind_at.isoformat()}"
