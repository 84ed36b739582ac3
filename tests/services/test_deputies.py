"""Standing in for somebody: their rights, from the first day to the last, and no more."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Denied, Invalid
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.notifications import Notification
from crm_admin.models.sharing import Deputy
from crm_admin.models.users import User
from crm_admin.services import access, organisation, records
from tests.make import make

FROM, UNTIL = date(2026, 3, 2), date(2026, 3, 6)


@pytest.fixture
def on(monkeypatch):
    """Return a function that makes it noon of a day."""

    def day(of):
        noon = datetime(of.year, of.month, of.day, 12, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda: noon)
        db.session.rollback()

    return day


def name(deputy, person, by, **values):
    values = {"occasion": "Holiday", "from_on": FROM, "until_on": UNTIL} | values
    with records.transaction("tests"):
        record = Deputy()
        records.change(record, {"person": person, "deputy": deputy, **values}, by)
    return record


def test_a_deputy_has_anothers_rights_on_anothers_records_between_two_days(people, on):
    """Source: S5"""
    theirs = make(Customer, name="Theirs", account_manager_id=people.ana.id)
    contract = make(Contract, customer=theirs, owner_id=people.ana.id)
    on(FROM)
    name(people.cho, people.ana, people.ana)
    for day, stands_in in (
        (date(2026, 3, 1), False),
        (FROM, True),
        (UNTIL, True),
        (date(2026, 3, 7), False),
    ):
        on(day)
        for verb in ("view", "edit", "export", "lookup", "share"):
            found = access.find(Customer, theirs.id, people.cho, verb)
            assert (found is not None) is stands_in, (day, verb)
        assert (access.find(Contract, contract.id, people.cho) is not None) is stands_in
        assert access.find(Customer, theirs.id, people.ana) is not None


def test_rights_go_with_the_person_whose_they_are(people, on):
    """A verb that only the deputy has does not reach the records of whom they stand in for."""
    theirs = make(Customer, name="Theirs", account_manager_id=people.ana.id)
    own = make(Customer, name="Own", account_manager_id=people.ben.id)
    on(FROM)
    name(people.ana, people.ben, people.ben)
    assert access.find(Customer, own.id, people.ana, "assign") is not None
    assert access.find(Customer, theirs.id, people.ana, "assign") is not None, "as Ben may"
    on(date(2026, 4, 1))
    assert access.find(Customer, theirs.id, people.ana, "assign") is None


def test_who_is_gone_lends_no_rights(people, on):
    theirs = make(Customer, name="Theirs", account_manager_id=people.ana.id)
    on(FROM)
    name(people.cho, people.ana, people.ana)
    assert access.find(Customer, theirs.id, people.cho) is not None
    with records.transaction("tests"):
        records.change(people.ana, {"is_active": False}, people.dev)
    assert access.find(Customer, theirs.id, people.cho) is None


def test_standing_in_is_not_handed_on_nor_lengthened_by_the_deputy(people, on):
    on(FROM)
    made = name(people.cho, people.ana, people.ana)
    name(people.eve, people.cho, people.cho)
    theirs = make(Customer, name="Theirs", account_manager_id=people.ana.id)
    assert access.find(Customer, theirs.id, people.cho) is not None
    assert not any(
        g.person.id == people.ana.id for g in access.grants_of(people.eve, "view", Customer)
    )
    assert access.find(Deputy, made.id, people.cho, "edit") is None
    with pytest.raises(Denied):
        name(people.cho, people.ana, people.cho, until_on=date(2027, 1, 1))


def test_nobody_names_a_deputy_for_who_has_more_rights(people, on):
    on(FROM)
    with pytest.raises(Denied):
        name(people.cho, people.dev, people.ben)
    assert name(people.cho, people.ana, people.ben).id, "a supervisor does for their people"
    assert not access.covers(people.cho, _rights("administrator"))
    name(people.cho, people.dev, people.dev)
    assert access.allows(people.cho, "edit", User), "they do the administrator's work"
    assert not access.covers(people.cho, _rights("administrator")), "but hand no right on"


def _rights(code):
    from crm_admin.services import role_rights

    return role_rights.of(organisation.role(code))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"until_on": date(2026, 3, 1)}, "until_on"),
        ({"deputy": "ana"}, "deputy_id"),
        ({"deputy": "gone"}, "deputy_id"),
    ],
)
def test_a_deputy_must_be_somebody_else_who_may_sign_in(people, on, values, field):
    on(FROM)
    make(User, name="Gone", username="gone", is_active=False)
    deputy = organisation.by_username(values.pop("deputy", "cho"))
    with pytest.raises(Invalid) as refused:
        name(deputy, people.ana, people.ana, **values)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_who_stands_in_is_told_so(people, on):
    on(FROM)
    name(people.cho, people.ana, people.ana)
    told = db.session.scalars(select(Notification).where(Notification.kind == "deputy")).one()
    assert told.user_id == people.cho.id
    assert told.values == {"person": "Ana", "from_on": "2026-03-02", "until_on": "2026-03-06"}
