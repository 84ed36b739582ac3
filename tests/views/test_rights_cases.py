"""Checks of rights: kept from what is explained, and asked before a role is changed."""

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.rights_cases import RightsCase
from crm_admin.services import history, organisation, records
from tests.make import make
from tests.pages import form_of, words_of


def kept():
    db.session.rollback()
    return db.session.scalars(select(RightsCase)).all()


def test_what_is_explained_is_kept_and_stops_a_change_by_which_it_would_fail(people, client_of):
    """Source: S5"""
    theirs = make(Customer, name="Of Cho", account_manager_id=people.cho.id)
    id, ana = theirs.id, people.ana.id
    admin, role = client_of(people.dev), organisation.role("sales").id
    about = f"user={ana}&entity=customers"
    admin.post(f"/rights-cases/keep/?{about}&record={id}", data={"what": "view"})
    admin.post(f"/rights-cases/keep/?{about}", data={"what": "field:phone"})
    assert [(c.verb, c.field_key, c.expected) for c in kept()] == [
        ("view", None, "no"),
        (None, "phone", "open"),
    ]
    page = admin.get("/rights-cases/")
    assert "Of Cho" in page.text and "badge bad" not in page.text
    matrix = form_of(admin.get(f"/roles/matrix/?id={role}"))
    matrix["customers.view"] = "all"
    for verb in ("create", "edit", "delete", "export", "share"):
        matrix[f"customers.{verb}"] = "own"
    refused = admin.post(f"/roles/matrix/save/?id={role}", data=matrix)
    said = "Ana, Customers · Of Cho, View: must be “No”, would be “Yes”."
    assert said in words_of(refused)
    assert form_of(refused)["customers.view"] == "all", "what was chosen stays"
    db.session.rollback()
    assert "customers" not in organisation.role("sales").grants
    answer = admin.post(f"/roles/matrix/save/?id={role}", data=form_of(refused) | {"anyway": "1"})
    assert answer.status_code == 302
    db.session.rollback()
    assert organisation.role("sales").grants["customers"]["view"] == "all"
    assert "badge bad" in admin.get("/rights-cases/").text


def test_a_case_about_a_field_stops_a_limit(people, client_of):
    admin, role = client_of(people.dev), organisation.role("sales").id
    about = f"user={people.ana.id}&entity=customers"
    admin.post(f"/rights-cases/keep/?{about}", data={"what": "field:phone"})
    there = f"/roles/fields/save/?id={role}&entity=customers"
    refused = admin.post(there, data={"phone": "masked"})
    said = "Ana, Customers, Phone: must be “As the record”, would be “Partly hidden”."
    assert said in words_of(refused)
    assert admin.post(there, data={"fax": "masked"}).status_code == 302


def test_only_who_may_change_roles_keeps_and_drops_them(people, client_of):
    about = f"user={people.ana.id}&entity=customers"
    admin = client_of(people.dev)
    admin.post(f"/rights-cases/keep/?{about}", data={"what": "edit"})
    [case] = [one.id for one in kept()]
    for who, status in (("ana", 404), ("ben", 404), ("fay", 404)):
        client = client_of(getattr(people, who))
        for address in (f"keep/?{about}", "drop/"):
            data = {"what": "view", "id": case}
            assert client.post(f"/rights-cases/{address}", data=data).status_code == status
    assert len(kept()) == 1
    auditor = client_of(people.fay)
    assert auditor.get("/rights-cases/").status_code == 200
    assert "/rights-cases/drop/" not in auditor.get("/rights-cases/").text
    assert client_of(people.ana).get("/rights-cases/").status_code == 404
    assert "badge" in admin.get("/rights-cases/").text
    for _again in (1, 2):
        assert admin.post("/rights-cases/drop/", data={"id": case}).status_code == 302
    assert kept() == []
    actions = [entry.action for entry in history.of(people.ana, people.dev)]
    assert actions[:2] == ["case dropped", "case kept"]


def test_what_is_gone_can_no_longer_be_asked_and_stops_nothing(people, client_of):
    gone = make(Customer, name="Gone", account_manager_id=people.ana.id)
    admin = client_of(people.dev)
    about = f"user={people.ana.id}&entity=customers&record={gone.id}"
    admin.post(f"/rights-cases/keep/?{about}", data={"what": "view"})
    with records.transaction("tests"):
        records.delete(gone, people.system)
    page = admin.get("/rights-cases/")
    assert "Can no longer be asked" in page.text
    role = organisation.role("sales").id
    matrix = form_of(admin.get(f"/roles/matrix/?id={role}"))
    assert admin.post(f"/roles/matrix/save/?id={role}", data=matrix).status_code == 302


def test_what_there_is_not_is_not_kept(people, client_of):
    admin, about = client_of(people.dev), f"user={people.ana.id}&entity=customers"
    for what in ("", "fly", "field:nothing", "field:", "field:password_hash"):
        admin.post(f"/rights-cases/keep/?{about}", data={"what": what})
    for asked in ("user=999&entity=customers", f"user={people.ana.id}&entity=nothing",
                  f"{about}&record=999"):  # fmt: skip
        answer = admin.post(f"/rights-cases/keep/?{asked}", data={"what": "view"})
        assert answer.status_code == 404
    assert kept() == []
