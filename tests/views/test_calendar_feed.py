"""The address of a feed: shown once, a key to one's own events, and of no use once renewed."""

import re
from datetime import timedelta

from icalendar import Calendar

from crm_admin import clock
from crm_admin.models.events import Event
from crm_admin.services import calendar_feeds, records
from tests.make import make

SOON = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=3)


def address_of(client):
    client.post("/calendar/feed/make/")
    [found] = re.findall(r"/calendar/feed/[\w-]+\.ics", client.get("/calendar/").text)
    return found


def test_an_address_is_shown_once_and_read_without_signing_in(app, people, client_of):
    make(Event, owner_id=people.ana.id, subject="Review", starts_at=SOON,
         ends_at=SOON + timedelta(hours=1))  # fmt: skip
    client = client_of(people.ana)
    address = address_of(client)
    assert address not in client.get("/calendar/").text
    answer = app.test_client().get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    assert "no-store" in answer.headers["Cache-Control"]
    [entry] = Calendar.from_ical(answer.data).walk("VEVENT")
    assert str(entry["summary"]) == "Review"
    assert "Set-Cookie" not in answer.headers


def test_an_address_that_was_renewed_or_switched_off_is_no_page(app, people, client_of):
    client, stranger = client_of(people.ana), app.test_client()
    absent = stranger.get("/calendar/feed/no-such-thing.ics")
    old = address_of(client)
    new = address_of(client)
    assert stranger.get(new).status_code == 200
    gone = stranger.get(old)
    assert (gone.status_code, absent.status_code) == (404, 404)
    client.post("/calendar/feed/end/")
    assert stranger.get(new).status_code == 404
    assert stranger.post(new).status_code in (401, 405)


def test_who_may_no_longer_sign_in_has_no_feed(app, people, client_of):
    address = address_of(client_of(people.ana))
    with records.transaction("tests"):
        records.change(people.ana, {"is_active": False}, people.dev)
    assert app.test_client().get(address).status_code == 404


def test_reading_without_end_is_slowed_down(app, people, client_of):
    address, client = address_of(client_of(people.ana)), app.test_client()
    answers = [client.get(address).status_code for _ in range(calendar_feeds.READS + 1)]
    assert answers == [200] * calendar_feeds.READS + [429]


def test_a_feed_changes_nothing_and_its_secret_is_in_no_log(app, people, client_of, caplog):
    address = address_of(client_of(people.ana))
    with caplog.at_level("DEBUG"):
        app.test_client().get(address)
    secret = address.rpartition("/")[2].removesuffix(".ics")
    assert not any(secret in str(vars(record)) for record in caplog.records)


def test_who_looks_as_somebody_else_makes_no_address(people, client_of):
    client = client_of(people.dev)
    client.post("/view-as/", data={"id": people.ana.id})
    assert client.post("/calendar/feed/make/").status_code == 403
    assert calendar_feeds.of(people.ana) is None
