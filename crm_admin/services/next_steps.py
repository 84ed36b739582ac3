"""The next step of an interaction, which becomes a task of its author."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.interactions import Interaction
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.models.users import User
from crm_admin.services import changes, records

#: How much of a next step is a task's subject.
LONGEST_SUBJECT = 200
#: What a task has from its interaction.
_FOLLOWED = ("next_step", "next_step_on", "author_id", "customer_id", "contact_id")


class Step(NamedTuple):
    """What somebody wants to do next; a task only once there is a day for it."""

    text: str | None
    day: date | None

    @property
    def is_planned(self) -> bool:
        """Whether it is said what is to be done and when."""
        return bool(self.text and self.text.strip()) and self.day is not None

    @property
    def subject(self) -> str:
        """The first line of it."""
        return ((self.text or "").strip().split("\n")[0].strip())[:LONGEST_SUBJECT]

    @property
    def notes(self) -> str | None:
        """All of it, where that is more than its subject."""
        text = (self.text or "").strip()
        return text if text != self.subject else None


def follow(record: Interaction, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Let the task follow what was just written of the next step: made once, changed, dropped.

    A task that somebody has touched is theirs, and stays as it is. An interaction that is closed
    changes no more, and with it neither does its task. Source: B1, C4
    """
    if record.deleted_at is not None or not changed.keys() & set(_FOLLOWED):
        return
    now, before = Step(record.next_step, record.next_step_on), _before(record, changed)
    task = db.session.scalar(select(Task).where(Task.next_step_of_id == record.id))
    if task is None:
        if now.is_planned:
            made = Task(next_step_of_id=record.id, interaction_id=record.id)
            _fill(made, record, now)
            records.save(made, actor, action="made from an interaction")
    elif _is_untouched(task, before):
        if now.is_planned:
            _fill(task, record, now)
            task.status = TaskStatus.OPEN
        else:
            task.status = TaskStatus.DROPPED
        records.save(task, actor, action="changed with its interaction")


def _fill(task: Task, record: Interaction, step: Step) -> None:
    task.subject, task.due_on, task.notes = step.subject, step.day, step.notes
    task.assignee_id, task.customer_id = record.author_id, record.customer_id
    task.contact_id = record.contact_id


def _before(record: Interaction, changed: Mapping[str, list[Any]]) -> Step:
    """Return the next step as it was until now."""
    old = {
        key: changes.read(Interaction, key, changed[key][0])
        if key in changed
        else getattr(record, key)
        for key in ("next_step", "next_step_on")
    }
    return Step(old["next_step"], old["next_step_on"])


def _is_untouched(task: Task, before: Step) -> bool:
    """Return whether the task says what the next step said, and waits to be done.

    One that was dropped when its step was cleared waits for another.
    """
    if task.deleted_at is not None:
        return False
    if not before.is_planned:
        return task.status == TaskStatus.DROPPED
    same = task.subject == before.subject and task.due_on == before.day
    return same and task.status == TaskStatus.OPEN
