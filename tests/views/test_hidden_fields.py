"""Ways by which a hidden field could be told after all: rules, other roles, order, other ends."""

from datetime import UTC, datetime

import pytest

from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense
from crm_admin.models.roles import Role
from crm_admin.models.rules import Rule, Severity
from crm_admin.services import access, organisation, records
from tests.make import make
from tests.pages import form_of, words_of


def limit(people, entity, **fields):
    role = organisation.role("administrator")
    with records.transaction("tests"):
        records.change(role, {"fields": {entity: fields}}, people.system)


@pytest.mark.parametrize("word", ["hidden", "masked"])
def test_a_rule_that_blocks_tells_no_hidden_value_and_stops_nobody_who_cannot_mend_it(
    word, people, client_of
):
    acme = make(Customer, name="Acme", phone="secret13812")
    make(Rule, entity="customers", field_key="phone", kind="matches", parameter="[0-9]+",
         severity=Severity.BLOCK)  # fmt: skip
    client, there = client_of(people.dev), f"/customers/edit/?id={acme.id}"
    told = client.post(there, data={**form_of(client.get(there)), "notes": "x"})
    assert "secret13812” does not have the right form" in told.text
    limit(people, "customers", phone=word)
    answer = client.post(there, data={**form_of(client.get(there)), "notes": "x"})
    assert answer.status_code == 302
    assert "secret13812" not in client.get(answer.location).text


def test_a_role_by_which_nobody_sees_a_record_lifts_no_limit_of_its_fields(people):
    sales, ana = organisation.role("sales"), people.ana
    other = make(Role, label_en="Other", grants={"departments": {"lookup": "all"}}, fields={})
    with records.transaction("tests"):
        records.change(sales, {"fields": {"customers": {"phone": "hidden"}}}, people.dev)
        records.change(ana, {"roles": [sales, other]}, people.dev)
    assert not access.readable(ana, Customer, "phone")
    said = access.said_of(ana, Customer, "phone")
    assert [(one.code, one.limit) for one in said] == [("sales", "hidden")]
    with records.transaction("tests"):
        records.change(other, {"grants": {"customers": {"view": "own"}}}, people.dev)
    assert access.readable(ana, Customer, "phone")


def test_a_masked_moment_can_be_exported(people, client_of):
    make(Customer, name="Acme", stage_since=datetime(2026, 1, 1, tzinfo=UTC))
    limit(people, "customers", stage_since="masked")
    assert "****" in client_of(people.dev).get("/customers/export/csv/").text


def test_the_customers_page_tells_neither_whose_it_was_nor_its_stages(people, client_of):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    client, there = client_of(people.dev), f"/customers/details/?id={acme.id}"
    assert words_of(client.get(there)).count("Ana") > 0
    limit(people, "customers", account_manager_id="hidden", stage="hidden")
    page = words_of(client.get(there)).partition("Looked after by")[2]
    assert "Ana" not in page
    assert "Prospect" not in page


def test_an_amount_stands_without_a_currency_that_is_hidden(people, client_of):
    sale = make(Contract, amount=5, currency="USD")
    client, there = client_of(people.dev), f"/contracts/details/?id={sale.id}"
    assert "5.00 USD" in words_of(client.get(there))
    limit(people, "contracts", currency="hidden")
    assert "USD" not in words_of(client.get(there))


def test_no_list_is_in_the_order_of_what_nobody_is_shown(people, client_of):
    for name, phone in (("A", "9999"), ("B", "1111")):
        make(Contact, name=name, phone=phone)
    client = client_of(people.dev)

    def order(asked):
        rows = client.get(f"/contacts/{asked}").text.partition("<tbody")[2].partition("</tbody")
        return rows[0]

    for key in ("search_text", "custom", "updated_by_id", "nothing"):
        assert order(f"?sort={key}") == order("")
    assert order("?sort=name") != order("")


def test_a_hidden_relation_is_told_from_neither_end(people, client_of):
    acme = make(Customer, name="Acme")
    sale = make(Contract, title_text="Quokka", customer=acme)
    make(Expense, purpose="Trip", contract=sale, customer=acme)
    client = client_of(people.dev)
    page, lookup = f"/customers/details/?id={acme.id}", "/contracts/ajax/lookup/?name=predecessor"
    other = make(Customer, name="Other")
    assert "Quokka" in client.get(page).text
    assert "Quokka" not in client.get(f"{lookup}&within={other.id}").text
    assert sale.number in client.get("/expenses/export/csv/").text
    limit(people, "contracts", customer_id="hidden", number="hidden")
    assert "Quokka" not in client.get(page).text
    assert "Quokka" in client.get(f"{lookup}&within={other.id}").text
    limit(people, "contracts", number="hidden")
    assert sale.number not in client.get("/expenses/export/csv/").text


def test_a_form_sent_again_makes_and_changes_nothing(people, client_of):
    client = client_of(people.dev)
    form = form_of(client.get("/users/new/"))
    form |= {"name": "New", "username": "newcomer", "password": "five wild horses"}
    assert client.post("/users/new/", data=form).status_code == 302
    kept = organisation.by_username("newcomer").password_hash
    sent = {**form, "password": "another password"}
    again = client.post("/users/new/", data=sent, follow_redirects=True)
    assert "This form was sent before" in again.text
    assert organisation.by_username("newcomer").password_hash == kept
