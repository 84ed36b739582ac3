"""Changing many records on the screen: chosen or found, previewed, done, taken back."""

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.services import organisation, records
from tests.make import make
from tests.pages import form_of, words_of


def three(people):
    """Two customers of Ana's and one of Cho's."""
    owners = (people.ana, people.ana, people.cho)
    return [
        make(Customer, name=f"Quokka {n}", city="Old", account_manager_id=who.id).id
        for n, who in enumerate(owners)
    ]


def cities():
    db.session.rollback()
    return [c.city for c in db.session.query(Customer).order_by(Customer.id)]


def test_chosen_records_are_changed_after_a_preview_and_taken_back(people, client_of):
    client, ids = client_of(people.ana), three(people)
    chosen = {"action": "bulk_edit", "rowid": ids}
    page = client.post("/customers/action/", data=chosen)
    assert "Change 2 records" in words_of(page), "what is not theirs is not among them"
    form = form_of(page, "data-bulk-edit")
    form["field"] = "city"
    page = client.post("/customers/bulk_edit/", data=form)
    form = form_of(page, "data-bulk-edit")
    form["city"] = "New"
    page = client.post("/customers/bulk_edit/", data=form)
    assert "Quokka 0 Old New" in words_of(page)
    assert cities() == ["Old", "Old", "Old"], "a preview changes nothing"
    done = client.post(
        "/customers/bulk_edit/", data=form_of(page, "data-bulk-edit") | {"confirmed": "1"}
    )
    assert "2 records were changed." in words_of(done)
    assert cities() == ["New", "New", "Old"]
    history = words_of(client.get(f"/customers/details/?id={ids[0]}"))
    assert "bulk edit" in history
    undo = form_of(done, "data-undo")
    client.post("/customers/undo_bulk_edit/", data=undo)
    assert cities() == ["Old", "Old", "Old"]
    again = client.post("/customers/undo_bulk_edit/", data=undo, follow_redirects=True)
    assert "This was taken back already." in again.text


def test_all_that_a_list_finds_are_changed(people, client_of):
    client = client_of(people.ana)
    three(people)
    assert "/customers/bulk_edit/?search=Quokka" in client.get("/customers/?search=Quokka").text
    page = client.get("/customers/bulk_edit/?search=Quokka")
    assert "Change 2 records" in words_of(page)
    nothing = client.get("/customers/bulk_edit/?search=Nothing", follow_redirects=True)
    assert "There is nothing here that you may change." in nothing.text


def test_only_fields_that_are_theirs_are_offered_and_a_wrong_value_is_said(people, client_of):
    role = organisation.role("sales")
    with records.transaction("tests"):
        records.change(role, {"fields": {"customers": {"phone": "hidden"}}}, people.dev)
    client, ids = client_of(people.ana), three(people)
    sent = {"ids": " ".join(map(str, ids))}
    page = client.post("/customers/bulk_edit/", data=sent)
    assert 'value="city"' in page.text
    for key in ("phone", "account_manager", "number", "completeness"):
        assert f'<option value="{key}"' not in page.text
        refused = client.post(
            "/customers/bulk_edit/", data=sent | {"field": key, key: "1", "typed": "1"}
        )
        assert "What would change" not in refused.text
    wrong = sent | {"field": "credit_limit", "credit_limit": "much", "typed": "1", "confirmed": "1"}
    page = client.post("/customers/bulk_edit/", data=wrong)
    assert "field-error" in page.text
    assert cities() == ["Old"] * 3


def test_who_has_no_such_right_is_refused(people, client_of):
    ids = three(people)
    for data in ({"ids": str(ids[2])}, {"ids": "0 or 0=0 ../ 99999999999 -1"}, {}):
        page = client_of(people.ana).post("/customers/bulk_edit/", data=data, follow_redirects=True)
        assert "There is nothing here that you may change." in page.text
    auditor = client_of(people.fay)
    assert auditor.post("/customers/bulk_edit/", data={"ids": str(ids[0])}).status_code == 403
    assert auditor.post("/customers/undo_bulk_edit/", data={"id": 1}).status_code == 403
    assert "bulk_edit" not in auditor.get("/customers/").text
    assert client_of(people.ana).get("/roles/bulk_edit/").status_code == 404
