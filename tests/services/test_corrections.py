"""Corrections: what is said of a closed interaction afterwards, beside it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.services import corrections, records
from tests.services.test_closing import closed, written


def add(record, words, actor):
    with records.transaction("tests"):
        corrections.add(record, words, actor)


def test_who_sees_it_and_writes_interactions_may_correct_it(people):
    record = closed(people)
    add(record, " It was Tuesday. ", people.ana)
    add(record, "And in Beijing.", people.ben)
    said = corrections.of(record, people.ana)
    assert [(one.by, one.text) for one in said] == [
        ("Ana", "It was Tuesday."),
        ("Ben", "And in Beijing."),
    ]
    assert record.content == "Showed the catalogue"


def test_others_may_not(people):
    record = closed(people)
    with pytest.raises(Conflict):  # not there for them
        add(record, "x", people.cho)
    with pytest.raises(Denied):
        add(record, "x", people.fay)
    assert corrections.of(record, people.ana) == []


def test_what_is_open_is_changed_and_nothing_is_no_correction(people):
    with pytest.raises(Invalid, match="still open"):
        add(written(people), "x", people.ana)
    with pytest.raises(Invalid, match="Say what"):
        add(closed(people), "  ", people.ana)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE corrections SET text = 'other'",
        "DELETE FROM corrections",
        "REPLACE INTO corrections (id, interaction_id, author_id, text, created_at) "
        "SELECT id, interaction_id, author_id, 'other', created_at FROM corrections",
        "TRUNCATE corrections",
    ],
)
def test_the_database_refuses_to_change_a_correction(change, people):
    add(closed(people), "It was Tuesday.", people.ana)
    if change.startswith("REPLACE" if db.engine.dialect.name == "postgresql" else "TRUNCATE"):
        pytest.skip("the other database says it so")
    db.session.rollback()
    with db.engine.connect().execution_options(crm_writes=True) as connection:
        with pytest.raises(DBAPIError, match="cannot be changed"):
            connection.execute(text(change))
        connection.rollback()
