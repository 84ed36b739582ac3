"""Choosing another record in a form."""

from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.services import organisation, records
from tests.make import make


def test_only_the_contacts_of_the_chosen_customer_are_offered(people, client_of):
    theirs, others = make(Customer), make(Customer)
    make(Contact, customer_id=theirs.id, name="Li Wei")
    make(Contact, customer_id=others.id, name="Li Na")
    dev, url = client_of(people.dev), "/interactions/ajax/lookup/?name=contact&query=li"
    assert [label[:6] for _, label in dev.get(url).json] == ["Li Na ", "Li Wei"]
    assert [label[:6] for _, label in dev.get(f"{url}&within={theirs.id}").json] == ["Li Wei"]


def test_a_choice_shows_and_finds_nothing_that_is_hidden(people, client_of):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id, phone="55500")
    make(Contact, customer_id=acme.id, name="Li Wei", mobile="13900001111")
    ana, url = client_of(people.ana), "/interactions/ajax/lookup/?name=contact&query="
    assert ana.get(f"{url}1390000").json == ana.get(f"{url}li").json != []
    assert "Acme" in ana.get(f"{url}li").json[0][1]
    role = organisation.role("sales")
    with records.transaction("tests"):
        hidden = {"contacts": {"mobile": "hidden", "customer_id": "hidden"}}
        records.change(role, {"fields": hidden}, people.system)
    assert ana.get(f"{url}1390000").json == []
    assert [label for _, label in ana.get(f"{url}li").json] == ["Li Wei"]
