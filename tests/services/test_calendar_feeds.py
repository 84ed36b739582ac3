"""Calendar feeds: what others' calendars read, in whose name, and until when."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from crm_admin import clock
from crm_admin.models.events import Answer, CalendarFeed, Event
from crm_admin.models.tasks import Task
from crm_admin.services import calendar_feeds, calendars, events, records
from tests.make import make

SOON = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=3)


def secret_of(user):
    with records.transaction("tests"):
        return calendar_feeds.make(user)


def read(user):
    """Return {title: entry} of somebody's feed, as a calendar program understands it."""
    found = Calendar.from_ical(calendar_feeds.text(user, "Mine"))
    return {str(one.get("summary", "")): one for one in found.walk("VEVENT")}


def plan(owner, **values):
    asked = {"subject": "Review", "starts_at": SOON, "ends_at": SOON + timedelta(hours=1)}
    return make(Event, owner_id=owner.id, **(asked | values))


def test_a_secret_reads_in_its_owners_name_and_is_kept_nowhere(people):
    secret = secret_of(people.ana)
    assert calendar_feeds.reader(secret).id == people.ana.id
    kept = calendar_feeds.of(people.ana)
    assert len(secret) >= 43
    assert secret not in (kept.token_hash, str(vars(kept)))
    for wrong in ("", "x", secret + "x", secret[:-1], kept.token_hash, secret.swapcase()):
        assert calendar_feeds.reader(wrong) is None


def test_a_new_secret_ends_the_old_and_so_does_switching_off(people):
    old = secret_of(people.ana)
    new = secret_of(people.ana)
    assert calendar_feeds.reader(old) is None
    assert calendar_feeds.reader(new).id == people.ana.id
    with records.transaction("tests"):
        assert calendar_feeds.end(people.ana)
        assert not calendar_feeds.end(people.ana)
    assert calendar_feeds.reader(new) is None


def test_who_may_no_longer_sign_in_reads_nothing(people):
    secret = secret_of(people.ana)
    with records.transaction("tests"):
        records.change(people.ana, {"is_active": False}, people.dev)
    assert calendar_feeds.reader(secret) is None


def test_a_feed_holds_ones_own_events_and_those_one_said_yes_to(people):
    plan(people.ana, subject="Own")
    yes, no, _open = (
        plan(people.ben, subject=word, guests=[people.ana]) for word in ("Yes", "No", "Open")
    )
    plan(people.ben, subject="Ben's alone")
    plan(people.ana, subject="Long ago", starts_at=SOON - timedelta(days=300),
         ends_at=SOON - timedelta(days=299))  # fmt: skip
    with records.transaction("tests"):
        events.answer(yes, people.ana, Answer.YES)
        events.answer(no, people.ana, Answer.NO)
    assert set(read(people.ana)) == {"Own", "Yes"}


def test_times_are_moments_and_whole_days_are_days(people):
    plan(people.ana, subject="Call", place="Room 3, «北»", notes="Line one\nLine, two; three")
    noon = datetime(SOON.year, SOON.month, SOON.day, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    plan(people.ana, subject="Leave", is_all_day=True, starts_at=noon,
         ends_at=noon + timedelta(days=1))  # fmt: skip
    found = read(people.ana)
    assert found["Call"].decoded("dtstart") == SOON
    assert found["Call"].decoded("dtend") == SOON + timedelta(hours=1)
    assert str(found["Call"]["location"]) == "Room 3, «北»"
    assert str(found["Call"]["description"]) == "Line one\nLine, two; three"
    first, last = found["Leave"].decoded("dtstart"), found["Leave"].decoded("dtend")
    assert (first, last) == (noon.date(), noon.date() + timedelta(days=2))
    assert type(first) is date


@pytest.mark.parametrize("night", [(2027, 3, 28), (2027, 10, 31)], ids=["forward", "back"])
def test_on_nights_of_changing_clocks_moments_stay_what_they_are(people, night, monkeypatch):
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(*night, 1, 30, tzinfo=berlin).astimezone(UTC)
    monkeypatch.setattr(clock, "now", lambda: start - timedelta(days=1))
    with records.transaction("tests"):
        people.ana.time_zone = "Europe/Berlin"
    end = start + timedelta(hours=1)
    plan(people.ana, starts_at=start.astimezone(berlin), ends_at=end.astimezone(berlin))
    found = read(people.ana)["Review"]
    assert found.decoded("dtstart") == start
    assert found.decoded("dtend") == end


def test_what_is_cancelled_says_so_and_keeps_its_name(people):
    event = plan(people.ana)
    before = read(people.ana)["Review"]
    with records.transaction("tests"):
        events.cancel(event, people.ana, version=event.version)
    after = read(people.ana)["Review"]
    assert (str(before["status"]), str(after["status"])) == ("CONFIRMED", "CANCELLED")
    assert before["uid"] == after["uid"]
    assert after["sequence"] > before["sequence"]
    assert after.decoded("dtstamp") >= before.decoded("dtstamp")


def test_rights_are_asked_at_each_reading(people):
    plan(people.ana)
    assert read(people.ana)
    with records.transaction("tests"):
        people.ana.roles = []
        records.save(people.ana, people.system)
    assert read(people.ana) == {}


def test_a_hidden_field_is_in_no_feed(people):
    from crm_admin.services import organisation

    plan(people.ana, notes="Secret")
    assert "description" in read(people.ana)["Review"]
    role = organisation.role("sales")
    with records.transaction("tests"):
        role.fields = {"events": {"notes": "hidden"}}
        records.save(role, people.system)
    assert "description" not in read(people.ana)["Review"]


def test_what_other_sources_feed_stands_in_it_and_what_they_only_show_does_not(people):
    def feeding(asked):
        return [calendars.Entry("tasks", 7, "Write", asked.first_on, asked.first_on, ("Ana",))]

    def showing(asked):
        return [calendars.Entry("tasks", 8, "Look", asked.first_on, asked.first_on, ("Ana",))]

    calendars.source(is_fed=True)(feeding)
    calendars.source()(showing)
    try:
        assert set(read(people.ana)) == {"Write"}
    finally:
        for one in (feeding, showing):
            calendars.SOURCES.pop(one)


def test_a_feed_is_not_read_without_end(people):
    secret = secret_of(people.ana)
    asked = [calendar_feeds.is_read_too_often(secret) for _ in range(calendar_feeds.READS + 1)]
    assert asked == [False] * calendar_feeds.READS + [True]
    assert not calendar_feeds.is_read_too_often("another")


def test_one_person_has_one_feed(people):
    from sqlalchemy import func, select

    from crm_admin.database import db

    for _ in range(3):
        secret_of(people.ana)
    assert db.session.scalar(select(func.count(CalendarFeed.id))) == 1


def test_tasks_are_in_the_feed_on_the_day_they_are_due(people):
    day = SOON.date()
    make(Task, subject="Call", due_on=day, assignee_id=people.ana.id)
    assert read(people.ana)["Call"].get("dtstart").dt == day
    assert "Call" not in read(people.cho)
