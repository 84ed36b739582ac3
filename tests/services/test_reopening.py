"""Opening a closed interaction again: switched on, by two people, with a reason."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.audit import AuditEntry
from crm_admin.models.interactions import (
    Interaction,
    InteractionStatus,
    Reopening,
    ReopeningAnswer,
)
from crm_admin.models.notifications import Notification
from crm_admin.services import organisation, records, reopening
from tests.services.test_closing import close, closed
from tests.services.test_records import together


@pytest.fixture
def on(app):
    app.config["REOPENING"] = True
    yield
    app.config["REOPENING"] = False


def ask(record, actor, reason="The wrong customer"):
    with records.transaction("tests"):
        reopening.request(record, reason, actor)


def answer(record, actor, agreed=True):
    with records.transaction("tests"):
        reopening.answer(record, actor, agreed=agreed)


def test_it_is_off_unless_it_is_set(people, app):
    record = closed(people)
    with pytest.raises(Denied):
        ask(record, people.ana)
    assert not reopening.may_ask(record, people.ana)


def test_two_people_open_it_and_both_versions_stay(people, on):
    record = closed(people)
    ask(record, people.ana)
    assert reopening.pending(record).reason == "The wrong customer"
    with pytest.raises(Denied):
        answer(record, people.ana)
    answer(record, people.ben)
    assert (record.closed_at, record.status) == (None, InteractionStatus.OPEN)
    with records.transaction("tests"):
        records.change(record, {"content": "Something else"}, people.ana)
    close(record, people.ana)
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.entity == "interactions", AuditEntry.record_id == record.id)
        .order_by(AuditEntry.id)
    ).all()
    assert [e.action for e in entries] == [
        "created", "closed", "reopening asked", "reopened", "changed", "closed",
    ]  # fmt: skip
    assert entries[4].changes["content"] == ["Showed the catalogue", "Something else"]
    with pytest.raises(Invalid), records.transaction("tests"):
        records.change(record, {"content": "More"}, people.ana)


def test_who_asks_alone_gets_nowhere_even_with_the_right(people, on):
    record = closed(people)
    ask(record, people.ben)
    with pytest.raises(Denied, match="two"):
        answer(record, people.ben)
    answer(record, people.dev)
    assert record.closed_at is None


@pytest.mark.parametrize("who", ["ana", "cho", "eve", "fay"])
def test_who_has_no_right_does_not_agree(who, people, on):
    record = closed(people)
    ask(record, people.dev)
    with pytest.raises((Denied, Conflict)):
        answer(record, getattr(people, who))
    db.session.rollback()
    assert record.closed_at is not None


def test_a_refusal_leaves_it_closed_and_one_may_ask_again(people, on):
    record = closed(people)
    ask(record, people.ana)
    with pytest.raises(Invalid, match="already"):
        ask(record, people.ana)
    answer(record, people.ben, agreed=False)
    assert record.closed_at is not None
    with pytest.raises(Conflict):
        answer(record, people.ben)
    ask(record, people.ana, "Really")
    answer(record, people.ben)
    assert record.closed_at is None


def test_a_reason_is_needed(people, on):
    with pytest.raises(Invalid):
        ask(closed(people), people.ana, "  ")


def test_who_may_agree_is_told_and_who_asked_hears_of_it(people, on):
    record = closed(people)
    ask(record, people.ana)
    told = db.session.scalars(
        select(Notification.user_id).where(Notification.key.startswith("reopening:"))
    ).all()
    assert people.ben.id in told and people.dev.id in told
    assert not {people.ana.id, people.cho.id, people.eve.id} & set(told)
    answer(record, people.ben)
    keys = select(Notification.key).where(Notification.user_id == people.ana.id)
    assert any(key.endswith(":answer:inbox") for key in db.session.scalars(keys))


def test_what_was_closed_in_time_is_not_late_for_having_been_opened(people, on):
    record = closed(people)
    ask(record, people.ana)
    answer(record, people.ben)
    with records.transaction("tests"):
        record.written_on = record.written_on.replace(year=2025)
        records.save(record, people.system)
    assert not close(record, people.ana).closed_late


def refused(statement):
    db.session.rollback()
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        with pytest.raises(DBAPIError, match="stays as it is"):
            connection.execute(text(statement))
        connection.rollback()


def test_the_database_opens_only_what_two_agreed_to(people, on):
    record = closed(people)
    id, ana, ben = record.id, people.ana.id, people.ben.id
    opens = f"UPDATE interactions SET closed_at = NULL, status = 'open' WHERE id = {id}"
    refused(opens)
    ask(record, people.ana)
    refused(opens)

    def said(by, agreed):
        values = (
            "(reopening_id, by_id, agreed, created_at) "
            f"SELECT id, {by}, {agreed}, created_at FROM reopenings WHERE interaction_id = {id}"
        )
        with db.engine.connect().execution_options(crm_writes=True) as connection:
            connection.execute(text(f"INSERT INTO reopening_answers {values}"))
            connection.commit()

    said(ana, "true")  # who asked
    refused(opens)
    said(ben, "false")
    refused(opens)
    said(ben, "true")
    refused(opens.replace("status", "content = 'other', status"))
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        connection.execute(text(opens))
        connection.commit()
    close(db.session.get(Interaction, id), people.ana)
    refused(opens)  # it was about the closing before


def test_two_answers_at_once_are_one_and_the_asker_gets_no_further(people, app, on):
    record = closed(people)
    ask(record, people.ben)
    id = record.id
    db.session.rollback()

    def by(name):
        def work():
            answer(db.session.get(Interaction, id), organisation.by_username(name))
            return name

        return work

    ends = together(app, by("dev"), by("ben"), by("dev"), by("ben"))
    assert ends.count("dev") == 1
    assert "ben" not in ends
    assert all(isinstance(end, (Conflict, Denied)) for end in ends if end != "dev"), ends
    kept = db.session.scalars(select(ReopeningAnswer.by_id)).all()
    assert kept == [people.dev.id]


def test_two_who_ask_at_once_ask_once(people, app, on):
    record = closed(people)
    id = record.id
    db.session.rollback()

    def by(name):
        def work():
            ask(db.session.get(Interaction, id), organisation.by_username(name))
            return name

        return work

    ends = together(app, by("ana"), by("ben"), by("ana"))
    assert len([end for end in ends if isinstance(end, str)]) == 1, ends
    assert len(db.session.scalars(select(Reopening.id)).all()) == 1
