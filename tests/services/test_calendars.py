"""The calendar: whose entries are shown to whom, and on which days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import event as happening

from crm_admin.database import db
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.events import Event
from crm_admin.models.tasks import Task, TaskStatus
from crm_admin.services import calendars, events, records
from tests.make import make

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 4)
TEN = datetime(2026, 3, 4, 10, tzinfo=SHANGHAI)


def shown(actor, *people, first=DAY, last=DAY, zone=SHANGHAI):
    ids = tuple(one.id for one in people or (actor,))
    return calendars.entries(calendars.Asked(actor, ids, first, last, zone))


def titles(*asked, **more):
    return [one.title for one in shown(*asked, **more)]


def plan(owner, starts=TEN, hours=1, **values):
    ends = starts + timedelta(hours=hours)
    return make(Event, owner_id=owner.id, starts_at=starts, ends_at=ends, **values)


def test_a_day_holds_what_touches_it_by_the_readers_clock(people):
    midnight = datetime(2026, 3, 4, tzinfo=SHANGHAI)
    plan(people.ana, midnight - timedelta(hours=1), subject="until midnight")
    plan(people.ana, midnight - timedelta(minutes=30), subject="over midnight")
    plan(people.ana, midnight + timedelta(days=1), subject="the next day")
    assert titles(people.ana) == ["over midnight"]
    assert titles(people.ana, zone=UTC) == ["the next day"], "it is still the 4th there"


def test_whole_days_come_first_and_are_the_same_days_everywhere(people):
    plan(people.ana, subject="Call")
    plan(people.ana, subject="Leave", is_all_day=True)
    for zone in ("Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"):
        found = shown(people.ana, zone=ZoneInfo(zone))
        assert found[0].title == "Leave", zone
        assert (found[0].first_on, found[0].last_on) == (DAY, DAY)
    assert titles(people.ana) == ["Leave", "Call"]


def test_of_what_is_out_of_sight_only_that_somebody_is_busy_is_shown(people):
    plan(people.ana, subject="Doctor", is_private=True)
    plan(people.cho, subject="Foreign", guests=[people.ana])
    mine, theirs = shown(people.ana), shown(people.ben, people.ana)
    assert {one.title for one in mine} == {"Doctor", "Foreign"}
    assert [(one.id, one.title, one.kind, one.people) for one in theirs] == [
        (0, "", "", ("Ana",)), (0, "", "", ("Ana",)),
    ]  # fmt: skip
    assert {one.title for one in shown(people.dev, people.ana)} == {"", "Foreign"}


def test_a_calendar_is_opened_by_who_sees_its_owners_events(people):
    names = {
        who: [name for _id, name, _department in calendars.people(getattr(people, who))]
        for who in ("ana", "ben", "dev")
    }
    assert names["ana"] == ["Ana"]
    assert names["ben"] == ["Ana", "Ben"]
    assert {"Ana", "Ben", "Cho", "Dev", "Eve", "Fay"} <= set(names["dev"])


def test_a_guest_has_it_in_the_calendar_until_they_decline(people):
    event = plan(people.ben, subject="Review", guests=[people.ana])
    [found] = shown(people.ana)
    assert found.is_open
    assert found.people == ("Ana",)
    [both] = shown(people.ben, people.ana, people.ben)
    assert both.people == ("Ben", "Ana")
    with records.transaction("tests"):
        events.answer(event, people.ana, events.Answer.NO)
    assert shown(people.ana) == []


def test_what_is_cancelled_is_shown_as_such_and_makes_nobody_busy(people):
    event = plan(people.ana, is_private=True)
    with records.transaction("tests"):
        events.cancel(event, people.ana, version=event.version)
    assert [one.is_cancelled for one in shown(people.ana)] == [True]
    assert shown(people.ben, people.ana) == []


def test_contracts_that_end_and_customers_to_contact_stand_on_their_day(people):
    customer = make(Customer, name="Acme", account_manager_id=people.ana.id, next_contact_on=DAY)
    make(Contract, title_text="Service", customer=customer, owner_id=people.ana.id,
         status=ContractStatus.ACTIVE, starts_on=DAY - timedelta(days=9), ends_on=DAY)  # fmt: skip
    found = {(one.label, one.title) for one in shown(people.ana)}
    assert found == {("Contract ends", "Service"), ("To contact", "Acme")}
    assert titles(people.ben, people.ana) == titles(people.ana)
    assert titles(people.cho, people.ana) == [], "whoever's they are, they are out of her sight"


def test_a_page_asks_one_statement_for_each_source_however_much_there_is(people):
    for hour in range(8):
        plan(people.ana, TEN + timedelta(hours=hour), guests=[people.ben, people.dev])
    shown(people.dev, people.ana, people.ben)
    asked = []

    def note(connection, cursor, statement, *_):
        asked.append(statement)

    happening.listen(db.engine, "before_cursor_execute", note)
    shown(people.dev, people.ana, people.ben, first=DAY, last=DAY + timedelta(days=41))
    happening.remove(db.engine, "before_cursor_execute", note)
    selects = [one for one in asked if "configuration" not in one]
    assert len(selects) == 1 + len(calendars.SOURCES)


def test_no_more_days_than_a_page_shows_are_asked_for(people):
    plan(people.ana)
    assert shown(people.ana, last=DAY + timedelta(days=61)) != []
    assert shown(people.ana, last=DAY + timedelta(days=62)) == []
    assert shown(people.ana, last=DAY - timedelta(days=1)) == []


def test_an_event_of_many_days_is_found_from_each_of_them(people):
    plan(people.ana, TEN, hours=24 * 99, subject="Project")
    for days in (0, 50, 99):
        there = DAY + timedelta(days=days)
        assert titles(people.ana, first=there, last=there) == ["Project"]
    there = DAY + timedelta(days=100)
    assert titles(people.ana, first=there, last=there) == []


def test_tasks_stand_on_the_day_they_are_due_until_they_are_done(people):
    mine = make(Task, subject="Call", due_on=DAY, assignee_id=people.ana.id)
    make(Task, subject="Later", due_on=DAY + timedelta(days=1), assignee_id=people.ana.id)
    assert titles(people.ana) == titles(people.ben, people.ana) == ["Call"]
    assert titles(people.cho, people.ana) == []
    with records.transaction("tests"):
        records.change(mine, {"status": TaskStatus.DONE}, people.ana)
    assert titles(people.ana) == []
