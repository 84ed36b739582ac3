"""Events: their days, who is told of what, what is answered, and who may see them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.events import Answer, Event
from crm_admin.models.notifications import Notification
from crm_admin.services import access, events, listing, notifications, records
from tests.make import make

SHANGHAI = ZoneInfo("Asia/Shanghai")
SOON = clock.now().replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=3)


def plan(owner, actor=None, **values):
    """Make an event as somebody would by the form."""
    asked = {"subject": "Review", "starts_at": SOON, "ends_at": SOON + timedelta(hours=1)}
    with records.transaction("tests"):
        event = Event(owner_id=owner.id)
        records.change(event, asked | values, actor or owner)
    return event


def change(event, actor, **values):
    with records.transaction("tests"):
        records.change(event, values, actor)


def news(user):
    db.session.rollback()
    kept = select(Notification).where(Notification.user_id == user.id, Notification.kind == "event")
    return [one.message for one in db.session.scalars(kept.order_by(Notification.id))]


def test_an_event_without_an_end_lasts_an_hour(people):
    event = plan(people.ana, ends_at=None)
    assert event.ends_at == SOON + timedelta(hours=1)


def test_an_event_cannot_end_before_it_starts_nor_last_for_ever(people):
    for ends in (SOON - timedelta(hours=1), SOON, SOON + timedelta(days=101)):
        with pytest.raises(Invalid) as refused:
            plan(people.ana, ends_at=ends)
        assert refused.value.problems[0].field == "ends_at"
    assert plan(people.ana, ends_at=SOON + timedelta(days=100)).id


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Asia/Shanghai", (2026, 3, 3), 24), ("Europe/Berlin", (2026, 3, 29), 23),
     ("Europe/Berlin", (2026, 10, 25), 25), ("America/Santiago", (2026, 9, 6), 23)],
    ids=["an ordinary day", "clocks go forward", "clocks go back", "midnight itself is skipped"],
)  # fmt: skip
def test_a_whole_day_is_from_midnight_to_midnight_of_its_own_clock(app, zone, day, hours):
    noon = datetime(*day, 12, tzinfo=ZoneInfo(zone))
    starts, ends = events.whole_days(noon, noon + timedelta(hours=1), ZoneInfo(zone))
    assert ends - starts == timedelta(hours=hours)
    event = Event(starts_at=starts, ends_at=ends, time_zone=zone)
    assert event.first_on == event.last_on == noon.date()
    assert events.whole_days(starts, ends, ZoneInfo(zone)) == (starts, ends), "done twice is once"


def test_an_event_of_whole_days_holds_its_last_day(people):
    first, last = (datetime(2026, 3, d, 9, tzinfo=SHANGHAI) for d in (2, 4))
    event = plan(people.ana, starts_at=first, ends_at=last, is_all_day=True)
    assert (event.first_on, event.last_on) == (first.date(), last.date())
    assert event.ends_at == datetime(2026, 3, 5, tzinfo=SHANGHAI)


def test_the_contact_of_an_event_brings_its_customer_and_no_others(people):
    contact = make(Contact, customer=make(Customer, account_manager_id=people.ana.id))
    assert plan(people.ana, contact=contact).customer_id == contact.customer_id
    other = make(Customer, account_manager_id=people.ana.id)
    with pytest.raises(Invalid):
        plan(people.ana, contact=contact, customer=other)


def test_who_is_invited_sees_the_event_and_nobody_else_does(people):
    event = plan(people.ana, guests=[people.cho])
    assert access.find(Event, event.id, people.cho) is not None
    assert access.find(Event, event.id, people.cho, "edit") is None
    other = plan(people.ana)
    assert access.find(Event, other.id, people.cho) is None
    found = listing.page(Event, people.cho, listing.Question(), ["subject"])
    assert [row[0] for row in found.rows] == [event.id]
    change(event, people.ana, guests=[])
    assert access.find(Event, event.id, people.cho) is None


def test_an_administrator_who_is_invited_sees_and_edits_as_before(people):
    event = plan(people.ana, guests=[people.dev])
    assert access.find(Event, event.id, people.dev, "edit") is not None


def test_what_is_private_is_seen_by_the_organiser_and_the_invited_alone(people):
    event = plan(people.ana, is_private=True, guests=[people.cho])
    verbs = ("view", "edit", "delete", "export", "lookup", "share")
    for stranger in (people.ben, people.dev, people.eve, people.fay):
        assert not any(access.find(Event, event.id, stranger, verb) for verb in verbs)
        page = listing.page(Event, stranger, listing.Question(), ["subject"])
        assert (page.rows, page.count) in (([], 0), ([], 1)), "a count may lag, rows may not"
    assert all(access.find(Event, event.id, people.ana, verb) for verb in verbs)
    assert access.find(Event, event.id, people.cho)
    assert access.find(Event, event.id, people.system), "jobs see all"
    change(event, people.ana, is_private=False)
    assert access.find(Event, event.id, people.ben)
    assert access.find(Event, event.id, people.dev, "edit")


def test_the_invited_are_told_once_and_of_each_change_of_time_or_place(people):
    event = plan(people.ana, guests=[people.ben, people.cho])
    assert news(people.cho) == [events.INVITED]
    change(event, people.ana, notes="Bring the list")
    assert news(people.cho) == [events.INVITED]
    change(event, people.ana, place="Room 3")
    change(event, people.ana, starts_at=SOON + timedelta(minutes=30))
    assert news(people.cho) == [events.INVITED, events.CHANGED, events.CHANGED]
    with records.transaction("tests"):
        events.cancel(event, people.ana, version=event.version)
    assert news(people.cho)[3:] == [events.CANCELLED]
    assert news(people.ana) == [], "who did it knows"


def test_what_is_told_names_the_time_by_the_readers_own_clock(people):
    with records.transaction("tests"):
        people.cho.time_zone = "Europe/Berlin"
        db.session.flush()
    plan(people.ana, guests=[people.ben, people.cho], place="Room 3")
    db.session.rollback()
    kept = {
        one.user_id: one.values["when"]
        for one in db.session.scalars(select(Notification).where(Notification.kind == "event"))
    }
    for user, zone in ((people.ben, SHANGHAI), (people.cho, ZoneInfo("Europe/Berlin"))):
        assert kept[user.id].startswith(f"{SOON.astimezone(zone):%Y-%m-%d %H:%M}")
        assert kept[user.id].endswith(", Room 3")


def test_who_is_no_longer_invited_is_told_when_and_not_what(people):
    event = plan(people.ana, guests=[people.cho])
    change(event, people.ana, guests=[], subject="Her dismissal")
    assert news(people.cho) == [events.INVITED, events.REMOVED]
    shown = notifications.told(people.cho, notifications.inbox(people.cho))
    assert not any("Review" in str(one) or "dismissal" in str(one) for one in shown)


def test_of_an_event_that_is_deleted_the_invited_are_told_that_it_is_gone(people):
    event = plan(people.ana, guests=[people.cho])
    with records.transaction("tests"):
        records.delete(event, people.ana)
    assert news(people.cho) == [events.INVITED, events.GONE]
    with records.transaction("tests"):
        records.restore(event, people.ana)
    assert news(people.cho)[2:] == [events.INVITED]


def test_nobody_is_told_of_what_is_over(people):
    past = clock.now() - timedelta(days=2)
    plan(people.ana, guests=[people.cho], starts_at=past, ends_at=past + timedelta(hours=1))
    assert news(people.cho) == []


def test_who_finds_something_put_into_their_calendar_is_told(people):
    plan(people.ana, people.dev)
    assert news(people.ana) == [events.PLACED]


def test_an_answer_is_kept_and_told_and_another_time_asks_again(people):
    event = plan(people.ana, guests=[people.cho])
    for said in (Answer.YES, Answer.YES, Answer.NO):
        with records.transaction("tests"):
            events.answer(event, people.cho, said)
    assert news(people.ana) == [events.COMES, events.STAYS_AWAY]
    assert [guest.answer for guest in events.guests(event)] == [Answer.NO]
    change(event, people.ana, place="Elsewhere")
    assert [guest.answer for guest in events.guests(event)] == [Answer.NO]
    change(event, people.ana, starts_at=SOON + timedelta(minutes=5))
    assert [guest.answer for guest in events.guests(event)] == [Answer.OPEN]


def test_only_who_is_invited_answers_and_only_what_takes_place(people):
    event = plan(people.ana, guests=[people.cho])
    for other in (people.ben, people.ana):
        with pytest.raises(Denied), records.transaction("tests"):
            events.answer(event, other, Answer.YES)
    with records.transaction("tests"):
        events.cancel(event, people.ana, version=event.version)
    with pytest.raises(Invalid), records.transaction("tests"):
        events.answer(event, people.cho, Answer.YES)
    with pytest.raises(Invalid), records.transaction("tests"):
        events.cancel(event, people.ana, version=event.version)


def test_an_event_is_cancelled_as_it_was_read_by_who_may_change_it(people):
    event = plan(people.ana, guests=[people.cho])
    for actor, version in ((people.ana, event.version + 1), (people.cho, event.version)):
        with pytest.raises(Conflict), records.transaction("tests"):
            events.cancel(event, actor, version=version)
    with records.transaction("tests"):
        events.cancel(event, people.ben, version=event.version)
    assert event.cancelled_at


def test_the_organiser_is_no_guest_and_who_may_not_see_events_neither(people):
    event = plan(people.ana, guests=[people.ana, people.cho])
    assert [guest.name for guest in events.guests(event)] == ["Cho"]
    with records.transaction("tests"):
        people.cho.roles = []
        records.save(people.cho, people.system)
    with pytest.raises(Invalid):
        plan(people.ana, guests=[people.cho])
    assert people.cho not in events.invitable(Event(owner_id=people.ana.id), people.ana)


def test_moments_are_kept_as_moments(people):
    event = plan(people.ana, starts_at=SOON.astimezone(SHANGHAI))
    db.session.expire_all()
    assert event.starts_at == SOON
    assert event.starts_at.tzinfo is UTC
