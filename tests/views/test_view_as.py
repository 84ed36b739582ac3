"""Looking as somebody else: what they see, nothing changed, and both their history knows."""

import pytest

from crm_admin.database import db
from crm_admin.errors import Denied
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import history, organisation, records, viewing
from tests.make import make
from tests.pages import form_of, words_of


@pytest.fixture
def two(people):
    """A customer of Ana's and one of Cho's."""
    return [
        make(Customer, name=f"Of {who.name}", phone="555", account_manager_id=who.id).id
        for who in (people.ana, people.cho)
    ]


def look(client, user):
    return client.post("/view-as/", data={"id": user.id})


def test_an_administrator_sees_what_somebody_sees_and_changes_nothing(people, client_of, two):
    """Source: S5"""
    admin, (hers, other) = client_of(people.dev), two
    form = form_of(admin.get(f"/customers/edit/?id={hers}"))
    assert look(admin, people.ana).location == "/"
    page = admin.get("/customers/")
    assert "You see what Ana sees. Nothing can be changed." in words_of(page)
    assert "Of Ana" in page.text and "Of Cho" not in page.text
    assert admin.get(f"/customers/details/?id={other}").status_code == 404
    assert admin.get("/users/").status_code == 404
    assert admin.get("/roles/").status_code == 404
    form["name"] = "Changed"
    for address, data in (
        (f"/customers/edit/?id={hers}", form),
        ("/customers/delete/", {"id": hers}),
        (f"/customers/share/?id={hers}", {"user": people.cho.id}),
        ("/profile/preferences/", {"language": "zh_Hans_CN"}),
        ("/look", {"theme": "dark"}),
        ("/inbox/read/", {}),
    ):
        assert admin.post(address, data=data).status_code == 403, address
    assert admin.get("/customers/export/csv/").status_code == 403
    db.session.rollback()
    assert db.session.get(Customer, hers).name == "Of Ana"
    assert admin.post("/view-as/end/").location == f"/users/details/?id={people.ana.id}"
    assert "Of Cho" in admin.get("/customers/").text
    entries = [(e.action, e.by) for e in history.of(people.ana, people.dev)][:2]
    assert entries == [("no longer viewed as", "Dev"), ("viewed as", "Dev")]
    page = words_of(admin.get(f"/users/details/?id={people.ana.id}"))
    assert "Somebody began to look as them" in page


def test_nobody_looks_as_who_has_more_rights_nor_without_the_right(people, client_of):
    other = make(User, name="Uma", username="uma")
    manager = {
        "users": {"view": "all", "edit": "all", "view_as": "all"},
        "customers": {"view": "all"},
    }
    from crm_admin.models.roles import Role

    with records.transaction("tests"):
        role = Role(code="manager", label_en="Manager", grants=manager)
        records.save(role, people.system)
        people.ben.roles = [role]
        records.save(people.ben, people.system)
    client = client_of(people.ben)
    for target in (people.dev, people.eve, people.system, people.ben):
        look(client, target)
        assert "You see what" not in client.get("/").text, target.username
    look(client, other)
    assert "You see what Uma sees" in words_of(client.get("/"))
    for who in (people.ana, people.fay):
        assert look(client_of(who), people.cho).status_code == 404
    gone = make(User, name="Gone", username="gone", is_active=False)
    look(client_of(people.dev), gone)
    assert not viewing.may(gone, people.dev)


def test_it_ends_when_the_right_is_taken_away_or_one_signs_out(people, client_of):
    admin = client_of(people.dev)
    look(admin, people.ana)
    assert "You see what" in admin.get("/").text
    second = make(User, name="Second", username="second")
    with records.transaction("tests"):
        second.roles = [organisation.role("administrator")]
        records.save(second, people.system)
        people.dev.roles = [organisation.role("auditor")]
        records.save(people.dev, people.system)
    assert "You see what" not in admin.get("/").text
    boss = client_of(second)
    look(boss, people.ana)
    assert boss.post("/sign-out").status_code == 302
    assert boss.get("/customers/").status_code == 302


def test_only_that_one_session_looks_as_somebody_else(people, client_of):
    one, other = client_of(people.dev), client_of(people.dev)
    look(one, people.ana)
    assert "You see what" in one.get("/").text
    assert "You see what" not in other.get("/").text
    assert other.get("/users/").status_code == 200


def test_the_write_path_itself_refuses(people):
    viewing.viewed(people.ana.id, people.dev)
    with pytest.raises(Denied), records.transaction("form"):
        pass
    db.session().info.clear()
