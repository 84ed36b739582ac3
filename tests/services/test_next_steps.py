"""The next step of an interaction becomes a task of its author, once, and follows it."""

from datetime import date

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.notifications import Notification
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.services import records, tasks
from tests.make import make
from tests.services.test_access import give
from tests.services.test_records import change

DAY, LATER = date(2026, 12, 1), date(2026, 12, 8)


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


def talk(acme, person, **values):
    given = {"content": "Talked", "next_step": "Send the offer", "next_step_on": DAY}
    return make(Interaction, customer=acme, author_id=person.id, **given | values)


def made():
    return db.session.scalars(select(Task).order_by(Task.id)).all()


def test_a_next_step_with_a_day_becomes_a_task_of_its_author(people, acme):
    interaction = talk(acme, people.ana)
    [task] = made()
    assert (task.subject, task.due_on, task.assignee_id) == ("Send the offer", DAY, people.ana.id)
    assert (task.customer_id, task.interaction_id) == (acme.id, interaction.id)
    assert task.status == TaskStatus.OPEN


@pytest.mark.parametrize(
    "values", [{"next_step_on": None}, {"next_step": None}, {"next_step": "  \n"}]
)
def test_without_a_day_or_words_there_is_no_task(people, acme, values):
    interaction = talk(acme, people.ana, **values)
    assert made() == []
    change(interaction, people.ana, next_step="Ring", next_step_on=DAY)
    change(interaction, people.ana, content="Talked at length")
    assert [task.subject for task in made()] == ["Ring"]


def test_a_long_next_step_has_its_first_line_as_subject(people, acme):
    talk(acme, people.ana, next_step="Send it\nand ring Li")
    talk(acme, people.ana, next_step="x" * 300)
    short, long = made()
    assert (short.subject, short.notes) == ("Send it", "Send it\nand ring Li")
    assert (long.subject, long.notes) == ("x" * 200, "x" * 300)


def test_an_untouched_task_follows_its_next_step(people, acme):
    interaction = talk(acme, people.ana)
    change(interaction, people.ana, next_step="Bring the offer", next_step_on=LATER)
    [task] = made()
    assert (task.subject, task.due_on) == ("Bring the offer", LATER)
    change(interaction, people.ben, author=people.ben)
    assert task.assignee_id == people.ben.id


def test_a_cleared_next_step_drops_its_task_and_another_takes_it_up(people, acme):
    interaction = talk(acme, people.ana)
    change(interaction, people.ana, next_step_on=None)
    [task] = made()
    assert task.status == TaskStatus.DROPPED
    change(interaction, people.ana, next_step_on=LATER)
    assert (task.status, task.due_on) == (TaskStatus.OPEN, LATER)
    assert len(made()) == 1


@pytest.mark.parametrize("touch", ["changed", "done", "deleted"])
def test_a_task_that_somebody_has_touched_is_theirs(people, acme, touch):
    interaction = talk(acme, people.ana)
    [task] = made()
    if touch == "changed":
        change(task, people.ana, due_on=LATER)
    elif touch == "done":
        with records.transaction("tests"):
            tasks.finish(task, people.ana, version=task.version)
    else:
        with records.transaction("tests"):
            records.delete(task, people.ana)
    before = (task.subject, task.due_on, task.status, task.deleted_at)
    change(interaction, people.ana, next_step="Something else", next_step_on=None)
    change(interaction, people.ana, next_step_on=date(2026, 12, 24))
    assert (task.subject, task.due_on, task.status, task.deleted_at) == before
    assert len(made()) == 1


def test_who_may_make_no_tasks_can_still_write_things_down(people, acme):
    give(
        people.ana,
        {"customers": {"view": "own"}, "interactions": {"view": "own", "create": "own"}},
    )
    with records.transaction("tests"):
        values = {"customer": acme, "content": "Talked", "next_step": "Go", "next_step_on": DAY}
        records.change(Interaction(), values, people.ana)
    assert [task.assignee_id for task in made()] == [people.ana.id]


def test_an_author_is_told_of_a_step_that_somebody_else_wrote(people, acme):
    interaction = talk(acme, people.ana, next_step_on=None)
    change(interaction, people.ben, next_step_on=DAY)
    [message] = db.session.scalars(select(Notification))
    assert message.user_id == people.ana.id
    assert message.message % message.values == "Ben gave you a task: Send the offer"
