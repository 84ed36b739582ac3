"""Choosing another record in a form."""

from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from tests.make import make


def test_only_the_contacts_of_the_chosen_customer_are_offered(people, client_of):
    theirs, others = make(Customer), make(Customer)
    make(Contact, customer_id=theirs.id, name="Li Wei")
    make(Contact, customer_id=others.id, name="Li Na")
    dev, url = client_of(people.dev), "/interactions/ajax/lookup/?name=contact&query=li"
    assert [label[:6] for _, label in dev.get(url).json] == ["Li Na ", "Li Wei"]
    assert [label[:6] for _, label in dev.get(f"{url}&within={theirs.id}").json] == ["Li Wei"]
