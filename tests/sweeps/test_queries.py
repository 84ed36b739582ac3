"""How many questions a page asks the database does not grow with what it shows."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.services import records
from tests.make import make
from tests.pages import form_of
from tests.sweeps.cases import VIEWS, full, stem

#: The most statements a page of a list may take, signing in and the frame included.
LIST, PAGE, FORM, SAVE = 6, 30, 12, 34


@contextmanager
def counted(most):
    """Count the statements of the block, transactions aside."""
    asked = []

    def note(_connection, _cursor, statement, *_):
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")):
            asked.append(" ".join(statement.split())[:110])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) <= most, "\n".join(asked)


@pytest.mark.parametrize("view", VIEWS, ids=stem)
def test_pages_of_an_entity_ask_the_database_little(view, people, client_of):
    record, client = full(stem(view), people), client_of(people.ben)
    if client.get(f"/{stem(view)}/").status_code != 200:
        client = client_of(people.dev)
    id, path = record.id, f"/{stem(view)}/"
    admin = client_of(people.dev)
    addresses = [
        (client, path, LIST),
        (client, f"{path}?search=a&sort={view.column_list[0]}&page=1", LIST),
        (admin, f"{path}details/?id={id}", PAGE),
        (admin, f"{path}edit/?id={id}", FORM),
    ]
    for browser, address, most in addresses:
        browser.get(address)  # what the configuration says is read once and kept
        with counted(most):
            assert browser.get(address).status_code == 200
    if not record.append_only:
        form = form_of(admin.get(f"{path}edit/?id={id}"))
        with counted(SAVE):
            assert admin.post(f"{path}edit/?id={id}", data=form).status_code == 302


def test_a_list_of_fifty_asks_no_more_than_one_of_five(people, client_of):
    client = client_of(people.ben)
    asked = []
    for number in (5, 45):
        with records.transaction("tests"):
            for n in range(number):
                records.save(
                    Customer(name=f"Number {n}", account_manager_id=people.ana.id), people.system
                )
        client.get("/customers/")
        with counted(LIST) as statements:
            assert client.get("/customers/").status_code == 200
        asked.append(len(statements))
    assert asked[0] == asked[1]


def test_a_customers_page_with_many_contacts_asks_no_more_than_with_one(people, client_of):
    acme, client, asked = make(Customer), client_of(people.dev), []
    for number in (1, 12):
        for _ in range(number):
            make(Contact, customer=acme)
        client.get(f"/customers/details/?id={acme.id}")
        with counted(PAGE) as statements:
            client.get(f"/customers/details/?id={acme.id}")
        asked.append(len(statements))
    assert asked[0] == asked[1]
