"""Sharing a record: seen and changed by whom it was given to, for as long as it was given."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import Denied, Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.notifications import Notification
from crm_admin.services import access, history, organisation, records, sharing, zones
from tests.make import make


@pytest.fixture
def customer(people):
    return make(Customer, name="Shared", account_manager_id=people.ana.id)


def share(customer, user, by, *, may_edit=False, until_on=None):
    with records.transaction("tests"):
        sharing.share(customer, user.id, by, may_edit=may_edit, until_on=until_on)


def test_who_it_is_shared_with_sees_it_and_what_belongs_to_it_until_it_is_taken_back(
    people, customer
):
    """Source: S5, G6"""
    contact = make(Contact, name="Belongs", customer=customer)
    assert access.find(Customer, customer.id, people.cho) is None
    share(customer, people.cho, people.ana)
    for verb, may in (("view", True), ("export", True), ("lookup", True), ("edit", False),
                      ("delete", False), ("share", False)):  # fmt: skip
        assert (access.find(Customer, customer.id, people.cho, verb) is not None) is may, verb
    assert access.find(Contact, contact.id, people.cho) is not None
    told = db.session.scalars(select(Notification).where(Notification.kind == "share")).one()
    assert (told.user_id, told.values["record"]) == (people.cho.id, "Shared")
    [kept] = sharing.of(customer)
    with records.transaction("tests"):
        sharing.withdraw(customer, kept.id, people.ana)
        sharing.withdraw(customer, kept.id, people.ana)
    assert access.find(Customer, customer.id, people.cho) is None
    assert access.find(Contact, contact.id, people.cho) is None
    actions = [entry.action for entry in history.of(customer, people.ana)]
    assert actions[:2] == ["share withdrawn", "shared"]


def test_it_may_be_given_to_be_changed_and_again_on_other_terms(people, customer):
    share(customer, people.cho, people.ana, may_edit=True)
    with records.transaction("tests"):
        records.change(customer, {"city": "Xi'an"}, people.cho)
    share(customer, people.cho, people.ana)
    assert len(sharing.of(customer)) == 1
    assert access.find(Customer, customer.id, people.cho, "edit") is None
    assert access.find(Customer, customer.id, people.cho) is not None


def test_it_ends_with_its_last_day(people, customer, monkeypatch):
    last = zones.today() + timedelta(days=3)
    share(customer, people.cho, people.ana, until_on=last)
    for day, sees in ((last, True), (last + timedelta(days=1), False)):
        monkeypatch.setattr(zones, "today", lambda day=day: day)
        db.session.rollback()
        assert (access.find(Customer, customer.id, people.cho) is not None) is sees


def test_nobody_shares_what_is_not_theirs_to_share_nor_more_than_they_may(people, customer):
    with pytest.raises(Denied):
        share(customer, people.cho, people.cho)
    share(customer, people.cho, people.ana)
    with pytest.raises(Denied):
        share(customer, people.ben, people.cho)
    with pytest.raises(Denied), records.transaction("tests"):
        sharing.withdraw(customer, sharing.of(customer)[0].id, people.cho)
    role = organisation.role("sales")
    with records.transaction("tests"):
        records.change(
            role,
            {"grants": {"customers": {"view": "own", "share": "own"}, "users": {"lookup": "all"}}},
            people.dev,
        )
    with pytest.raises(Denied):
        share(customer, people.cho, people.ana, may_edit=True)


def test_it_is_shared_with_somebody_who_may_see_such_records(people, customer):
    role = organisation.role("auditor")
    with records.transaction("tests"):
        records.change(role, {"grants": {"contacts": {"view": "all"}}}, people.dev)
    for user in (people.fay, people.ana, people.system):
        with pytest.raises(Invalid):
            share(customer, user, people.ana)
    with pytest.raises(Invalid):
        share(customer, people.cho, people.ana, until_on=zones.today() - timedelta(days=1))
    assert sharing.of(customer) == []


def test_who_has_the_narrowest_scope_sees_nothing_but_what_was_shared(people, customer):
    make(Customer, name="Of Cho", account_manager_id=people.cho.id)
    role = organisation.role("sales")
    with records.transaction("tests"):
        records.change(role, {"grants": {"customers": {"view": "shared"}}}, people.dev)
        people.ana.roles = [organisation.role("administrator")]
        records.save(people.ana, people.system)
    seen = lambda: [c.name for c in access.fetch(access.visible(Customer, people.cho))]  # noqa: E731
    assert seen() == []
    share(customer, people.cho, people.ana)
    assert seen() == ["Shared"]
