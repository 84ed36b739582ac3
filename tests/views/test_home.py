"""The start page and the inbox show what is one's own."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm_admin.database import db
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.notifications import Notification
from crm_admin.services import notifications, organisation, records
from tests.make import make
from tests.pages import words_of


@pytest.mark.parametrize(
    ("who", "sees"), [("ana", True), ("ben", True), ("cho", False), ("eve", True), ("fay", True)]
)
def test_the_start_page_tells_of_contracts_that_one_may_see(people, client_of, who, sees):
    today = date.today()  # noqa: DTZ011 (a day either way does not matter here)
    customer = make(Customer, account_manager_id=people.ana.id)
    make(
        Contract,
        title_text="Quokka care",
        customer=customer,
        owner_id=people.ana.id,
        status=ContractStatus.ACTIVE,
        starts_on=today - timedelta(days=300),
        ends_on=today + timedelta(days=20),
    )
    page = client_of(getattr(people, who)).get("/")
    assert page.status_code == 200
    assert ("Quokka care" in page.text) is sees


@pytest.fixture
def told(people):
    """A message to Ana, about a customer of hers."""
    customer = make(Customer, account_manager_id=people.ana.id)
    message = notifications.Message(
        user_id=people.ana.id, key="once", kind="k", message="Quokka", values={},
        entity="customers", record_id=customer.id,
    )  # fmt: skip
    with records.transaction("tests"):
        assert notifications.notify_all([message, message]) == 1
    return db.session.query(Notification).one()


def test_a_message_is_read_by_whom_it_is_for(told, people, client_of):
    ana, cho = client_of(people.ana), client_of(people.cho)
    id, about = told.id, told.record_id
    assert "Quokka" in ana.get("/inbox/").text
    assert "Quokka" not in cho.get("/inbox/").text
    assert cho.get(f"/inbox/open/?id={id}").location == "/inbox/"
    for sent in ({"id": id}, {"id": "all"}):
        cho.post("/inbox/read/", data=sent)
    db.session.rollback()
    assert told.read_at is None
    assert ana.get(f"/inbox/open/?id={id}").location == f"/customers/details/?id={about}"
    ana.post("/inbox/read/", data={"id": id})
    db.session.rollback()
    assert told.read_at is not None
    assert "Quokka" not in ana.get("/inbox/?unread=1").text


def test_the_start_page_leaves_out_what_is_hidden(people, client_of):
    today = date.today()  # noqa: DTZ011 (a day either way does not matter here)
    customer = make(
        Customer,
        name="Quokka Ltd",
        account_manager_id=people.ana.id,
        next_contact_on=today - timedelta(days=1),
    )
    make(
        Contract,
        title_text="Care",
        customer=customer,
        owner_id=people.ana.id,
        status=ContractStatus.ACTIVE,
        starts_on=today - timedelta(days=300),
        ends_on=today + timedelta(days=20),
        amount=Decimal("7654.32"),
    )

    def page_without(**fields):
        with records.transaction("tests"):
            records.change(organisation.role("sales"), {"fields": fields}, people.system)
        return client_of(people.ana).get("/").text

    page = page_without()
    assert "7,654.32" in page
    assert "Contact Quokka Ltd" in page
    page = page_without(contracts={"amount": "hidden"}, customers={"next_contact_on": "hidden"})
    assert "7,654.32" not in page
    assert "Care" in page
    assert "Contact Quokka Ltd" not in page
    assert "Care" not in page_without(contracts={"ends_on": "hidden"})
    assert "My customers" not in page_without(customers={"account_manager_id": "hidden"})


def test_ones_own_claims_wait_for_somebody_else(people, client_of):
    def waiting():
        return "1 expense waits for a decision" in client_of(people.ben).get("/").text

    state = {"status": ExpenseStatus.SUBMITTED}
    make(Expense, claimant_id=people.ben.id, **state)
    written = make(Expense, claimant_id=people.ana.id, **state)
    with records.transaction("tests"):
        written.created_by_id = people.ben.id
    assert not waiting()
    make(Expense, claimant_id=people.ana.id, **state)
    assert waiting()


def test_a_message_tells_nothing_of_what_one_does_not_see_by_now(told, people, client_of):
    """Source: S5, A6"""
    client = client_of(people.ana)
    assert "Quokka" in client.get("/inbox/").text
    customer = db.session.get(Customer, told.record_id)
    with records.transaction("tests"):
        records.change(customer, {"account_manager": people.cho}, people.dev)
    page = client.get("/inbox/")
    assert "Quokka" not in page.text
    assert f"/customers/details/?id={told.record_id}" not in page.text
    assert "This was about a record that you do not see now." in words_of(page)


def test_a_warning_names_no_day_to_who_does_not_see_when_contracts_end(people, client_of):
    contract = make(Contract, title_text="Quokka care", owner_id=people.ana.id)
    values = {"contract": "Quokka care", "customer": "Acme", "day": "2026-12-24"}
    message = notifications.Message(
        people.ana.id, "once", "renewal", "%(contract)s of %(customer)s ends on %(day)s.", values,
        entity="contracts", record_id=contract.id,
    )  # fmt: skip
    with records.transaction("tests"):
        notifications.notify_all([message])
    client = client_of(people.ana)
    assert "2026-12-24" in client.get("/inbox/").text
    for key in ("ends_on", "customer_id"):
        role = organisation.role("sales")
        with records.transaction("tests"):
            records.change(role, {"fields": {"contracts": {key: "hidden"}}}, people.dev)
        page = client.get("/inbox/")
        assert "2026-12-24" not in page.text and "Acme" not in page.text
        assert "There is news of “Contract”" in words_of(page)
        assert f"/contracts/details/?id={contract.id}" in page.text


def menu_of(page):
    """Return the menu's folded groups, and all its places."""
    side = page[page.index('<nav class="side"') : page.index("</nav>", page.index('class="side"'))]
    folded = re.findall(r"<details.*?</details>", side, re.DOTALL)
    return [re.sub(r"<[^>]+>", " ", part) for part in folded], re.findall(r'href="([^"]+)"', side)


def test_a_long_menu_folds_what_is_seldom_used_but_not_the_present_page(people, client_of):
    client = client_of(people.dev)
    folded, places = menu_of(client.get("/").text)
    assert len(places) > 20 and any("Users" in group for group in folded)
    assert not any("Customers" in group for group in folded)
    folded, there = menu_of(client.get("/users/").text)
    assert there == places and folded and not any("Users" in group for group in folded)
    folded, places = menu_of(client_of(people.ana).get("/").text)
    assert places and folded == [], "a short menu stays open"
