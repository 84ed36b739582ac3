"""Reminders: whom they reach, of what, how often, and what comes of them."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Denied
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.models.interactions import Interaction
from crm_admin.models.reminders import Lacking, Reminder
from crm_admin.models.users import User
from crm_admin.services import completeness, notices, records, reminders, zones
from crm_admin.services.outbox import Post
from tests.mailing import letters, link_in
from tests.make import make
from tests.services.test_records import together
from tests.services.test_reviews import change, fail, inbox


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


def remind(actor, *things):
    with records.transaction("tests"):
        return reminders.remind(things, actor)


def all_of(actor, *staff):
    found = reminders.lacking(actor, [user.id for user in staff])
    return [thing for things in found.values() for thing in things]


def test_a_record_lacks_what_rules_ask_for_and_what_waits(people, acme):
    yesterday = zones.today() - timedelta(days=1)
    talk = make(
        Interaction, customer=acme, author=people.ana, content="Talked", written_on=yesterday
    )
    fail(talk, people.ben)
    assert [t.lacking for t in reminders.lacking_in(acme)] == ["missing"]
    assert [t.lacking for t in reminders.lacking_in(talk)] == ["missing", "open", "failed"]
    assert [t.lacking for t in all_of(people.ben, people.ana)] == [
        "failed", "open", "missing", "missing",
    ]  # fmt: skip
    assert all_of(people.ben, people.cho, people.ben) == []


def test_somebody_is_told_of_one_thing_by_its_name(people, acme):
    outcome = remind(people.ben, *reminders.lacking_in(acme))
    assert (dict(outcome.people), outcome.again) == ({people.ana.id: 1}, 0)
    assert inbox(people.ana) == ["Ben reminds you: “Acme” is incomplete."]


def test_somebody_is_told_of_many_things_at_once(people, acme):
    make(Customer, name="Borg", account_manager_id=people.ana.id)
    remind(people.ben, *all_of(people.ben, people.ana))
    assert inbox(people.ana) == ["Ben reminds you: 2 incomplete, 0 not closed, 0 failed."]
    received = reminders.received(people.ana, zones.today())
    assert [(one.title, one.lacking, one.by, one.done) for one in received] == [
        ("Acme", "missing", "Ben", False),
        ("Borg", "missing", "Ben", False),
    ]
    assert reminders.received(people.cho, zones.today()) == []


def test_nobody_is_reminded_twice_a_day_of_the_same(people, acme):
    remind(people.ben, *reminders.lacking_in(acme))
    again = remind(people.dev, *reminders.lacking_in(acme))
    assert (dict(again.people), again.again) == ({}, 1)
    borg = make(Customer, name="Borg", account_manager_id=people.ana.id)
    more = remind(people.dev, *reminders.lacking_in(acme), *reminders.lacking_in(borg))
    assert (dict(more.people), more.again) == ({people.ana.id: 1}, 1)
    assert len(inbox(people.ana)) == 2


def test_two_supervisors_at_once_remind_once(people, app, acme):
    for number in range(5):
        make(Customer, name=f"More {number}", account_manager_id=people.ana.id)
    things = all_of(people.ben, people.ana)
    assert len(things) == 6
    ids = (people.ben.id, people.dev.id)

    def reminding(user_id):
        def work():
            return remind(db.session.get(User, user_id), *things).people.total()

        return work

    ends = together(app, *map(reminding, ids))
    assert sorted(ends) == [0, 6], ends
    assert db.session.scalar(select(func.count(Reminder.id))) == 6
    assert len(inbox(people.ana)) == 1


def test_nobody_reminds_themselves(people):
    own = make(Customer, account_manager_id=people.ben.id)
    with pytest.raises(Denied):
        remind(people.ben, *reminders.lacking_in(own))
    assert remind(people.dev, *reminders.lacking_in(own)).people


def test_what_rules_found_says_that_somebody_was_reminded(people, acme):
    with records.transaction("tests"):
        completeness.refresh([acme], zones.today(), people.system)
    remind(people.ben, *reminders.lacking_in(acme))
    found = db.session.scalars(select(Finding).where(Finding.record_id == acme.id)).all()
    assert found
    assert {one.reminded_by_id for one in found} == {people.ben.id}


def test_a_reminder_is_heeded_when_its_record_is_put_right(people, acme):
    talk = make(Interaction, customer=acme, author=people.ana, content="Talked")
    fail(talk, people.ben)
    remind(people.ben, *reminders.lacking_in(talk))
    change(talk, people.ana, effect="They will buy")
    done = {one.lacking: one.done for one in reminders.received(people.ana, zones.today())}
    assert done == {Lacking.FAILED: True, Lacking.MISSING: False, Lacking.OPEN: False}


def test_mail_goes_out_where_mail_is_sent(people, acme, mailing):
    with records.transaction("tests"):
        people.ana.email = "ana@company.example"
        reminders.remind(reminders.lacking_in(acme), people.ben, Post.of(mailing.config))
    [(recipient, subject, text)] = letters(mailing)
    assert (recipient, subject) == ("ana@company.example", "CRM Admin: a reminder")
    assert "Ben reminds you: “Acme” is incomplete." in text
    assert link_in(text) == f"/customers/details/?id={acme.id}"


def test_mail_names_nothing_that_its_reader_does_not_see(people, acme, mailing):
    with records.transaction("tests"):
        people.ana.email = "ana@company.example"
        reminders.remind(reminders.lacking_in(acme), people.ben, Post.of(mailing.config))
    [(_to, _subject, text)] = letters(mailing)
    assert "“Acme”" in text
    foreign = make(Customer, name="Wombat", account_manager_id=people.cho.id)
    with records.transaction("tests"):
        notices.tell(people.ana, "x", "reminder_missing", {"by": "Ben"},
                     Post.of(mailing.config), record=foreign)  # fmt: skip
    assert len(letters(mailing)) == 1
    assert not [one for one in inbox(people.ana) if "Wombat" in str(one)]
