"""The calendar's page: a day, a week, a month; whose it shows; where its buttons lead."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm_admin.models.events import Event
from crm_admin.services import records
from tests.make import make

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEDNESDAY = date(2026, 3, 4)
TEN = datetime(2026, 3, 4, 10, tzinfo=SHANGHAI)


def plan(owner, title, starts=TEN, hours=1, **values):
    ends = starts + timedelta(hours=hours)
    return make(Event, subject=title, owner_id=owner.id, starts_at=starts, ends_at=ends, **values)


def page(client, **asked):
    return client.get("/calendar/", query_string={"on": str(WEDNESDAY)} | asked).text


def links(text, key):
    [tag] = re.findall(rf'<a [^>]*data-key="{key}"[^>]*>', text)
    return re.search(r'href="([^"]+)"', tag)[1].replace("&amp;", "&")


def test_a_week_begins_on_monday_and_a_month_holds_whole_weeks(people, client_of):
    client = client_of(people.ana)
    week = re.findall(r'<section class="cal-day[^>]*aria-label="(\w+), ', page(client))
    assert week == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    month = page(client, view="month")
    days = re.findall(r'<section class="cal-day[^>]*aria-label="([^"]+)"', month)
    assert (days[0], days[-1], len(days)) == (
        "Monday, February 23, 2026", "Sunday, April 5, 2026", 42,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("view", "before", "after"),
    [("day", "2026-03-03", "2026-03-05"), ("week", "2026-02-25", "2026-03-11"),
     ("month", "2026-02-04", "2026-04-04")],
)  # fmt: skip
def test_one_goes_to_and_fro_and_to_today(people, client_of, view, before, after):
    text = page(client_of(people.ana), view=view)
    assert f"on={before}" in links(text, "ArrowLeft")
    assert f"on={after}" in links(text, "ArrowRight")
    assert f"view={view}" in links(text, "t")
    for key, name in (("d", "day"), ("w", "week"), ("m", "month")):
        assert f"view={name}" in links(text, key)


def test_the_last_day_of_a_month_leads_to_the_last_of_a_shorter_one(people, client_of):
    text = page(client_of(people.ana), view="month", on="2026-01-31")
    assert "on=2026-02-28" in links(text, "ArrowRight")
    assert "on=2025-12-31" in links(text, "ArrowLeft")


def test_an_event_stands_at_its_hour_and_leads_to_its_page(people, client_of):
    event = plan(people.ana, "Review", place="Room 3")
    text = page(client_of(people.ana))
    assert f'href="/events/details/?id={event.id}"' in text
    assert '<li class="event r9 s4 c1">' in text, "two hours after eight, an hour long"
    assert "10:00 – 11:00" in text


def test_early_and_late_ones_widen_the_day_and_overlapping_ones_stand_side_by_side(
    people, client_of
):
    plan(people.ana, "Early", TEN - timedelta(hours=5))
    plan(people.ana, "Late", TEN + timedelta(hours=13))
    plan(people.ana, "One")
    plan(people.ana, "Two", TEN + timedelta(minutes=30))
    text = page(client_of(people.ana), view="day")
    assert '<span class="r1">05:00</span>' in text
    assert "l2" in text and "c2" in text
    assert text.index(">Early<") < text.index(">One<") < text.index(">Late<")


def test_what_does_not_fit_is_folded_and_leads_to_the_day(people, client_of):
    for n in range(7):
        plan(people.ana, f"Meeting {n}")
    client = client_of(people.ana)
    week, month, day = (page(client, view=view) for view in ("week", "month", "day"))
    assert ">4 more</a>" in week
    assert ">4 more</a>" in month
    assert "more</a>" not in day
    assert all(f"Meeting {n}" in day for n in range(7))


def test_a_slot_begins_a_new_event_for_who_may_add_one(people, client_of):
    text = page(client_of(people.ana))
    assert f'href="/events/new/?starts_at={WEDNESDAY}T10:00"' in text
    assert "/events/new/" not in page(client_of(people.fay))


def test_one_chooses_whose_calendar_is_shown(people, client_of):
    plan(people.ana, "Hers")
    plan(people.ben, "His")
    plan(people.cho, "Far away")
    client = client_of(people.ben)
    assert "His" in page(client) and "Hers" not in page(client)
    for asked in ({"whose": "team"}, {"whose": "all"}, {"person": people.ana.id}):
        text = page(client, **asked)
        assert "Hers" in text and "Far away" not in text
    assert "Far away" in page(client_of(people.dev), whose="all")
    text = page(client_of(people.ana), person=people.cho.id, whose="all")
    assert "Hers" in text and "Far away" not in text and "His" not in text
    for nonsense in (
        {"person": "x"}, {"view": "year"}, {"on": "never"}, {"on": "9999-12-31"},
        {"on": "0001-01-01"}, {"whose": "nobody"}, {"person": "99999999999"},
    ):  # fmt: skip
        assert client.get("/calendar/", query_string=nonsense).status_code == 200


def test_the_days_are_those_of_the_readers_clock(people, client_of):
    plan(people.ana, "Late call", datetime(2026, 3, 4, 23, tzinfo=SHANGHAI))
    assert "23:00" in page(client_of(people.ana), view="day")
    with records.transaction("tests"):
        people.ana.time_zone = "America/New_York"
    assert "10:00 – 11:00" in page(client_of(people.ana), view="day")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_nights_of_changing_clocks_are_shown_by_the_clock_on_the_wall(people, client_of, day):
    with records.transaction("tests"):
        people.ana.time_zone = "Europe/Berlin"
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(*map(int, day.split("-")), 0, 30, tzinfo=berlin)
    end = datetime(*map(int, day.split("-")), 3, 30, tzinfo=berlin)
    make(Event, subject="Night", owner_id=people.ana.id, starts_at=start, ends_at=end)
    text = page(client_of(people.ana), view="day", on=day)
    assert "00:30 – 03:30" in text
    assert "r3 s12 c1" in text


def test_today_is_marked_once(people, client_of):
    for view in ("day", "week", "month"):
        text = client_of(people.ana).get(f"/calendar/?view={view}").text
        assert text.count('aria-current="date"') == 1
    assert 'aria-current="date"' not in page(client_of(people.ana), on="2020-01-01")
