"""Closing the day: what a closed interaction needs, that nothing changes it, and who is told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.jobs import JOBS, run
from crm_admin.models.closed import CLOSING, FACTS
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction, InteractionStatus
from crm_admin.models.notifications import Notification
from crm_admin.models.sharing import Deputy
from crm_admin.services import (
    access,
    bulk_edits,
    closing,
    loading,
    organisation,
    records,
    reviews,
    zones,
)
from tests.make import make
from tests.services.test_records import together


def written(people, author=None, **values):
    """Return an interaction of Ana's with all that closing asks for."""
    author = author or people.ana
    customer = values.pop("customer", None) or make(Customer, account_manager_id=author.id)
    contact = make(Contact, customer=customer)
    whole = {
        "customer_id": customer.id,
        "contact_id": contact.id,
        "kind": "visit",
        "place": "Their office",
        "content": "Showed the catalogue",
        "effect": "They liked it",
        "next_step": "Send an offer",
        "next_step_on": date(2026, 3, 12),
        "author_id": author.id,
    }
    return make(Interaction, **{**whole, **values})


def close(record, actor):
    with records.transaction("tests"):
        closing.close(record, actor)
    return record


def closed(people, **values):
    return close(written(people, **values), people.ana)


def lacking(record, actor):
    with pytest.raises(Invalid) as refused, records.transaction("tests"):
        closing.close(record, actor)
    return [p.field for p in refused.value.problems]


# What it needs, and who does it.


def test_the_author_closes_a_complete_interaction(people):
    record = close(written(people), people.ana)
    assert (record.closed_by_id, record.closed_late) == (people.ana.id, False)
    assert record.status == InteractionStatus.CLOSED
    assert record.written_on == zones.today()
    assert "stays as it is" in record.locked()


@pytest.mark.parametrize(
    "empty", ["contact_id", "kind", "place", "effect", "next_step", "next_step_on"]
)
def test_it_is_named_what_is_missing(empty, people):
    record = written(people, **{empty: None})
    assert lacking(record, people.ana) == [empty]
    assert record.closed_at is None


def test_all_that_is_missing_is_named_at_once(people):
    record = make(Interaction, author_id=people.ana.id, content="A word")
    assert lacking(record, people.ana) == ["contact_id", "kind", "place", "effect", "next_step"]


@pytest.mark.parametrize("words", ["None", "none.", "No next step", "无", "暂无。", "沒有"])
def test_no_next_step_is_said_in_words_and_needs_no_day(words, people):
    close(written(people, next_step=words, next_step_on=None), people.ana)


def test_a_meeting_needs_attendees(people):
    record = written(people, kind="meeting")
    assert lacking(record, people.ana) == ["guests"]
    with records.transaction("tests"):
        records.change(record, {"colleagues": [people.ben]}, people.ana)
    assert close(record, people.ana).colleagues == [people.ben]


def test_a_guest_belongs_to_the_customer(people):
    record, stranger = written(people), make(Contact)
    with pytest.raises(Invalid, match="another customer"), records.transaction("tests"):
        records.change(record, {"guests": [stranger]}, people.ana)
    theirs = make(Contact, customer_id=record.customer_id)
    with records.transaction("tests"):
        records.change(record, {"guests": [theirs]}, people.ana)
    assert record.guests == [theirs]


@pytest.mark.parametrize("who", ["ben", "dev", "eve"])
def test_nobody_closes_what_somebody_else_wrote(who, people):
    record = written(people)
    with pytest.raises(Denied), records.transaction("tests"):
        closing.close(record, getattr(people, who))
    assert not closing.offers(record, getattr(people, who))


def test_a_deputy_closes_for_whom_they_stand_in(people):
    record = written(people)
    today = zones.today()
    make(Deputy, person_id=people.ana.id, deputy_id=people.ben.id, from_on=today, until_on=today)
    assert close(record, people.ben).closed_by_id == people.ben.id


def test_it_is_closed_once(people):
    record = closed(people)
    with pytest.raises(Invalid, match="closed already"), records.transaction("tests"):
        closing.close(record, people.ana)


# Late.


def at(monkeypatch, moment):
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_closing_after_the_companys_day_is_late(people, monkeypatch):
    evening = datetime(2026, 3, 10, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    at(monkeypatch, evening)
    happened = evening - timedelta(hours=3)
    one, other = (written(people, happened_at=happened) for _ in range(2))
    assert one.written_on == date(2026, 3, 10)
    assert not close(one, people.ana).closed_late
    at(monkeypatch, evening + timedelta(minutes=1))
    assert close(other, people.ana).status == InteractionStatus.CLOSED_LATE
    day = date(2026, 3, 10)
    assert db.session.scalars(closing.late(people.ben, day, day)).all() == [other]
    assert db.session.scalars(closing.late(people.cho, day, day)).all() == []
    assert (
        db.session.scalars(closing.late(people.ben, date(2026, 3, 11), clock.latest_day())).all()
        == []
    )


def test_what_was_written_before_there_was_closing_is_never_late(people):
    record = written(people)
    with records.transaction("tests"):
        record.written_on = None
        records.save(record, people.system)
    assert record.status is None
    assert db.session.scalars(closing.open_of(people.ana)).all() == []
    assert not close(record, people.ana).closed_late


# Nothing changes it.

MORE = {
    "customer_id": "customer_id + 1", "contact_id": "NULL", "kind": "'call'", "place": "'x'",
    "happened_at": "'2020-01-01 00:00:00'", "content": "'x'", "effect": "NULL",
    "next_step": "'x'", "next_step_on": "NULL", "author_id": "author_id + 1",
    "written_on": "'2020-01-01'", "custom": "'{\"a\": 1}'", "created_at": "'2020-01-01 00:00:00'",
    "created_by_id": "99", "deleted_at": "'2020-01-01 00:00:00'", "closed_at": "NULL",
    "closed_by_id": "NULL", "closed_late": "true", "status": "'open'",
}  # fmt: skip


def refused(*statements):
    """Run raw statements on a connection of their own; they must be refused."""
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        with pytest.raises(DBAPIError, match="A closed interaction stays as it is"):
            for statement in statements:
                connection.execute(text(statement))
        connection.rollback()


def let_through(*statements):
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.rollback()


@pytest.mark.parametrize("key", [*FACTS, *CLOSING])
def test_the_database_refuses_to_change_a_closed_one(key, people):
    record, still_open = closed(people), written(people)
    db.session.rollback()
    change = f"UPDATE interactions SET {key} = {MORE[key]} WHERE id = "
    refused(f"{change}{record.id}")
    if key not in ("customer_id", "author_id"):
        let_through(f"{change}{still_open.id}")


def test_the_database_refuses_every_other_way_too(people):
    record, still_open = closed(people), written(people, next_step="None", next_step_on=None)
    id, other = record.id, still_open.id
    db.session.rollback()
    columns = ", ".join(c.name for c in Interaction.__table__.columns)
    changed = columns.replace("content", "'other'")
    refused(f"DELETE FROM interactions WHERE id = {id}")
    refused("DELETE FROM interactions")
    refused(f"UPDATE interactions SET id = 99999 WHERE id = {id}")
    refused(f"UPDATE interactions SET id = {id} WHERE id = {other}")
    refused(
        f"INSERT INTO interactions ({columns}) SELECT {changed} FROM interactions WHERE id = {id} "
        "ON CONFLICT (id) DO UPDATE SET content = 'other'"
    )
    if db.engine.dialect.name == "sqlite":
        for verb in ("REPLACE", "INSERT OR REPLACE"):
            select_ = f"SELECT {changed} FROM interactions WHERE id = {id}"
            refused(f"{verb} INTO interactions ({columns}) {select_}")
        refused(f"UPDATE OR REPLACE interactions SET id = {id} WHERE id = {other}")
    else:
        refused("TRUNCATE interactions CASCADE")
        refused("TRUNCATE customers CASCADE")
        refused(
            "CREATE TEMP TABLE reopenings AS SELECT 1 AS id, id AS interaction_id, closed_at, "
            f"1 AS asked_by_id FROM interactions WHERE id = {id}",
            "CREATE TEMP TABLE reopening_answers AS "
            "SELECT 1 AS reopening_id, 2 AS by_id, true AS agreed",
            f"UPDATE interactions SET closed_at = NULL WHERE id = {id}",
        )
    let_through(f"DELETE FROM interactions WHERE id = {other}")


def test_who_attended_a_closed_meeting_stays(people):
    record = written(people, kind="meeting", colleagues=[people.ben])
    close(record, people.ana)
    id, ben, cho = record.id, people.ben.id, people.cho.id
    db.session.rollback()
    refused(f"INSERT INTO interaction_colleagues VALUES ({id}, {cho})")
    refused(f"UPDATE interaction_colleagues SET user_id = {cho} WHERE user_id = {ben}")
    refused(f"DELETE FROM interaction_colleagues WHERE interaction_id = {id}")
    refused(
        f"INSERT INTO interaction_guests SELECT id, contact_id FROM interactions WHERE id = {id}"
    )
    if db.engine.dialect.name == "sqlite":
        refused(f"REPLACE INTO interaction_colleagues VALUES ({id}, {ben})")
    else:
        refused("TRUNCATE interaction_colleagues")


def test_what_are_no_facts_may_change(people):
    record = closed(people)
    id = record.id
    db.session.rollback()
    let_through(
        f"UPDATE interactions SET search_text = 'x', completeness = 3, version = 9 WHERE id = {id}"
    )


def test_the_orm_is_refused_as_well(people):
    record = closed(people)
    many = update(Interaction).where(Interaction.id == record.id).values(content="other")
    with pytest.raises(Conflict), records.transaction("tests"):
        db.session.execute(many)
    with pytest.raises(Conflict), records.transaction("tests"):
        record.content = "other"
        records.save(record, people.system)
    db.session.rollback()
    assert record.content == "Showed the catalogue"


def test_services_say_why_they_refuse(people):
    record = closed(people)
    for who in (people.ana, people.dev, people.system):
        with pytest.raises(Invalid, match="It was closed"), records.transaction("tests"):
            records.change(record, {"content": "other"}, who)
        with pytest.raises(Invalid, match="It was closed"), records.transaction("tests"):
            records.delete(record, who)


def test_a_bulk_edit_names_what_is_closed_and_changes_the_rest(people):
    record, still_open = closed(people, content="Done"), written(people)
    change = bulk_edits.Change(Interaction, "place", people.ana)
    ids = [record.id, still_open.id]
    done = bulk_edits.carry_out(change, ids, "Here", lambda: records.transaction("form"))
    assert done.changed == 1
    assert [(id, title) for id, title, _why in done.refused] == [(record.id, "Done")]
    assert "It was closed" in str(done.refused[0][2])
    assert still_open.place == "Here"


# The night.


def night(day):
    return run(JOBS["close_the_day"], day)


def told(user):
    db.session.rollback()
    kind = Notification.kind == "open_interactions"
    return list(
        db.session.scalars(select(Notification).where(Notification.user_id == user.id, kind))
    )


def test_what_is_open_is_listed_to_supervisors_once(people):
    written(people)
    written(people, author=people.cho)
    closed(people)
    tomorrow = zones.today() + timedelta(days=1)
    night(zones.today())
    assert told(people.ben) == []  # the day is not over
    night(tomorrow)
    night(tomorrow)
    [message] = told(people.ben)
    assert message.values["count"] == 1
    assert message.values["query"] == f"status.is=open&written_on.to={zones.today()}"
    assert told(people.dev)[0].values["count"] == 2
    assert [told(who) for who in (people.ana, people.cho, people.fay)] == [[], [], []]
    night(tomorrow + timedelta(days=5))  # after days off: once
    assert len(told(people.ben)) == 2


def test_nothing_is_closed_by_itself_unless_it_is_set(people, app):
    record, lacks = written(people), make(Interaction, author_id=people.ana.id)
    tomorrow = zones.today() + timedelta(days=1)
    night(tomorrow)
    assert record.closed_at is None
    app.config["CLOSE_AT_MIDNIGHT"] = True
    try:
        night(tomorrow)
        night(tomorrow)
    finally:
        app.config["CLOSE_AT_MIDNIGHT"] = False
    db.session.rollback()
    for one in (record, lacks):
        assert (one.closed_by_id, one.closed_late) == (people.system.id, True)


def test_what_is_written_today_stays_open_at_night(people, app):
    record = written(people)
    app.config["CLOSE_AT_MIDNIGHT"] = True
    try:
        night(zones.today())
    finally:
        app.config["CLOSE_AT_MIDNIGHT"] = False
    db.session.rollback()
    assert record.closed_at is None
    assert db.session.scalars(closing.open_of(people.ana)).all() == [record]


def test_closed_meetings_are_loaded_with_who_attended(people):
    customer = make(Customer)
    row = {
        "customer_id": customer.id, "content": "Met", "kind": "meeting",
        "happened_at": clock.now(), "author_id": people.ana.id, "closed_at": clock.now(),
        "closed_by_id": people.ana.id, "late": True, "written_on": date(2026, 1, 1),
        "colleagues": [people.ben.id],
    }  # fmt: skip
    plain = {k: v for k, v in row.items() if k != "colleagues"}
    with records.transaction("tests"):
        ids = loading.load(Interaction, [row, plain], people.system)
    first, second = (db.session.get(Interaction, id) for id in ids)
    assert first.colleagues == [people.ben]
    assert first.status == second.status == InteractionStatus.CLOSED_LATE
    assert first.closed_at == second.closed_at
    refused(f"DELETE FROM interactions WHERE id = {ids[0]}")


def test_no_file_reaches_it(people, app, tmp_path):
    record = closed(people)
    file = tmp_path / "interactions.csv"
    file.write_text(f"id,content\n{record.id},Something else\n", encoding="utf-8")
    done = app.test_cli_runner().invoke(args=["import", "interactions", str(file)])
    assert done.exit_code != 0
    db.session.rollback()
    db.session.expire_all()
    assert access.find(Interaction, record.id, people.system).content == "Showed the catalogue"


# At the same moment, and by back doors.


def by(name, act, id):
    """Return what does something to an interaction, as somebody in a session of their own."""

    def work():
        act(db.session.get(Interaction, id), organisation.by_username(name))
        return name

    return work


def change_place(record, actor):
    with records.transaction("tests"):
        records.change(record, {"place": "Elsewhere"}, actor)


def fail_it(record, actor):
    with records.transaction("tests"):
        reviews.give(
            Interaction, record.id, reviews.Verdict.FAILED, actor, version=1, reason="too_thin"
        )


def test_of_two_who_close_it_at_once_one_does(people, app):
    id = written(people).id
    db.session.rollback()
    ends = together(app, *[by("ana", close, id)] * 3)
    assert ends.count("ana") == 1, ends
    assert all(isinstance(end, (Conflict, Invalid)) for end in ends if end != "ana"), ends


def test_it_is_judged_as_it_was_read_though_its_author_closes_it_now(people, app):
    id = written(people).id
    db.session.rollback()
    ends = together(app, by("ana", close, id), by("ben", fail_it, id))
    assert ends[0] == "ana", ends
    assert ends[1] == "ben" or isinstance(ends[1], Conflict), ends
    assert db.session.get(Interaction, id).closed_at is not None


def test_what_is_closed_at_night_is_saved_before_or_not_at_all(people, app):
    record = written(people)
    id, tomorrow = record.id, zones.today() + timedelta(days=1)
    db.session.rollback()

    def at_night(record, actor):
        with records.transaction("job close_the_day"):
            closing.close_for(closing.open_after(tomorrow, 0), organisation.system(), tomorrow)

    ends = together(app, by("dev", at_night, id), by("ana", change_place, id))
    assert any(isinstance(end, str) for end in ends), ends
    assert all(isinstance(end, (str, Conflict, Invalid)) for end in ends), ends
    kept = db.session.get(Interaction, id)
    assert (kept.place == "Elsewhere") is (ends[1] == "ana")


def test_undoing_a_bulk_edit_leaves_what_was_closed_since(people):
    record = written(people)
    change = bulk_edits.Change(Interaction, "place", people.ana)
    done = bulk_edits.carry_out(change, [record.id], "Here", lambda: records.transaction("form"))
    assert done.changed == 1
    close(record, people.ana)
    id = record.id
    db.session.rollback()
    back = bulk_edits.undo(done.id, Interaction, people.ana, lambda: records.transaction("form"))
    assert (back.changed, len(back.refused)) == (0, 1)
    assert db.session.get(Interaction, id).place == "Here"


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_the_database_refuses_what_goes_round(recursive, people):
    record, other = closed(people), written(people)
    id, still_open = record.id, other.id
    db.session.rollback()
    one = f"WHERE interactions.id = {id}"
    refused(
        "UPDATE interactions SET content = o.content || 'x' "
        f"FROM interactions o {one} AND o.id = {still_open}"
    )
    refused(f"UPDATE interactions SET content = (SELECT 'x'), version = version {one}")
    refused(f"UPDATE interactions SET closed_at = NULL, content = 'x' {one}")
    names = [c.name for c in Interaction.__table__.columns]
    listed = ", ".join(names)
    if db.engine.dialect.name == "sqlite":
        refused(f"UPDATE interactions SET custom = json_set(custom, '$.a', 1) {one}")
        for key in (f"'{id}'", f"{id}.0", f"CAST({id} AS TEXT)"):
            values = ", ".join(key if n == "id" else n for n in names)
            refused(
                f"PRAGMA recursive_triggers = {recursive}",
                f"REPLACE INTO interactions ({listed}) SELECT {values} FROM interactions "
                f"WHERE id = {still_open}",
            )
        for row in ("rowid", "oid", "_rowid_"):
            values = ", ".join(str(id) if n == "id" else n for n in names)
            into = ", ".join(row if n == "id" else n for n in names)
            refused(f"REPLACE INTO interactions ({into}) SELECT {values} FROM interactions "
                    f"WHERE id = {still_open}")  # fmt: skip
    else:
        refused(f"UPDATE interactions SET custom = jsonb_set(custom, '{{a}}', '1') {one}")
        refused(f"WITH gone AS (DELETE FROM interactions {one} RETURNING id) SELECT * FROM gone")
        refused(f"MERGE INTO interactions USING (SELECT {id} AS k) s ON interactions.id = s.k "
                "WHEN MATCHED THEN UPDATE SET content = 'x'")  # fmt: skip
        refused("SET LOCAL search_path = pg_temp, public", f"DELETE FROM interactions {one}")
    if db.engine.dialect.name == "sqlite":
        let_through("PRAGMA recursive_triggers = OFF")  # connections are used again
