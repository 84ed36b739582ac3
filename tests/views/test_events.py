"""Event screens: the warning of conflicts, invitations and answers, by the reader's clock."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.events import Answer, Event
from crm_admin.services import events, records
from tests.make import make
from tests.pages import form_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = (clock.now().astimezone(SHANGHAI) + timedelta(days=5)).date()


def at(hour, minute=0, day=DAY):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)


def plan(owner, starts, ends, **values):
    return make(Event, owner_id=owner.id, starts_at=starts, ends_at=ends, **values)


def sent(client, **values):
    form = form_of(client.get(f"/events/new/?starts_at={DAY}T14:00"))
    form["subject"] = "Review"
    for key, value in values.items():
        form.poplist(key)
        form.setlist(key, value if isinstance(value, list) else [value])
    return form


def made():
    db.session.rollback()
    return db.session.scalar(select(Event).order_by(Event.id.desc()).limit(1))


def test_a_slot_opens_the_form_with_its_time_filled_in(people, client_of):
    form = form_of(client_of(people.ana).get(f"/events/new/?starts_at={DAY}T14:00"))
    assert form["starts_at"] == f"{DAY}T14:00"
    assert form["ends_at"] == f"{DAY}T15:00"
    for nonsense in ("", "x", "9999-12-31T23:59", "0001-01-01", "%00"):
        assert client_of(people.ana).get(f"/events/new/?starts_at={nonsense}").status_code == 200


def test_who_has_something_else_is_named_and_it_is_saved_all_the_same(people, client_of):
    plan(people.cho, at(14), at(15), subject="Secret talk")
    client = client_of(people.ana)
    form = sent(client, guests=[str(people.cho.id)])
    answer = client.post("/events/new/", data=form)
    assert answer.status_code == 200
    assert "Cho has something from 14:00 to 15:00." in answer.text
    assert "Secret talk" not in answer.text
    assert made().subject == "Secret talk"
    again = form_of(answer)
    again["despite"] = answer.text.partition('name="despite" value="')[2].partition('"')[0]
    assert client.post("/events/new/", data=again).status_code == 302
    assert [guest.name for guest in events.guests(made())] == ["Cho"]


def test_what_was_waved_through_is_that_conflict_and_no_other(people, client_of):
    plan(people.ana, at(14), at(15), subject="First")
    plan(people.ana, at(16), at(17), subject="Second")
    client = client_of(people.ana)
    answer = client.post("/events/new/", data=sent(client))
    assert "Ana has “First” from 14:00 to 15:00." in answer.text
    again = form_of(answer)
    again["despite"] = answer.text.partition('name="despite" value="')[2].partition('"')[0]
    again["starts_at"], again["ends_at"] = f"{DAY}T16:00", f"{DAY}T16:30"
    answer = client.post("/events/new/", data=again)
    assert answer.status_code == 200
    assert "“Second”" in answer.text


def test_back_to_back_and_an_unchanged_time_are_no_conflict(people, client_of):
    plan(people.ana, at(13), at(14))
    client = client_of(people.ana)
    assert client.post("/events/new/", data=sent(client)).status_code == 302
    event = made()
    plan(people.ana, at(14), at(15))
    form = form_of(client.get(f"/events/edit/?id={event.id}"))
    form["notes"] = "Only a word more"
    assert client.post(f"/events/edit/?id={event.id}", data=form).status_code == 302


def test_a_whole_day_stands_in_the_form_by_its_own_days_and_stays_as_it_is(people, client_of):
    client = client_of(people.ana)
    form = sent(client, is_all_day="y", starts_at=f"{DAY}T09:00", ends_at=f"{DAY}T10:00")
    assert client.post("/events/new/", data=form).status_code == 302
    event = made()
    assert (event.starts_at, event.ends_at) == (at(0), at(0) + timedelta(days=1))
    version = event.version
    with records.transaction("tests"):
        people.ben.time_zone = "America/New_York"
    other = client_of(people.ben)
    for reader in (client, other):
        page = reader.get(f"/events/edit/?id={event.id}")
        form = form_of(page)
        assert (form["starts_at"], form["ends_at"]) == (f"{DAY}T00:00", f"{DAY}T23:59")
        assert reader.post(f"/events/edit/?id={event.id}", data=form).status_code == 302
        assert made().version == version, "an unchanged form changes nothing"
    assert str(DAY) in other.get(f"/events/details/?id={event.id}").text


def test_a_time_is_typed_by_the_clock_of_who_types_it(people, client_of):
    with records.transaction("tests"):
        people.ana.time_zone = "Europe/Berlin"
    client = client_of(people.ana)
    client.post("/events/new/", data=sent(client))
    assert made().starts_at == datetime(*DAY.timetuple()[:3], 14, tzinfo=ZoneInfo("Europe/Berlin"))
    answer = client_of(people.ben).get(f"/events/edit/?id={made().id}")
    hour = made().starts_at.astimezone(SHANGHAI)
    assert form_of(answer)["starts_at"] == f"{hour:%Y-%m-%dT%H:%M}"


def test_who_is_invited_answers_and_who_is_not_is_told_so(people, client_of):
    event = plan(people.ana, at(9), at(10), subject="Review", guests=[people.cho])
    client = client_of(people.cho)
    assert "Do you come?" in client.get(f"/events/details/?id={event.id}").text
    sent = {"id": event.id, "answer": "yes"}
    assert client.post("/events/answer/", data=sent).status_code == 302
    assert [guest.answer for guest in events.guests(event)] == [Answer.YES]
    client.post("/events/answer/", data={"id": event.id, "answer": "perhaps"})
    assert [guest.answer for guest in events.guests(event)] == [Answer.YES]
    boss = client_of(people.ben)
    assert "Do you come?" not in boss.get(f"/events/details/?id={event.id}").text
    boss.post("/events/answer/", data=sent)
    assert "You are not invited" in boss.get("/inbox/").text
    assert "comes to" in client_of(people.ana).get("/inbox/").text


def test_cancelling_is_for_who_may_change_it_and_leaves_it_where_it_was(people, client_of):
    event = plan(people.ana, at(9), at(10), subject="Review", guests=[people.cho])
    sent = {"id": event.id, "version": event.version}
    assert client_of(people.cho).post("/events/cancel/", data=sent).status_code == 403
    assert client_of(people.eve).post("/events/cancel/", data=sent | {"id": 99}).status_code == 404
    client_of(people.ana).post("/events/cancel/", data=sent)
    page = client_of(people.cho).get(f"/events/details/?id={event.id}")
    assert "This event was cancelled." in page.text
    assert "Do you come?" not in page.text
    assert "cancelled" in client_of(people.cho).get("/inbox/").text


def test_no_page_tells_what_is_private(people, client_of):
    event = plan(people.ana, at(9), at(10), subject="Dentist", is_private=True)
    for who in (people.ben, people.dev, people.eve, people.fay):
        client = client_of(who)
        assert client.get(f"/events/details/?id={event.id}").status_code == 404
        pages = ("/events/", "/events/?search=Dentist", f"/calendar/?on={DAY}&whose=all")
        for page in (*pages, "/recycle-bin/", "/events/export/csv/"):
            answer = client.get(page)
            assert f"details/?id={event.id}" not in answer.text, page
            plain = re.sub(r'(value="|search=|Search: )Dentist', "", answer.text)
            assert "Dentist" not in plain, page
    busy = client_of(people.ben).get(f"/calendar/?on={DAY}&person={people.ana.id}").text
    assert "Busy" in busy
    assert "09:00 – 10:00" in busy
    assert "Dentist" in client_of(people.ana).get("/events/").text


def test_who_looks_as_somebody_sees_only_that_they_are_busy(people, client_of):
    event = plan(people.ana, at(9), at(10), subject="Dentist", is_private=True)
    plan(people.ana, at(11), at(12), subject="Review")
    address = f"/calendar/?on={DAY}"
    assert "Dentist" in client_of(people.ana).get(address).text
    client = client_of(people.dev)
    client.post("/view-as/", data={"id": people.ana.id})
    text = client.get(address).text
    assert "Review" in text and "Busy" in text and "Dentist" not in text
    assert client.get(f"/events/details/?id={event.id}").status_code == 404
    assert "Dentist" in client_of(people.ana).get(address).text, "and that is kept from nobody else"
