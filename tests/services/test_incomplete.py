"""Incomplete records: one's own, and those of the people one supervises."""

import pytest

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.roles import Role
from crm_admin.services import completeness, incomplete, organisation, records
from crm_admin.services.incomplete import Whose
from tests.make import make
from tests.sweeps.test_queries import counted

ALL = {
    "category": "direct", "industry": "software", "phone": "010-62345678",
    "fax": "010-62345679", "postal_code": "100080", "address": "1 High Street",
}  # fmt: skip


@pytest.fixture
def firms(people):
    """Ana's customers, one of which lacks nothing but a heavy thing; and one of Cho's."""
    return [
        make(Customer, name="Empty", account_manager_id=people.ana.id),
        make(Customer, name="Half", account_manager_id=people.ana.id, phone="010-62345678"),
        make(Customer, name="Cho's", account_manager_id=people.cho.id),
        make(Customer, name="Nobody's"),
    ]


def own(actor, model=Customer, *, easiest=False):
    rows = incomplete.own_page(actor, model, easiest=easiest, offset=0, limit=20)
    return [row.title for row in rows]


def test_ones_own_come_worst_first_or_easiest_first(firms, people):
    assert own(people.ana) == ["Empty", "Half"]
    assert own(people.ana, easiest=True) == ["Half", "Empty"]
    assert own(people.cho) == ["Cho's"]
    assert own(people.ben) == [], "what he supervises is not his own"
    assert incomplete.own_count(people.ana, Customer) == 2


def test_the_contacts_of_ones_own_customers_are_ones_own(firms, people):
    make(Contact, customer=firms[0], name="Li")
    make(Contact, customer=firms[2], name="Wu")
    assert own(people.ana, Contact) == ["Li"]
    assert own(people.cho, Contact) == ["Wu"]


def test_what_is_whole_is_not_among_them(people):
    make(Customer, name="Lacking", account_manager_id=people.ana.id)
    whole = make(Customer, name="Whole", account_manager_id=people.ana.id, **ALL)
    assert own(people.ana) == ["Lacking", "Whole"], "the contact is still missing"
    make(Contact, customer=whole, name="Li")
    assert not completeness.lacks([whole])[0]
    assert own(people.ana) == ["Lacking"]


def test_the_first_page_is_told_how_many_and_the_worst_in_one_statement(firms, people):
    make(Contact, customer=firms[0], name="Li")
    incomplete.mine(people.ana)
    with counted(1):
        mine = incomplete.mine(people.ana)
    assert mine.count == 3
    assert next((one.entity, one.title) for one in mine.worst) in {
        ("customers", "Empty"),
        ("contacts", "Li"),
    }
    assert [one.percent for one in mine.worst] == sorted(one.percent for one in mine.worst)
    assert incomplete.mine(people.fay).count == 0


def test_who_does_not_see_the_percentage_has_no_such_page(firms, people):
    assert Customer in incomplete.own_entities(people.ana)
    with records.transaction("tests"):
        role = db.session.get(Role, organisation.role("sales").id)
        records.change(role, {"fields": {"customers": {"completeness": "hidden"}}}, people.dev)
    assert Customer not in incomplete.own_entities(people.ana)
    assert Contact in incomplete.own_entities(people.ana)


def test_a_supervisor_asks_for_a_person_or_a_department(firms, people):
    def titles(actor, whose):
        rows = incomplete.page(actor, Customer, whose, offset=0, limit=20)
        return {row.title for row in rows}

    north, south = (organisation.department(code).id for code in ("north", "south"))
    assert titles(people.dev, Whose()) == {"Empty", "Half", "Cho's", "Nobody's"}
    assert titles(people.dev, Whose(department=north)) == {"Empty", "Half"}
    assert titles(people.dev, Whose(person=people.cho.id)) == {"Cho's"}
    assert titles(people.ben, Whose(department=south)) == set()
    assert incomplete.count(people.dev, Customer, Whose(department=south)) == 1
    assert [p.name for p in incomplete.people(people.ben, Customer, Whose())] == ["Ana"]


def test_people_are_known_by_their_customers_contacts_too(firms, people):
    make(Contact, customer=firms[0], name="Li")
    [ana] = incomplete.people(people.ben, Contact, Whose())
    assert (ana.id, ana.incomplete) == (people.ana.id, 1)
