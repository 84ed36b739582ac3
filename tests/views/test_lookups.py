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


def test_who_may_only_choose_people_does_not_find_them_by_their_telephone(people, client_of):
    with records.transaction("tests"):
        records.change(people.cho, {"phone": "13877776666"}, people.system)
        rights = {"users": {"lookup": "all"}, "customers": {"view": "all", "create": "all"}}
        rights["customers"]["assign"] = "all"
        records.change(organisation.role("sales"), {"grants": rights}, people.system)
    url = "/customers/ajax/lookup/?name=account_manager&query="
    ana, dev = client_of(people.ana), client_of(people.dev)
    assert (
        ana.get(f"{url}cho").json == dev.get(f"{url}cho").json == [[people.cho.id, "Cho · South"]]
    )
    assert dev.get(f"{url}1387777").json == [[people.cho.id, "Cho · South"]]
    assert ana.get(f"{url}1387777").json == []
