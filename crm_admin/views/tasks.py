"""Task screens: the list with its views, the page, and what says that something was done."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose
from wtforms import Form

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.services import access, records, tasks
from crm_admin.views import forms, pages, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.words import gettext as _

#: How many days before it is due somebody wants to be reminded, and what that is called.
_LEADS = (
    ("0", N_("on the day it is due")),
    ("1", N_("the day before")),
    ("2", N_("2 days before")),
    ("3", N_("3 days before")),
    ("7", N_("a week before")),
    ("14", N_("2 weeks before")),
)
#: When on that day.
_REMINDED_AT = time(9)


class TaskView(EntityView):
    """A task's list, page and form."""

    model = Task
    menu = N_("Calendar and visits")
    icon, order, new_in_menu = "list-todo", 5, True
    verbs = {"done": "edit", "drop": "edit", "reopen": "edit", "quick": "create"}
    details_template = "tasks/details.html"
    create_template = edit_template = "tasks/form.html"

    column_list = (
        "subject",
        "due_on",
        "status",
        "priority",
        "kind",
        "customer",
        "contact",
        "assignee",
    )
    filters = (
        "status",
        "assignee",
        "due_on",
        "priority",
        "kind",
        "customer",
        "contact",
        "contract",
        "repeat",
        "done_at",
        "completeness",
    )
    default_sort = "-due_on"
    badges = ("status", "priority", "kind")
    subtitle = ("due_on", "customer", "assignee")
    mine = "assignee"
    narrowed = {"contact": "customer", "contract": "customer", "interaction": "customer"}
    sections = (
        (BASICS, ("subject", "kind", "priority", "due_on", "assignee", "status", "result")),
        (N_("About whom"), ("customer", "contact", "contract", "interaction")),
        (N_("Notes"), ("notes",)),
        (N_("Reminder and repetition"), ("remind_at", "repeat", "repeat_every", "repeat_until")),
    )

    def list_tabs(self, here: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Offer what most people want to see of tasks: their own that are open, and those late."""
        if not (self.reads("status") and self.reads("assignee") and self.reads("due_on")):
            return []
        yesterday = requests.company_day() - timedelta(days=1)
        mine, is_open = ("assignee.is", "me"), ("status.is", "open")
        soonest = ("sort", "due_on")
        late = ("due_on.to", yesterday.isoformat())
        offered: list[tuple[str, list[tuple[str, Any]]]] = [
            (_("All"), []),
            (_("My open tasks"), [mine, is_open, soonest]),
            (_("My overdue tasks"), [mine, is_open, late, soonest]),
            (_("All open"), [is_open, soonest]),
            (_("All overdue"), [is_open, late, soonest]),
            (_("Done by me"), [mine, ("status.is", "done"), ("sort", "done_at"), ("desc", "1")]),
        ]
        return [
            {
                "label": label,
                "url": requests.address(self.path, asked),
                "active": sorted(here) == sorted(asked),
            }
            for label, asked in offered
        ]

    def row_keys(self, ids: Sequence[int]) -> dict[int, str]:
        """Offer to say of the open tasks that they are done."""
        return tasks.open_ones(requests.actor(), ids)

    def row_action(self) -> dict[str, str]:
        return {
            "name": "task",
            "label": _("Mark as done"),
            "icon": "check",
            "url": f"{self.path}done/",
        }

    def start(self, record: Record) -> None:
        """Begin with the customer of what the address names."""
        super().start(record)
        assert isinstance(record, Task)
        for linked in (record.contact, record.contract, record.interaction):
            if record.customer is None and linked is not None:
                record.customer = linked.customer

    # The form: a reminder may be given as so many days before.

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer to be reminded some days before, instead of at a moment."""
        if not access.writable(requests.actor(), Task, "remind_at", record if record.id else None):
            return {}
        choices = [("", ""), *((days, _(label)) for days, label in _LEADS)]
        help = _("At 9 o'clock; in place of a moment.")
        return {"lead": forms.ChoiceField(_("Remind me"), choices=choices, description=help)}

    def more_values(self, form: Form) -> dict[str, Any]:
        lead = form["lead"].data if "lead" in form else ""
        due_on = form["due_on"].data if "due_on" in form else None
        if not lead or not isinstance(due_on, date):
            return {}
        day = due_on - timedelta(days=int(lead))
        return {"remind_at": datetime.combine(day, _REMINDED_AT, requests.zone())}

    # The page.

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer what may become of the task; how it was done is asked on the page."""
        assert isinstance(record, Task)
        if not self._may_say(record):
            return []
        offered = {
            TaskStatus.OPEN: [
                (_("Mark as done"), "done", "check", "primary"),
                (_("Drop"), "drop", "x", ""),
            ]
        }
        again = [(_("Open again"), "reopen", "undo-2", "")]
        fields = [("task", tasks.key_of(record.id, record.version))]
        return [
            pages.button(label, f"{self.path}{step}/", icon, style, fields=fields)
            for label, step, icon, style in offered.get(record.status, again)
        ]

    def more_context(self, record: Record) -> dict[str, Any]:
        assert isinstance(record, Task)
        asks = record.status == TaskStatus.OPEN and self._may_say(record)
        asks = asks and access.writable(requests.actor(), Task, "result", record)
        return {"task_key": tasks.key_of(record.id, record.version), "asks_result": asks}

    def _may_say(self, record: Task) -> bool:
        actor = requests.actor()
        may = access.may(record, actor, "edit")
        return may and access.writable(actor, Task, "status", record)

    # What becomes of a task.

    @expose("/done/", methods=("POST",))
    def done(self) -> Any:
        """Note that a task was done, as it was read, and offer to take that back."""
        actor = requests.actor()
        task, version = self._meant()
        id, subject, result = task.id, task.subject, request.form.get("result", "")
        with self.told(), records.transaction("form"):
            was_open = tasks.finish(task, actor, version=version, result=result)
            if was_open:
                self._offer_back(_("Done: %(task)s", task=subject), id, task.version)
            else:
                flash(_("This task was done already."), "message")
        return redirect(requests.back(f"{self.path}details/?id={id}"))

    @expose("/drop/", methods=("POST",))
    def drop(self) -> Any:
        """Give a task up, as it was read, and offer to take that back."""
        task, version = self._meant()
        id, subject = task.id, task.subject
        with self.told(), records.transaction("form"):
            tasks.drop(task, requests.actor(), version=version)
            self._offer_back(_("Dropped: %(task)s", task=subject), id, task.version)
        return redirect(requests.back(f"{self.path}details/?id={id}"))

    @expose("/reopen/", methods=("POST",))
    def reopen(self) -> Any:
        """Let a task be open again."""
        task, version = self._meant()
        id, subject = task.id, task.subject
        with self.told(), records.transaction("form"):
            tasks.reopen(task, requests.actor(), version=version)
            flash(_("Open again: %(task)s", task=subject), "success")
        return redirect(requests.back(f"{self.path}details/?id={id}"))

    @expose("/quick/", methods=("POST",))
    def quick(self) -> Any:
        """Add a task of one's own from a line: what, and until when."""
        subject, day = request.form.get("subject", ""), request.form.get("due_on", "")
        back = requests.back(self.path)
        try:
            due_on = date.fromisoformat(day.strip()) if day.strip() else None
        except ValueError:
            flash(_("“%(day)s” is no day.", day=day[:40]), "error")
            return redirect(back)
        with self.told(), records.transaction("form"):
            key = request.form.get("form_key", "").replace("\0", "")[:64]
            values = {"subject": subject, "due_on": due_on}
            records.create_once(Task(), values, requests.actor(), key)
            flash(_("Added: %(task)s", task=subject.strip()[:120]), "success")
        return redirect(back)

    def _meant(self) -> tuple[Any, int]:
        """Return the task that a form names, and the version that was read."""
        id, _colon, version = request.form.get("task", "").partition(":")
        task = self.get_one(id)
        return task, access.key_of(version) or abort(400)

    def _offer_back(self, text: str, id: int, version: int) -> None:
        undo: Any = {
            "text": text[:200],
            "label": _("Undo"),
            "url": f"{self.path}reopen/",
            "fields": {"task": tasks.key_of(id, version), "url": requests.back("")},
        }
        flash(undo, "success")
