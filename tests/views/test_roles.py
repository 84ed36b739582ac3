"""The pages of a role: what its users see of each field, and a role made after another."""

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.services import organisation, records
from tests.make import make
from tests.pages import form_of, words_of


def test_what_is_chosen_for_a_field_holds_at_the_next_request(people, client_of):
    make(Customer, name="Acme", phone="13812341234", fax="0571-1", account_manager_id=people.ana.id)
    role, admin, ana = organisation.role("sales"), client_of(people.dev), client_of(people.ana)
    id = role.id
    address = f"/roles/fields/?id={id}&entity=customers"
    assert "13812341234" in ana.get("/customers/").text
    sent = {**form_of(admin.get(address)), "phone": "masked", "fax": "hidden", "notes": "read"}
    there = f"/roles/fields/save/?id={id}&entity=customers"
    page = admin.post(there, data=sent, follow_redirects=True)
    assert "Saved." in page.text
    assert form_of(page).to_dict() == sent | {"version": "2"}
    assert "138****1234" in ana.get("/customers/").text
    assert "13812341234" not in ana.get("/customers/").text
    history = words_of(admin.get(f"/roles/details/?id={id}"))
    assert "Customers · Phone As the record → Partly hidden" in history
    assert "Customers · Notes As the record → Read only" in history


def test_of_two_who_choose_at_once_the_second_is_told_and_loses_nothing(people, client_of):
    id = organisation.role("sales").id
    for page, cell in (("fields", "fax"), ("matrix", "customers.export")):
        there, admin = f"/roles/{page}/?id={id}", client_of(people.dev)
        mine, theirs = form_of(admin.get(there)), form_of(admin.get(there))
        save = f"/roles/{page}/save/?id={id}"
        admin.post(save, data={**theirs, "phone": "hidden", "contacts.edit": "none"})
        value = {"fields": "hidden", "matrix": "all"}[page]
        told = admin.post(save, data={**mine, cell: value}, follow_redirects=True)
        assert "Someone else saved this record while you were editing it." in told.text
        assert {"fields": "Phone: As the record → Hidden", "matrix": "Contacts · Edit: Own → —"}[
            page
        ] in words_of(told)
        assert form_of(told)[cell] == value
        again = admin.post(save, data=form_of(told), follow_redirects=True)
        assert "Saved." in again.text


def test_what_names_a_record_is_not_offered_to_be_hidden(people, client_of):
    admin, id = client_of(people.dev), organisation.role("sales").id
    there = f"/roles/fields/save/?id={id}&entity=customers"
    for sent in ({"name": "hidden"}, {"phone": "sometimes"}):
        page = admin.post(there, data=sent, follow_redirects=True)
        assert "Please choose one of those offered." in page.text
    db.session.rollback()
    assert organisation.role("sales").fields == {}


def test_only_who_may_change_roles_chooses_and_others_read(people, client_of):
    id = organisation.role("sales").id
    there, save = f"/roles/fields/?id={id}", f"/roles/fields/save/?id={id}&entity=customers"
    auditor = client_of(people.fay)
    assert "<select" not in auditor.get(there).text.partition("<main")[2]
    assert auditor.post(save, data={"phone": "hidden"}).status_code == 403
    assert auditor.post("/roles/copy/", data={"id": id}).status_code == 403
    for address in (there, f"{there}&entity=customers"):
        assert client_of(people.ana).get(address).status_code == 404
    admin = client_of(people.dev)
    assert admin.get("/roles/fields/?id=999").status_code == 404
    assert admin.get(f"{there}&entity=nothing").status_code == 404
    db.session.rollback()
    assert organisation.role("sales").fields == {}


def test_a_copy_is_made_with_the_rights_and_leads_to_its_form(people, client_of):
    admin, role = client_of(people.dev), organisation.role("sales")
    page = admin.post("/roles/copy/", data={"id": role.id}, follow_redirects=True)
    assert form_of(page)["code"] == "sales_2"
    assert form_of(page)["label_en"] == "Sales (2)"
    db.session.rollback()
    assert organisation.role("sales_2").grants == role.grants


def test_two_roles_are_told_apart_by_right_and_field_and_by_nothing_they_share(people, client_of):
    sales, auditor = organisation.role("sales"), organisation.role("auditor")
    with records.transaction("tests"):
        records.change(sales, {"fields": {"customers": {"fax": "hidden"}}}, people.dev)
    admin, there = client_of(people.dev), f"/roles/compare/?id={sales.id}"
    assert "Customers ·" not in words_of(admin.get(there))
    page = words_of(admin.get(f"{there}&with={auditor.id}"))
    assert "All others · View Own All" in page
    assert "All others · Edit Own —" in page
    assert "Departments · View — All" in page
    assert "Customers · Fax Hidden As the record" in page
    assert "Promotion materials · View" not in page
    same = words_of(admin.get(f"{there}&with={sales.id}"))
    assert "These roles give the same rights." in same
    assert admin.get(f"{there}&with=999").status_code == 404
