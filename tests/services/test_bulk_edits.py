"""Changing one field of many records: within rights, refused ones named, taken back as one."""

import pytest

from crm_admin.database import db
from crm_admin.errors import Denied
from crm_admin.models.customers import Customer
from crm_admin.models.rules import Rule
from crm_admin.services import bulk_edits, listing, organisation, records
from tests.make import make


def transaction():
    return records.transaction("bulk-edit")


def change(people, ids, key, value, who="ana"):
    asked = bulk_edits.Change(Customer, key, getattr(people, who))
    return bulk_edits.carry_out(asked, ids, value, transaction)


@pytest.fixture
def mine(people):
    """Three customers of Ana's and one of Cho's, in cities of their own."""
    ana, cho = people.ana.id, people.cho.id
    owners = [ana, ana, ana, cho]
    return [
        make(Customer, name=f"C{n}", city=f"City {n}", account_manager_id=owner).id
        for n, owner in enumerate(owners)
    ]


def cities():
    db.session.rollback()
    return [c.city for c in db.session.query(Customer).order_by(Customer.id)]


def test_each_record_within_reach_gets_the_value_and_has_it_in_its_history(people, mine):
    outcome = change(people, mine, "city", "Xi'an")
    assert (outcome.changed, outcome.same, outcome.refused) == (3, 0, [])
    assert cities() == ["Xi'an", "Xi'an", "Xi'an", "City 3"]
    again = change(people, mine, "city", "Xi'an")
    assert (again.changed, again.same, again.id) == (0, 3, 0)


def test_it_is_taken_back_as_one_but_for_what_was_changed_since(people, mine):
    outcome = change(people, mine, "city", "Xi'an")
    with records.transaction("tests"):
        records.change(db.session.get(Customer, mine[1]), {"city": "Later"}, people.ana)
    assert bulk_edits.undo(outcome.id, Customer, people.cho, transaction) is None
    back = bulk_edits.undo(outcome.id, Customer, people.ana, transaction)
    assert (back.changed, [id for id, *_ in back.refused]) == (2, [mine[1]])
    assert cities() == ["City 0", "Later", "City 2", "City 3"]
    assert bulk_edits.undo(outcome.id, Customer, people.ana, transaction) is None


def test_values_of_every_kind_come_back_as_they_were(people, mine):
    from datetime import date
    from decimal import Decimal

    with records.transaction("tests"):
        customer = db.session.get(Customer, mine[0])
        values = {"credit_limit": Decimal("12.30"), "next_contact_on": date(2026, 2, 28)}
        records.change(customer, values | {"parent_id": mine[1]}, people.ana)
    for key, value in (("credit_limit", Decimal(5)), ("next_contact_on", None), ("parent", None)):
        outcome = change(people, mine[:1], key, value)
        assert outcome.changed == 1, key
        bulk_edits.undo(outcome.id, Customer, people.ana, transaction)
    db.session.rollback()
    customer = db.session.get(Customer, mine[0])
    assert customer.credit_limit == Decimal("12.30")
    assert customer.next_contact_on == date(2026, 2, 28)
    assert customer.parent_id == mine[1]


def test_what_is_refused_is_named_and_the_others_are_changed(people, mine):
    make(Rule, entity="customers", field_key="city", kind="matches", parameter="City.*",
         severity="block", condition=None)  # fmt: skip
    with records.transaction("tests"):
        people.ana.roles = [organisation.role("sales")]
    outcome = change(people, mine, "parent_id", mine[0])
    assert outcome.changed == 2
    [(id, title, why)] = outcome.refused
    assert (id, title) == (mine[0], "C0")
    assert "cannot belong to itself" in str(why)
    blocked = change(people, mine[:2], "city", "Elsewhere")
    assert (blocked.changed, len(blocked.refused)) == (0, 2)
    assert cities()[:2] == ["City 0", "City 1"]


def test_a_field_that_is_not_theirs_to_change_stays(people, mine):
    role = organisation.role("sales")
    with records.transaction("tests"):
        records.change(role, {"fields": {"customers": {"city": "read"}}}, people.dev)
    for key, value in (("city", "x"), ("account_manager_id", people.cho.id), ("number", "C-9")):
        outcome = change(people, mine[:1], key, value)
        assert (outcome.changed, len(outcome.refused)) == (0, 1), key


def test_it_needs_a_right_of_its_own_for_each_of_them(people, mine):
    role = organisation.role("sales")
    grants = {"customers": {"view": "all", "edit": "all", "bulk_edit": "own"}}
    with records.transaction("tests"):
        records.change(role, {"grants": grants}, people.dev)
    assert bulk_edits.within(Customer, people.ana, mine) == set(mine[:3])
    found = bulk_edits.of_list(Customer, people.ana, listing.Question(search="C3"))
    assert list(found) == []
    with records.transaction("tests"):
        records.change(role, {"grants": {"customers": {"view": "all", "edit": "all"}}}, people.dev)
    with pytest.raises(Denied):
        change(people, mine, "city", "x")
    assert cities()[3] == "City 3"
