"""Reminders of tasks, sent as their moments come."""

from flask import current_app

from crm_admin.i18n import N_
from crm_admin.jobs import steady
from crm_admin.services import task_reminders
from crm_admin.services.outbox import Post


@steady(N_("Reminders of tasks"), seconds=30)
def remind_of_tasks() -> int:
    """Tell people of the tasks that they wanted to be reminded of by now."""
    return task_reminders.send(Post.of(current_app.config))
