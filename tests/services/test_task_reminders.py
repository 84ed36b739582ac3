"""Reminders come when their moment has, once each, however many send them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.jobs import STEADY
from crm_admin.models.notifications import Notification
from crm_admin.models.outbox import Letter
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.services import records, task_reminders
from crm_admin.services.outbox import Post
from tests.make import make
from tests.services.test_access import give
from tests.services.test_records import change, together

HOUR = timedelta(hours=1)


def task_of(person, ago=HOUR, **values):
    given = {"subject": "Call Li", "due_on": date(2026, 11, 24), "remind_at": clock.now() - ago}
    return make(Task, assignee_id=person.id, **given | values)


def send(app):
    sent = task_reminders.send(Post.of(app.config))
    db.session.rollback()
    return sent


def told(person):
    found = select(Notification).where(Notification.user_id == person.id)
    return [n.message % n.values for n in db.session.scalars(found.order_by(Notification.id))]


def test_a_reminder_comes_once_its_moment_has(app, people):
    task = task_of(people.ana, ago=-HOUR)
    assert send(app) == 0
    change(task, people.ana, remind_at=clock.now() - timedelta(seconds=1))
    version = task.version
    assert (send(app), send(app)) == (1, 0)
    assert told(people.ana) == ["Reminder: Call Li, due on 2026-11-24"]
    db.session.expire_all()
    assert task.version == version, "nobody's form is out of date for it"


def test_after_being_off_what_is_past_is_told_of(app, people):
    task_of(people.ana, ago=timedelta(days=40))
    task_of(people.ana, ago=timedelta(days=2), due_on=None, subject="Think")
    assert send(app) == 2
    assert told(people.ana) == ["Reminder: Call Li, due on 2026-11-24", "Reminder: Think"]


@pytest.mark.parametrize("values", [{"status": TaskStatus.DONE}, {"status": TaskStatus.DROPPED}])
def test_what_was_done_needs_no_reminder(app, people, values):
    task_of(people.ana, **values)
    assert send(app) == 0
    assert told(people.ana) == []


def test_what_lies_in_the_bin_needs_no_reminder(app, people):
    task = task_of(people.ana)
    with records.transaction("tests"):
        records.delete(task, people.ana)
    assert send(app) == 0


def test_a_reminder_that_is_put_off_comes_again(app, people):
    task = task_of(people.ana)
    send(app)
    change(task, people.ana, remind_at=clock.now() - timedelta(minutes=5))
    assert send(app) == 1
    assert len(told(people.ana)) == 2


def test_more_than_one_transaction_holds_are_all_sent(app, people, monkeypatch):
    monkeypatch.setattr(task_reminders, "CHUNK", 2)
    for n in range(5):
        task_of(people.ana, subject=f"Call {n}")
    assert send(app) == 5


def test_two_schedulers_send_a_reminder_once(app, people):
    for n in range(3):
        task_of(people.ana, subject=f"Call {n}")
    db.session.rollback()
    post = Post.of(app.config)
    ends = together(app, *[lambda: task_reminders.send(post)] * 3)
    assert all(isinstance(end, int) for end in ends), ends
    send(app)
    assert len(told(people.ana)) == 3


def test_a_reminder_goes_out_by_mail_in_its_readers_language(mailing, people):
    change(people.ana, people.dev, email="ana@example.com")
    with records.transaction("tests"):
        people.ana.language = "zh_Hans_CN"
    task = task_of(people.ana)
    task_of(people.ben)  # who has no address
    sent = task_reminders.send(post := Post.of(mailing.config))
    assert sent == 2
    assert send(mailing) == 0
    [letter] = db.session.scalars(select(Letter))
    assert (letter.recipient, letter.record_id) == ("ana@example.com", task.id)
    text = post.seal.open(letter.sealed_text, "mail")
    assert "Call Li" in text and "2026-11-24" in text
    assert "任务提醒" in letter.subject
    assert f"/tasks/details/?id={task.id}" in text


def test_who_may_not_see_their_task_gets_no_letter(mailing, people):
    change(people.ana, people.dev, email="ana@example.com")
    give(people.ana, {"customers": {"view": "own"}})
    task_of(people.ana)
    task_reminders.send(Post.of(mailing.config))
    assert db.session.scalar(select(Letter.id)) is None


def test_the_scheduler_looks_every_minute_at_least(app, people):
    task_of(people.ana)
    assert STEADY["remind_of_tasks"].seconds <= 60
    assert STEADY["remind_of_tasks"].work() == 1


def test_a_moment_is_kept_with_its_zone(app, people):
    moment = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
    task = task_of(people.ana, remind_at=moment)
    send(app)
    db.session.expire_all()
    assert task.reminded_for == moment
