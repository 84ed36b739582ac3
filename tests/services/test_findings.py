"""Findings: written with the save that changes what is broken, and only then."""

from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import event, select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.models.rules import Rule
from crm_admin.services import findings, records, validation, zones
from tests.make import make


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


def of(record, field=None):
    """Return the findings of a record, or those about one of its fields, the oldest first."""
    db.session.rollback()
    statement = select(Finding).where(
        Finding.entity == record.__tablename__, Finding.record_id == record.id
    )
    found = db.session.scalars(statement.order_by(Finding.id)).all()
    return [one for one in found if field is None or one.rule.field_key == field]


def open_fields(record):
    return {one.rule.field_key for one in of(record) if one.fixed_at is None}


@pytest.fixture
def acme(people):
    """A customer of Ana's, which lacks most of what is asked for."""
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


@contextmanager
def written():
    """Note the statements of the block that are about findings, by their first word."""
    asked = []

    def note(_connection, _cursor, statement, *_):
        if "findings" in statement:
            asked.append(statement.split()[0])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_save_notes_what_is_lacking_and_who_puts_it_right(acme, people):
    [phone] = of(acme, "phone")
    assert (phone.found_on, phone.fixed_at) == (zones.today(), None)
    assert phone.found_at is not None
    change(acme, people.ana, phone="010-62345678")
    [phone] = of(acme, "phone")
    assert phone.fixed_at is not None
    assert phone.fixed_by_id == people.ana.id
    assert "fax" in open_fields(acme)
    change(acme, people.ana, phone=None)
    assert [one.fixed_at is None for one in of(acme, "phone")] == [False, True]


def test_a_save_asks_once_and_writes_only_what_differs(acme, people):
    with written() as asked:
        change(acme, people.ana, notes="Nothing of what is lacking.")
    assert asked == ["SELECT"]
    with written() as asked:
        change(acme, people.ana, phone="010-62345678", fax="010-62345679")
    assert asked == ["SELECT", "UPDATE"]
    with written() as asked:
        change(acme, people.ana, phone=None, fax=None, address="1 High Street")
    assert asked == ["SELECT", "UPDATE", "INSERT"]
    with written() as asked:
        make(Customer, name="New")
    assert asked == ["INSERT"], "a new record has none that could be asked for"


def test_what_is_refused_leaves_no_finding(acme, people):
    from crm_admin.errors import CrmError

    before = len(of(acme))
    with pytest.raises(CrmError):
        change(acme, people.cho, phone="010-62345678")
    assert len(of(acme)) == before
    assert of(acme, "phone")[0].fixed_at is None


def test_a_contact_puts_its_customer_right_for_whoever_adds_it(acme, people):
    assert "contacts" in open_fields(acme)
    with records.transaction("tests"):
        contact = Contact()
        records.change(contact, {"customer": acme, "name": "Li"}, people.ana)
    [finding] = of(acme, "contacts")
    assert finding.fixed_by_id == people.ana.id
    with records.transaction("tests"):
        records.delete(contact, people.system)
    assert "contacts" in open_fields(acme)


def test_the_bin_closes_findings_and_taking_back_finds_anew(acme, people):
    lacking = open_fields(acme)
    with records.transaction("tests"):
        records.delete(acme, people.dev)
    assert not open_fields(acme)
    assert {one.fixed_by_id for one in of(acme)} == {None}, "nobody has put anything right"
    with records.transaction("tests"):
        records.restore(acme, people.dev)
    assert open_fields(acme) == lacking


def test_a_rule_that_is_switched_off_closes_what_it_found(acme, people):
    asked = validation.rules_of("customers")
    [rule] = [r for r in asked if (r.field_key, r.kind) == ("phone", "required")]
    kept = db.session.get(Rule, rule.id)
    change(kept, people.dev, is_active=False)
    [finding] = of(acme, "phone")
    assert (finding.fixed_at is None, finding.fixed_by_id) == (False, None)
    assert "fax" in open_fields(acme)


def test_a_deleted_rule_closes_what_it_found(acme, people):
    rule = make(Rule, entity="customers", field_key="notes", kind="required")
    change(acme, people.ana, name="Acme & Co")
    assert "notes" in open_fields(acme)
    with records.transaction("tests"):
        records.delete(rule, people.dev)
    assert "notes" not in open_fields(acme)


def test_only_the_owner_has_seen_what_is_lacking(acme, people):
    contact = make(Contact, customer=acme, name="Li")
    assert not findings.unseen(people.ben, Customer, [acme.id])
    assert not findings.unseen(people.ben, Contact, [contact.id])
    ids = findings.unseen(people.ana, Customer, [acme.id])
    assert len(ids) == len(open_fields(acme))
    assert findings.unseen(people.ana, Contact, [contact.id]), "her customer's contact is hers"
    with records.transaction("session"):
        findings.see(ids)
    assert not findings.unseen(people.ana, Customer, [acme.id])
    assert all(one.seen_at for one in of(acme) if one.fixed_at is None)


def test_a_check_of_many_writes_only_differences(acme, people):
    [kept] = [{one.rule_id for one in of(acme) if one.fixed_at is None}]
    gone, *rest = sorted(kept)
    day = date(2026, 3, 9)
    with records.transaction("tests"):
        assert findings.refresh("customers", {acme.id: kept}, day, people.system) == 0
        assert findings.refresh("customers", {acme.id: rest}, day, people.system) == 1
        assert findings.refresh("customers", {acme.id: rest}, day, people.system) == 0
    [closed] = [one for one in of(acme) if one.rule_id == gone]
    assert closed.fixed_by_id == people.system.id
