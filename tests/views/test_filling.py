"""Filling in what a record lacks: only those fields, and nothing typed is lost."""

import pytest

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.models.interactions import Interaction
from crm_admin.models.roles import Role
from crm_admin.models.rules import Rule, Severity
from crm_admin.services import organisation, records
from tests.make import make
from tests.pages import form_of, words_of

MARKED = "data-record-form"


def address(record, **more):
    arguments = "".join(f"&{key}={value}" for key, value in more.items())
    return f"/{record.__tablename__}/fill/?id={record.id}{arguments}"


def typed(page, values):
    """Return what the page's form sends when this is typed into it."""
    form = form_of(page)
    form |= values
    return form


def fields(page):
    return set(form_of(page)) - {"csrf_token", "fields", "url", "version"}


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


@pytest.fixture
def acme(people):
    return make(
        Customer, name="Acme", account_manager_id=people.ana.id, phone="010-62345678",
        category="direct",
    )  # fmt: skip


def test_the_form_has_only_what_is_missing_and_saves_it(acme, people, client_of):
    client = client_of(people.ana)
    page = client.get(address(acme))
    assert fields(page) == {"industry", "fax", "postal_code", "address"}
    assert f"/contacts/new/?customer={acme.id}" in page.text
    form = typed(page, {"fax": "010-62345679", "url": "/completeness/mine/"})
    answer = client.post(address(acme), data=form)
    assert (answer.status_code, answer.location) == (302, "/completeness/mine/")
    assert acme.fax == "010-62345679"
    [finding] = [f for f in db.session.query(Finding).all() if f.rule.field_key == "fax"]
    assert finding.fixed_by_id == people.ana.id
    assert "fax" not in fields(client.get(address(acme)))


def test_what_is_refused_is_said_beside_its_field_and_nothing_is_lost(acme, people, client_of):
    make(
        Rule, entity="customers", field_key="postal_code", kind="matches", parameter=r"\d{6}",
        severity=Severity.BLOCK, message_en="Six digits, please.",
    )  # fmt: skip
    client = client_of(people.ana)
    form = typed(client.get(address(acme)), {"postal_code": "12", "fax": "010-62345679"})
    page = client.post(address(acme), data=form)
    assert page.status_code == 200
    assert "Six digits, please." in words_of(page)
    kept = form_of(page)
    assert (kept["postal_code"], kept["fax"]) == ("12", "010-62345679")
    assert acme.fax is None
    answer = client.post(address(acme), data=typed(page, {"postal_code": "100080"}))
    assert answer.status_code == 302
    assert (acme.postal_code, acme.fax) == ("100080", "010-62345679")


def test_who_was_overtaken_is_told_and_keeps_what_they_typed(acme, people, client_of):
    client = client_of(people.ana)
    form = typed(client.get(address(acme)), {"fax": "010-62345679"})
    change(acme, people.dev, fax="010-99999999")
    page = client.post(address(acme), data=form)
    assert page.status_code == 200
    assert "010-99999999" in page.text
    kept = form_of(page)
    assert kept["fax"] == "010-62345679", "the field stays, although it is filled in by now"
    assert acme.fax == "010-99999999"
    assert client.post(address(acme), data=kept).status_code == 302
    assert acme.fax == "010-62345679"


def test_a_field_that_one_may_not_write_is_named_but_not_asked_for(acme, people, client_of):
    with records.transaction("tests"):
        role = db.session.get(Role, organisation.role("sales").id)
        limits = {"customers": {"fax": "read", "postal_code": "hidden"}}
        records.change(role, {"fields": limits}, people.dev)
    client = client_of(people.ana)
    page = client.get(address(acme))
    assert fields(page) == {"industry", "address"}
    assert "Fax" in words_of(page)
    assert "Postal code" not in words_of(page)
    form = typed(page, {"fields": "fax,address", "fax": "1", "address": "1 High Street"})
    assert client.post(address(acme), data=form).status_code == 302
    assert (acme.fax, acme.address) == (None, "1 High Street")


def test_a_contact_is_chosen_among_the_customers_own(people, client_of):
    acme = make(Customer, account_manager_id=people.ana.id)
    talk = make(Interaction, customer=acme, author_id=people.ana.id)
    make(Contact, customer=acme, name="Li")
    make(Contact, customer=make(Customer, account_manager_id=people.ana.id), name="Wu")
    page = client_of(people.ana).get(address(talk))
    assert f"/interactions/ajax/lookup/?name=contact&amp;within={acme.id}" in page.text


def test_nothing_is_asked_of_a_record_that_lacks_nothing(people, client_of):
    make(Rule, entity="customers", field_key="notes", kind="required", condition="grade = 'A'")
    user = people.dev
    page = client_of(people.dev).get(f"/users/fill/?id={user.id}")
    assert "Nothing is missing" in words_of(page)


def test_who_may_not_edit_is_refused_and_who_does_not_see_finds_nothing(acme, people, client_of):
    assert client_of(people.fay).get(address(acme)).status_code == 403
    assert client_of(people.cho).get(address(acme)).status_code == 404
    assert client_of(people.cho).post(address(acme), data={"fax": "1"}).status_code == 404
    assert client_of(people.ben).get(address(acme)).status_code == 200


def test_a_records_page_leads_to_just_what_is_missing(acme, people, client_of):
    page = client_of(people.ana).get(f"/customers/details/?id={acme.id}")
    assert f"/customers/fill/?id={acme.id}" in page.text
    assert f"/customers/fill/?id={acme.id}#fax" in page.text
    shown = client_of(people.fay).get(f"/customers/details/?id={acme.id}")
    assert f"/customers/fill/?id={acme.id}" not in shown.text


def test_only_the_owners_look_counts_as_seen(acme, people, client_of):
    def seen():
        db.session.rollback()
        return {f.seen_at is not None for f in db.session.query(Finding).filter_by(fixed_at=None)}

    client_of(people.ben).get(f"/customers/details/?id={acme.id}")
    assert seen() == {False}
    client_of(people.ana).get(f"/customers/details/?id={acme.id}")
    assert seen() == {True}
