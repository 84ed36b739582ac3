"""How complete records are, and what is told of it."""

from datetime import date

import pytest

from crm_admin.database import db
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
    assert acme.completeness == 12  # one of eight things is there
    before = acme.completeness
    change(acme, people.dev, phone="010-65551234")
    assert acme.completeness > before
    assert "phone" not in lacking(acme)


def test_a_value_that_is_wrong_is_as_good_as_none(people):
    acme, phone = make(Customer, name="Acme"), "010-65551234"
    change(acme, people.dev, phone=phone)
    filled = acme.completeness
    for wrong in ("12", "00000000"):
        change(acme, people.dev, phone=wrong)
        assert "phone" in lacking(acme)
        assert acme.completeness == 12
    change(acme, people.dev, phone=phone)
    assert acme.completeness == filled
    twin = make(Customer, name="Twin", phone=phone)
    assert "phone" in lacking(twin), "two customers with one number are pointed out"
    assert twin.completeness == filled, "which need not be wrong"


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
    make(Rule, entity="customers", field_key="notes", kind="required", condition="grade = 'A'")
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

    blocking = {"severity": Severity.BLOCK, "message_en": "A number of five digits, please."}
    make(
        Rule, entity="customers", field_key="phone", kind="matches", parameter=r"\d{5}", **blocking
    )
    acme = make(Customer, phone="12345")
    with pytest.raises(Invalid, match="five digits"):
        change(acme, people.dev, phone="1234")
    change(acme, people.dev, phone=None)  # what is empty is another rule's matter


def test_a_rule_that_blocks_stops_only_who_asked(people):
    """What follows by itself goes on: nobody is there to fill in the field."""
    from crm_admin.jobs import JOBS, run
    from crm_admin.models.contracts import Contract, ContractStatus, RenewalPolicy

    ended = make(
        Contract,
        status=ContractStatus.ACTIVE,
        renewal_policy=RenewalPolicy.LAPSE,
        starts_on=date(2025, 1, 1),
        ends_on=date(2026, 1, 1),
    )
    first = make(Contact, customer=ended.customer, is_primary=True)
    for entity, field in (("contracts", "signed_on"), ("contacts", "im")):
        make(Rule, entity=entity, field_key=field, kind="required", severity=Severity.BLOCK)
    assert run(JOBS["end_contracts"], date(2026, 1, 2)).count == 1
    db.session.rollback()
    assert ended.status == ContractStatus.NOT_RENEWED
    with records.transaction("tests"):
        values = {"customer": ended.customer, "name": "New", "is_primary": True, "im": "new"}
        records.change(Contact(), values, people.dev)
    db.session.rollback()
    assert not first.is_primary


@pytest.mark.parametrize(
    ("values", "beside"),
    [
        ({"kind": "related", "parameter": "interactions", "entity": "contracts"}, "parameter"),
        ({"kind": "related", "parameter": "customers", "entity": "contacts"}, "parameter"),
        ({"kind": "required", "condition": "colour = 'red'"}, "condition"),
        ({"kind": "required", "condition": "grade"}, "condition"),
        ({"kind": "required", "field_key": "colour"}, "field_key"),
        ({"kind": "matches", "parameter": "("}, "parameter"),
    ],
    ids=["not its own", "the wrong way round", "no such field", "no value", "no field", "pattern"],
)
def test_a_rule_that_could_not_be_judged_is_refused(people, values, beside):
    from crm_admin.errors import Invalid

    rule = {"entity": "customers", "field_key": "phone", "severity": Severity.WARN} | values
    with pytest.raises(Invalid) as refused, records.transaction("tests"):
        records.change(Rule(), rule, people.dev)
    assert [problem.field for problem in refused.value.problems] == [beside]


def test_a_pattern_cannot_keep_anybody_waiting(people):
    from crm_admin.services import validation

    make(Rule, entity="customers", field_key="phone", kind="matches", parameter=r"(a|aa)+b")
    acme = make(Customer, phone="a" * 60)
    [rule] = [r for r in validation.rules_of("customers") if r.kind == "matches"]
    assert rule in validation.broken([acme])[0]
