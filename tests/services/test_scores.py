"""Daily scores: kept once, added up by department, and shown to who sees all behind them."""

from datetime import date

import pytest

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.findings import DailyScore
from crm_admin.models.roles import Role
from crm_admin.services import organisation, records, scores
from tests.make import make

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)


def keep(day=MONDAY, model=Customer):
    with records.transaction("tests"):
        return scores.keep(model, day)


def line(actor, person, model=Customer):
    found = scores.person(actor, model, person.id, MONDAY, TUESDAY)
    return [(p.day, p.records, p.complete, p.percent) for p in found]


def departments(actor, *codes, model=Customer):
    names = {organisation.department(code).id: code for code in codes}
    found = scores.of_departments(actor, model, MONDAY, TUESDAY, names)
    return {one.name: [(p.records, p.percent) for p in one.points] for one in found}


@pytest.fixture
def firms(people):
    """Two customers of Ana's and one of Cho's: 30 of 100 each, one of Ana's 60."""
    full = {"phone": "010-62345678", "fax": "010-62345679", "address": "1 High Street"}
    return [
        make(Customer, name="One", account_manager_id=people.ana.id),
        make(Customer, name="Two", account_manager_id=people.ana.id, **full),
        make(Customer, name="Three", account_manager_id=people.cho.id),
        make(Customer, name="Of nobody"),
    ]


def test_a_day_is_kept_once(firms, people):
    assert keep() == 2
    with records.transaction("tests"):
        records.change(firms[0], {"phone": "010-62345678"}, people.ana)
    assert keep() == 0, "a second run of the day changes nothing"
    assert line(people.ben, people.ana) == [(MONDAY, 2, 0, 31)]
    assert keep(TUESDAY) == 2
    assert line(people.ben, people.ana) == [(MONDAY, 2, 0, 31), (TUESDAY, 2, 0, 37)]


def test_contacts_count_for_whom_their_customer_belongs_to(firms, people):
    make(Contact, customer=firms[0], name="Li", job_title="Buyer", phone="010-62345678")
    assert keep(model=Contact) == 1
    assert line(people.ben, people.ana, Contact) == [(MONDAY, 1, 1, 100)]


def test_departments_add_up_what_is_below_them(firms, people):
    keep()
    assert departments(people.dev, "HQ", "north", "south") == {
        "HQ": [(3, 24)],
        "north": [(2, 31)],
        "south": [(1, 12)],
    }


def test_figures_are_shown_to_who_sees_all_behind_them(firms, people):
    keep()
    assert departments(people.ben, "HQ", "north", "south") == {"north": [(2, 31)]}
    assert departments(people.ana, "HQ", "north", "south") == {}
    assert line(people.ben, people.cho) == []
    assert line(people.ana, people.ana) == [(MONDAY, 2, 0, 31)], "one's own are one's own"
    assert line(people.ana, people.ben) == []
    assert line(people.cho, people.ana) == []


@pytest.mark.parametrize("key", ["completeness", "account_manager_id"])
def test_nobody_is_shown_figures_of_what_they_do_not_see(firms, people, key):
    keep()
    supervisor = organisation.role("supervisor")
    with records.transaction("tests"):
        role = db.session.get(Role, supervisor.id)
        records.change(role, {"fields": {"customers": {key: "hidden"}}}, people.dev)
    assert departments(people.ben, "north") == {}
    assert line(people.ben, people.ana) == []
    assert departments(people.dev, "north") == {"north": [(2, 31)]}


def test_a_right_that_holds_for_some_records_only_shows_no_figures(firms, people):
    keep()
    with records.transaction("tests"):
        role = db.session.get(Role, organisation.role("supervisor").id)
        records.change(role, {"conditions": {"customers": {"view": "grade = 'A'"}}}, people.dev)
    assert departments(people.ben, "north") == {}


def test_who_was_in_the_department_then_counts_for_it(firms, people):
    keep()
    with records.transaction("tests"):
        records.change(people.ana, {"department": organisation.department("south")}, people.dev)
    keep(TUESDAY)
    assert departments(people.dev, "north", "south") == {
        "north": [(2, 31)],
        "south": [(1, 12), (3, 24)],
    }
    assert db.session.query(DailyScore).count() == 4
