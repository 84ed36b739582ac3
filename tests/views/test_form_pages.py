"""Forms: what was typed is never lost, and nothing is saved that was not asked."""

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.users import User
from crm_admin.services import organisation, records
from crm_admin.services import people as preferences
from tests.make import make
from tests.pages import form_of


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme", city="Beijing", account_manager_id=people.ana.id)


def test_who_saves_second_sees_what_the_first_changed_and_keeps_what_they_typed(
    acme, people, client_of
):
    ana, ben = client_of(people.ana), client_of(people.ben)
    address = f"/customers/edit/?id={acme.id}"
    form = form_of(ana.get(address))
    assert (
        ben.post(address, data={**form_of(ben.get(address)), "city": "Ürümqi"}).status_code == 302
    )
    form["city"] = "Shanghai"
    answer = ana.post(address, data=form)
    assert answer.status_code == 200
    assert "Ben saved this record" in answer.text
    assert "Ürümqi" in answer.text
    again = form_of(answer)
    assert again["city"] == "Shanghai"
    db.session.rollback()
    assert acme.city == "Ürümqi"
    assert ana.post(address, data=again).status_code == 302
    db.session.rollback()
    assert acme.city == "Shanghai"


def test_a_form_can_be_saved_also_when_the_other_change_leaves_no_trace_in_the_history(
    people, client_of
):
    admin, id = client_of(people.dev), people.ana.id
    address = f"/users/edit/?id={id}"
    form = form_of(admin.get(address))
    with records.transaction("profile"):
        preferences.prefer(people.ana, theme="dark")
    form["job_title"] = "Lead"
    answer = admin.post(address, data=form)
    if answer.status_code == 200:
        answer = admin.post(address, data=form_of(answer))
    assert answer.status_code == 302, "the form can never be saved"
    db.session.rollback()
    assert people.ana.job_title == "Lead"


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(acme, people, client_of):
    client = client_of(people.ana)
    form = form_of(client.get(f"/contracts/new/?customer={acme.id}"))
    form |= {"title_text": "Maintenance", "starts_on": "2026-05-01", "ends_on": "2026-04-01"}
    answer = client.post("/contracts/new/", data=form)
    assert answer.status_code == 200
    assert "A contract cannot end before it starts." in answer.text
    assert 'aria-describedby="ends_on-help ends_on-error"' in answer.text
    kept = form_of(answer)
    assert (kept["title_text"], kept["ends_on"]) == ("Maintenance", "2026-04-01")
    assert kept["customer"] == str(acme.id)
    kept["ends_on"] = "2026-06-01"
    assert client.post("/contracts/new/", data=kept).status_code == 302


def test_a_required_field_left_empty_is_told_of(people, client_of):
    client = client_of(people.ana)
    answer = client.post("/customers/new/", data={"city": "Beijing"})
    assert "Name is required." in answer.text
    assert form_of(answer)["city"] == "Beijing"


def test_the_same_form_sent_twice_makes_one_record(people, client_of):
    client = client_of(people.ana)
    form = form_of(client.get("/customers/new/"))
    form["name"] = "Acme"
    answers = [client.post("/customers/new/", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].location == answers[1].location
    assert count(Customer, Customer.name == "Acme") == 1
    form["form_key"] = form_of(client.get("/customers/new/"))["form_key"]
    client.post("/customers/new/", data=form)
    assert count(Customer, Customer.name == "Acme") == 2


def test_a_form_with_a_forged_key_still_makes_its_record(people, client_of):
    client = client_of(people.ana)
    for key in ("\0", "x" * 1000, ""):
        answer = client.post("/customers/new/", data={"name": "Acme", "form_key": key})
        assert answer.status_code == 302, key


def count(model, *conditions):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions))


def test_fields_that_the_form_does_not_have_are_not_believed(acme, people, client_of):
    client = client_of(people.ana)
    form = form_of(client.get(f"/customers/edit/?id={acme.id}"))
    number, made = acme.number, acme.created_at
    other = people.cho.id
    form |= {
        "id": 1, "number": "C-1", "created_at": "2000-01-01", "created_by_id": other,
        "deleted_at": "2000-01-01", "account_manager": other, "account_manager_id": other,
        "completeness": 100, "search_text": "x", "custom": "{}", "notes": "mine",
    }  # fmt: skip
    assert client.post(f"/customers/edit/?id={acme.id}", data=form).status_code == 302
    db.session.rollback()
    assert (acme.notes, acme.number, acme.created_at) == ("mine", number, made)
    assert acme.account_manager_id == people.ana.id
    assert acme.completeness < 100


def test_an_expense_cannot_be_approved_by_writing_so_into_its_form(people, client_of):
    expense, client = make(Expense, claimant_id=people.ana.id), client_of(people.ana)
    form = form_of(client.get(f"/expenses/edit/?id={expense.id}"))
    form |= {"status": "approved", "decided_by": people.ben.id, "claimant": people.cho.id}
    client.post(f"/expenses/edit/?id={expense.id}", data={**form, "purpose": "Taxi"})
    db.session.rollback()
    assert (expense.purpose, expense.status) == ("Taxi", ExpenseStatus.DRAFT)
    assert (expense.decided_by_id, expense.claimant_id) == (None, people.ana.id)


def test_a_user_form_takes_no_more_than_it_shows(people, client_of):
    client, id = client_of(people.dev), people.ana.id
    before = people.ana.password_hash
    form = form_of(client.get(f"/users/edit/?id={id}"))
    form |= {"is_system": "y", "password_hash": "x", "password": "hunter2hunter2", "phone": "5"}
    assert client.post(f"/users/edit/?id={id}", data=form).status_code == 302
    db.session.rollback()
    assert (people.ana.phone, people.ana.is_system) == ("5", False)
    assert people.ana.password_hash == before


def test_ones_own_profile_gives_no_rights(people, client_of):
    client = client_of(people.ana)
    role = organisation.role("administrator")
    sent = {"language": "en", "theme": "dark", "roles": role.id, "department": 1, "name": "Queen"}
    client.post("/profile/preferences/", data=sent | {"is_active": "", "is_system": "y"})
    db.session.rollback()
    ana = db.session.get(User, people.ana.id)
    assert ana.theme == "dark"
    assert ([r.code for r in ana.roles], ana.name, ana.is_system) == (["sales"], "Ana", False)


def test_a_record_out_of_sight_cannot_be_chosen_but_the_kept_one_stays(people, client_of):
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    mine = make(Customer, name="Mine", account_manager_id=people.ana.id)
    client = client_of(people.ana)
    form = form_of(client.get(f"/contacts/new/?customer={mine.id}"))
    answer = client.post("/contacts/new/", data={**form, "name": "Li", "customer": theirs.id})
    assert answer.status_code == 200
    assert "Not a valid choice." in answer.text
    assert "Theirs" not in answer.text
    assert count(Contact, Contact.name == "Li") == 0
    contract = make(Contract, customer=theirs, owner_id=people.ana.id)
    address = f"/contracts/edit/?id={contract.id}"
    form = form_of(client.get(address))
    assert form["customer"] == str(theirs.id)
    assert client.post(address, data={**form, "notes": "Kept"}).status_code == 302
    db.session.rollback()
    assert (contract.notes, contract.customer_id) == ("Kept", theirs.id)


def test_the_address_of_a_new_form_names_only_what_one_may_look_up(people, client_of):
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    page = client_of(people.ana).get(f"/contacts/new/?customer={theirs.id}")
    assert "Theirs" not in page.text


def test_after_saving_one_goes_back_to_where_one_came_from(acme, people, client_of):
    client = client_of(people.ana)
    address = f"/customers/edit/?id={acme.id}&url=/customers/%3Fpage%3D2"
    answer = client.post(address, data=form_of(client.get(address)))
    assert answer.location == "/customers/?page=2"


@pytest.mark.parametrize(
    "evil", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)",
             "/\t/evil.example", "\t//evil.example", "@evil.example", "/\n/evil.example",
             " //evil"],
)  # fmt: skip
def test_no_address_leads_away_from_here(evil, acme, people, client_of, app):
    client = client_of(people.ana)
    address = f"/customers/edit/?id={acme.id}"
    form = form_of(client.get(address))
    saved = client.post(address, data={**form, "url": evil})
    assert saved.location == f"/customers/details/?id={acme.id}"
    stranger = app.test_client()
    signed_in = stranger.post(
        "/sign-in", data={"username": "ana", "password": "a horse, a kingdom", "next": evil}
    )
    assert (signed_in.status_code, signed_in.location) == (302, "/")


def test_what_was_typed_into_a_record_that_was_deleted_meanwhile_stays(people, client_of):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    client, address = client_of(people.ana), f"/customers/edit/?id={acme.id}"
    form = form_of(client.get(address))
    client.post("/customers/delete/", data={"id": acme.id})
    told = client.post(address, data={**form, "notes": "An hour of work"})
    assert "It was moved to the recycle bin meanwhile" in told.text
    assert form_of(told)["notes"] == "An hour of work"
    assert client.get(address).status_code == 404
    assert client_of(people.cho).post(address, data=form).status_code == 404
    db.session.rollback()
    assert acme.notes is None
