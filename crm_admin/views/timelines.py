"""The timeline of a customer's page: what passed with them, and what is to be done for them."""

from datetime import UTC, datetime, time
from typing import Any

from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.services import access, listing, picklists
from crm_admin.views import columns, requests
from crm_admin.views.words import gettext as _

#: How many tasks a page shows among what passed.
SHOWN = 8
_KEYS = ("subject", "kind", "status", "due_on", "done_at", "assignee")
_NEVER = datetime.min.replace(tzinfo=UTC)


def with_tasks(record: Record, passed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what passed together with the customer's tasks, the latest first. Source: B5, C4

    An open task stands where it is due, one that was done where that was.
    """
    found = [*passed, *_tasks(record)]
    return sorted(found, key=lambda entry: entry.get("moment") or _NEVER, reverse=True)


def _tasks(record: Record) -> list[dict[str, Any]]:
    actor = requests.actor()
    sees = access.allows(actor, "view", Task) and access.readable(actor, Task, "customer_id")
    if not isinstance(record, Customer) or not sees:
        return []
    keys = [key for key in _KEYS if access.readable(actor, Task, key)]
    rows = listing.related(Task, actor, "customer_id", record.id, keys, SHOWN)
    return [_entry(row[0], dict(zip(keys, row[1:], strict=True))) for row in rows]


def _entry(id: int, task: dict[str, Any]) -> dict[str, Any]:
    """Return a task as the timeline shows it; what its reader may not see is not in `task`."""
    zone, done_at, due_on = requests.zone(), task.get("done_at"), task.get("due_on")
    status = task.get("status")
    title = picklists.label("task_kinds", task.get("kind"), requests.language()) or _("Task")
    if status is not None:
        title = f"{title} · {_(TaskStatus(status).label)}"
    if done_at is not None:
        moment, at = done_at, columns.moment(done_at, zone)
    elif due_on is not None:
        moment = datetime.combine(due_on, time(), zone)
        at = _("due %(day)s", day=due_on.isoformat())
    else:
        moment, at = None, ""
    return {
        "title": title,
        "text": (task.get("subject") or "")[:160],
        "by": task.get("assignee") or "",
        "at": at,
        "url": f"/tasks/details/?id={id}",
        "moment": moment,
    }
