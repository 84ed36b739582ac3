"""Writing down what passed with a customer."""

import pytest

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from tests.make import make


@pytest.mark.parametrize("who", ["ana", "ben", "dev", "eve"])
def test_whoever_writes_an_interaction_down_is_its_author(who, people, client_of):
    customer = make(Customer, account_manager_id=people.ana.id)
    writer = getattr(people, who)
    client, address = client_of(writer), f"/interactions/new/?customer={customer.id}"
    offered = 'name="author"' in client.get(address).text
    typed = {"customer": customer.id, "happened_at": "2026-03-01T10:00", "content": "Called"}
    typed |= {"author": writer.id} if offered else {}
    assert client.post(address, data=typed).status_code == 302
    kept = db.session.query(Interaction).one()
    assert (kept.author_id, kept.customer_id, kept.content) == (writer.id, customer.id, "Called")


@pytest.mark.parametrize("who", ["ana", "ben", "eve"])
def test_whoever_claims_an_expense_by_its_form_is_its_claimant(who, people, client_of):
    claimant = getattr(people, who)
    typed = {"amount": "12.50", "currency": "CNY", "spent_on": "2026-03-01", "purpose": "Taxi"}
    client = client_of(claimant)
    if 'name="claimant"' in client.get("/expenses/new/").text:
        typed["claimant"] = claimant.id
    answer = client.post("/expenses/new/", data=typed)
    assert answer.status_code == 302
