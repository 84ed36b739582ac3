"""Tasks: what one is about, what follows when it is done, who may, and who is told."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.audit import AuditEntry
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.notifications import Notification
from crm_admin.models.tasks import Priority, Repeat, Task, TaskStatus
from crm_admin.services import (
    access,
    handover_plans,
    handovers,
    handovers_back,
    organisation,
    records,
    tasks,
)
from tests.make import make
from tests.services.test_access import give
from tests.services.test_records import change, together

DAY = date(2026, 11, 24)


def task_of(person, **values):
    return make(Task, **{"subject": "Call", "due_on": DAY, "assignee_id": person.id} | values)


def finish(task, actor, **more):
    with records.transaction("tests"):
        return tasks.finish(task, actor, version=more.pop("version", task.version), **more)


def reopen(task, actor):
    with records.transaction("tests"):
        tasks.reopen(task, actor, version=task.version)


def of_series(task):
    """Return the days of a task's series, in the order of their making."""
    found = select(Task).where(Task.deleted_at.is_(None), Task.subject == task.subject)
    return [(t.due_on, t.status) for t in db.session.scalars(found.order_by(Task.id))]


def told(person):
    found = select(Notification).where(Notification.user_id == person.id)
    return [n.message % n.values for n in db.session.scalars(found.order_by(Notification.id))]


# What a task is about.


def test_what_a_task_is_about_names_its_customer(people):
    acme = make(Customer, account_manager_id=people.ana.id)
    contact = make(Contact, customer=acme)
    assert task_of(people.ana, contact_id=contact.id).customer_id == acme.id
    assert task_of(people.ana, contract_id=make(Contract, customer=acme).id).customer_id == acme.id


@pytest.mark.parametrize("key", ["contact_id", "contract_id"])
def test_all_that_a_task_is_about_is_one_customers(people, key):
    other = make(Contact if key == "contact_id" else Contract)
    with pytest.raises(Invalid) as refused:
        task_of(people.ana, customer_id=make(Customer).id, **{key: other.id})
    assert [problem.field for problem in refused.value.problems] == [key]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"repeat": Repeat.DAILY, "due_on": None}, "due_on"),
        ({"repeat": Repeat.DAILY, "repeat_until": date(2026, 11, 23)}, "repeat_until"),
        ({"repeat_every": 0}, "repeat_every"),
        ({"repeat_every": 1000}, "repeat_every"),
        ({"repeat": Repeat.DAILY, "repeat_until": DAY, "repeat_every": 999}, None),
        ({"due_on": None}, None),
    ],
)
def test_a_series_has_a_day_to_begin_with_and_ends_after_it(people, values, field):
    if field is None:
        assert task_of(people.ana, **values).id
        return
    with pytest.raises(Invalid) as refused:
        task_of(people.ana, **values)
    assert [problem.field for problem in refused.value.problems] == [field]


# Done.


def test_who_did_it_when_and_what_came_of_it_is_kept(people):
    task = task_of(people.ana)
    assert finish(task, people.ana, result=" They will order. ")
    assert (task.status, task.result, task.done_by_id) == (
        TaskStatus.DONE,
        "They will order.",
        people.ana.id,
    )
    assert task.done_at is not None
    reopen(task, people.ana)
    assert (task.status, task.done_at, task.done_by_id) == (TaskStatus.OPEN, None, None)


def test_a_task_that_was_done_is_not_done_again(people):
    task = task_of(people.ana)
    version = task.version
    assert finish(task, people.ana, version=version) is True
    assert finish(task, people.ana, version=version) is False
    entries = select(func.count()).where(AuditEntry.entity == "tasks")
    assert db.session.scalar(entries) == 2


def test_a_task_is_done_as_it_was_read(people):
    task = task_of(people.ana)
    version = task.version
    change(task, people.ana, subject="Visit")
    with pytest.raises(Conflict):
        finish(task, people.ana, version=version)
    assert task.status == TaskStatus.OPEN
    assert finish(task, people.ana)


@pytest.mark.parametrize(
    ("who", "may"), [("ana", True), ("ben", True), ("cho", False), ("dev", True), ("fay", False)]
)
def test_a_task_of_anas_is_done_by(people, who, may):
    task, actor = task_of(people.ana), getattr(people, who)
    if may:
        assert finish(task, actor)
        assert task.done_by_id == actor.id
        return
    with pytest.raises((Conflict, Denied)):
        finish(task, actor)
    assert task.status == TaskStatus.OPEN


def test_whose_state_one_may_not_change_one_does_not_finish(people):
    give(
        people.cho, {"tasks": {"view": "own", "edit": "own"}}, fields={"tasks": {"status": "read"}}
    )
    task = task_of(people.cho)
    with pytest.raises(Denied):
        finish(task, people.cho)
    assert tasks.open_ones(people.cho, [task.id]) == {}
    assert tasks.open_ones(people.dev, [task.id]) == {task.id: f"{task.id}:{task.version}"}


# Series.


def test_the_next_task_of_a_series_is_like_the_one_before(people):
    acme = make(Customer, account_manager_id=people.ana.id)
    task = task_of(
        people.ana, subject="Ring", customer_id=acme.id, repeat=Repeat.MONTHLY, kind="call",
        priority=Priority.HIGH, due_on=date(2026, 1, 31), notes="Ask for Li",
        remind_at=datetime(2026, 1, 30, 1, 0, tzinfo=UTC), custom={"colour": "red"},
    )  # fmt: skip
    finish(task, people.ana, result="Fine")
    made = db.session.scalar(select(Task).where(Task.previous_id == task.id))
    assert (made.due_on, made.remind_at) == (
        date(2026, 2, 28),
        datetime(2026, 2, 27, 1, 0, tzinfo=UTC),
    )
    same = (
        "subject",
        "customer_id",
        "kind",
        "priority",
        "notes",
        "repeat",
        "assignee_id",
        "custom",
    )
    assert [getattr(made, key) for key in same] == [getattr(task, key) for key in same]
    assert (made.status, made.result, made.done_at) == (TaskStatus.OPEN, None, None)
    finish(made, people.ana)
    assert [day.isoformat() for day, _ in of_series(task)] == [
        "2026-01-31", "2026-02-28", "2026-03-31",
    ]  # fmt: skip


def test_a_series_stops_after_its_last_day_and_when_it_is_dropped(people):
    task = task_of(people.ana, repeat=Repeat.DAILY, repeat_until=date(2026, 11, 25))
    finish(task, people.ana)
    last = db.session.scalar(select(Task).where(Task.previous_id == task.id))
    finish(last, people.ana)
    assert len(of_series(task)) == 2
    other = task_of(people.ana, subject="Other", repeat=Repeat.DAILY)
    with records.transaction("tests"):
        tasks.drop(other, people.ana, version=other.version)
    assert of_series(other) == [(DAY, TaskStatus.DROPPED)]


def test_taking_it_back_takes_back_the_next_one_unless_somebody_touched_it(people):
    task = task_of(people.ana, repeat=Repeat.DAILY)
    finish(task, people.ana)
    reopen(task, people.ana)
    assert of_series(task) == [(DAY, TaskStatus.OPEN)]
    finish(task, people.ana)
    made = db.session.scalar(
        select(Task).where(Task.previous_id == task.id, Task.deleted_at.is_(None))
    )
    change(made, people.ana, notes="Bring the samples")
    reopen(task, people.ana)
    finish(task, people.ana)
    assert [status for _, status in of_series(task)] == [TaskStatus.DONE, TaskStatus.OPEN]


def test_any_way_of_saying_that_it_is_done_makes_the_next(people):
    task = task_of(people.ana, repeat=Repeat.WEEKLY)
    change(task, people.ana, status="done")
    assert [day.isoformat() for day, _ in of_series(task)] == ["2026-11-24", "2026-12-01"]


def test_two_who_finish_a_task_at_once_make_one_next(app, people):
    task = task_of(people.ana, repeat=Repeat.DAILY)
    id, version = task.id, task.version
    db.session.rollback()

    def by(name):
        def work():
            actor = organisation.by_username(name)
            with records.transaction("tests"):
                return tasks.finish(db.session.get(Task, id), actor, version=version)

        return work

    ends = together(app, by("ana"), by("ben"), by("ana"))
    assert ends.count(True) == 1
    assert all(end is False or isinstance(end, Conflict) for end in ends if end is not True)
    assert len(of_series(db.session.get(Task, id))) == 2


# Who is told.


def test_whoever_is_given_a_task_is_told_once(people):
    task = task_of(people.ben)
    change(task, people.ben, assignee=people.ana)
    assert told(people.ana) == ["Ben gave you a task: Call"]
    change(task, people.ben, priority="high")
    change(task, people.ben, priority="low")
    assert told(people.ana) == ["Ben gave you a task: Call"], "it is unread still"
    with records.transaction("tests"):
        for message in db.session.scalars(select(Notification)):
            message.read_at = message.created_at
    change(task, people.ben, due_on=date(2026, 12, 1))
    assert told(people.ana) == ["Ben gave you a task: Call", "Ben changed your task: Call"]


def test_nobody_is_told_of_their_own_doing_nor_of_the_systems(people):
    task = task_of(people.ana, repeat=Repeat.DAILY)
    change(task, people.ana, subject="Visit")
    finish(task, people.ana)
    finish(task_of(people.ana, subject="Other", repeat=Repeat.DAILY), people.system)
    assert told(people.ana) == []


def test_who_may_not_assign_gives_nobody_a_task(people):
    task = task_of(people.ana)
    with pytest.raises(Denied):
        change(task, people.ana, assignee=people.cho)
    change(task, people.ben, assignee=people.ben)
    assert task.assignee_id == people.ben.id


# Handovers.


def test_open_tasks_go_over_with_their_customer_and_what_is_past_stays(people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    mine = {"customer_id": acme.id}
    first, second = (task_of(people.ana, **mine) for _ in range(2))
    done, bens = task_of(people.ana, **mine), task_of(people.ben, **mine)
    finish(done, people.ana)
    items = handover_plans.of_customers(people.ben, [acme.id])
    assert handover_plans.plan(items).along == {Task: 2}
    outcome = handovers.hand_over(items, people.cho, "New districts", people.ben, "tests")
    assert dict(outcome.along) == {Task: 2}
    owners = [task.assignee_id for task in (first, second, done, bens)]
    assert owners == [people.cho.id, people.cho.id, people.ana.id, people.ben.id]
    assert told(people.cho) == ["Ben handed Acme over to you. Reason: New districts"]
    assert access.find(Task, first.id, people.cho) and access.find(Task, done.id, people.cho)
    finish(second, people.cho)
    handover = handovers_back.find(outcome.handover_id, people.ben)
    back = handovers_back.take_back(handover, people.ben, "tests")
    assert dict(back.along) == {Task: 1}
    assert (first.assignee_id, second.assignee_id) == (people.ana.id, people.cho.id)


# The day.


def test_a_day_has_ones_own_open_tasks_that_are_due_the_oldest_first(people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    task_of(people.ana, subject="Tomorrow", due_on=date(2026, 11, 25))
    task_of(people.ana, subject="Some day", due_on=None)
    task_of(people.ben, subject="Another's")
    task_of(people.ana, subject="Low", priority=Priority.LOW)
    task_of(people.ana, subject="High", priority=Priority.HIGH)
    task_of(people.ana, subject="Late", due_on=date(2026, 11, 1), customer_id=acme.id)
    finish(task_of(people.ana, subject="Done"), people.ana)
    day = tasks.of_day(people.ana, DAY, 2)
    assert [(t.subject, t.customer) for t in day.tasks] == [("Late", "Acme"), ("High", None)]
    assert (day.total, day.overdue) == (3, 1)
    assert tasks.of_day(people.cho, DAY, 2).tasks == []


def test_a_days_tasks_name_no_customer_out_of_sight(people):
    secret = make(Customer, name="Secret", account_manager_id=people.cho.id)
    task_of(people.ana, customer_id=secret.id)
    [seen] = tasks.of_day(people.ana, DAY, 5).tasks
    assert (seen.customer_id, seen.customer) == (None, None)
    give(people.ana, {"customers": {"view": "all"}})
    assert tasks.of_day(people.ana, DAY, 5) is None, "who sees no tasks has none"
