"""How complete records are, and what is told of it."""

import pytest

from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.rules import Rule, Severity
from crm_admin.services import completeness, records
from tests.make import make


def lacking(record):
    return [lack.field_key for lack in completeness.lacks([record])[0]]


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


def test_a_customer_is_as_complete_as_the_rules_ask(people):
    acme = make(Customer, name="Acme")
    missing = {"category", "industry", "phone", "fax", "contacts", "postal_code", "address"}
    assert set(lacking(acme)) == missing
    assert acme.completeness == 30  # seven of ten rules find nothing there
    before = acme.completeness
    change(acme, people.dev, phone="5")
    assert acme.completeness > before
    assert "phone" not in lacking(acme)


def test_a_contact_completes_its_customer_and_takes_that_back_when_it_goes(people):
    acme, other = make(Customer), make(Customer)
    before, version = acme.completeness, acme.version
    contact = make(Contact, customer=acme)
    assert acme.completeness > before
    change(contact, people.dev, customer=other)
    assert (acme.completeness, other.completeness > before) == (before, True)
    change(contact, people.dev, customer=acme)
    with records.transaction("tests"):
        records.delete(contact, people.dev)
    assert acme.completeness == before
    with records.transaction("tests"):
        records.restore(contact, people.dev)
    assert acme.completeness > before
    assert acme.version == version, "nobody's form of the customer is out of date for it"


def test_a_rule_asks_only_where_its_condition_holds(people):
    make(Rule, entity="customers", field_key="notes", kind="required", condition="grade=A")
    assert "notes" in lacking(make(Customer, grade="A"))
    assert "notes" not in lacking(make(Customer, grade="B"))


def test_a_rule_that_is_out_of_force_or_deleted_asks_nothing(people):
    rule = make(Rule, entity="customers", field_key="notes", kind="required")
    acme = make(Customer)
    assert "notes" in lacking(acme)
    change(rule, people.dev, is_active=False)
    assert "notes" not in lacking(acme)
    change(rule, people.dev, is_active=True)
    with records.transaction("tests"):
        records.delete(rule, people.dev)
    assert "notes" not in lacking(acme)


def test_a_rule_that_blocks_keeps_a_record_from_being_saved(people):
    from crm_admin.errors import Invalid

    blocking = {"severity": Severity.BLOCK, "message": "A number of five digits, please."}
    make(
        Rule, entity="customers", field_key="phone", kind="matches", parameter=r"\d{5}", **blocking
    )
    acme = make(Customer, phone="12345")
    with pytest.raises(Invalid, match="five digits"):
        change(acme, people.dev, phone="1234")
    change(acme, people.dev, phone=None)  # what is empty is another rule's matter
