"""Users, roles and departments on their pages."""

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import Invalid
from crm_admin.models.audit import AuditEntry
from crm_admin.models.roles import Role
from crm_admin.models.users import User
from crm_admin.services import organisation, records
from tests.conftest import PASSWORD
from tests.make import make
from tests.pages import form_of


@pytest.fixture
def last(people):
    """The last administrator: the one who came with the installation has left."""
    with records.transaction("tests"):
        records.change(organisation.by_username("admin"), {"is_active": False}, people.dev)
    return people.dev


def test_the_last_administrator_can_neither_leave_nor_hand_the_role_over(last, people, client_of):
    client, id = client_of(last), last.id
    address = f"/users/edit/?id={id}"
    form = form_of(client.get(address))
    sales = organisation.role("sales").id
    for typed in ({"roles": sales}, {"is_active": None}):
        sent = {k: v for k, v in (form.to_dict() | typed).items() if v is not None}
        assert "The last administrator must stay one." in client.post(address, data=sent).text
    client.post("/users/delete/", data={"id": id})
    db.session.rollback()
    assert last.deleted_at is None, "the last administrator was deleted"
    assert organisation.administrators() == 1


def test_the_role_of_administrators_stays(people, client_of):
    client, role = client_of(people.dev), organisation.role("administrator")
    id = role.id
    client.post("/roles/delete/", data={"id": id})
    db.session.rollback()
    assert role.deleted_at is None, "the role of administrators was deleted"
    address = f"/roles/edit/?id={id}"
    client.post(address, data={**form_of(client.get(address)), "code": "boss"})
    client.post(f"/roles/matrix/save/?id={id}", data={"*.view": "own"})
    db.session.rollback()
    assert organisation.administrators() == 2, "nobody administers any more"
    assert client.get("/users/").status_code == 200
    assert client.get(f"/users/edit/?id={people.ana.id}").status_code == 200


def test_a_role_that_somebody_has_cannot_be_deleted(people, client_of):
    client, role = client_of(people.dev), organisation.role("sales")
    client.post("/roles/delete/", data={"id": role.id})
    db.session.rollback()
    assert role.deleted_at is None
    spare = make(Role, label_en="Spare")
    client.post("/roles/delete/", data={"id": spare.id})
    db.session.rollback()
    assert spare.deleted_at is not None


@pytest.mark.parametrize("who", ["ana", "ben", "eve", "fay"])
def test_only_administrators_make_users(people, client_of, who):
    client = client_of(getattr(people, who))
    sent = {"name": "New", "username": "new", "roles": organisation.role("sales").id}
    assert client.post("/users/new/", data=sent).status_code in (403, 404)
    assert organisation.by_username("new") is None
    assert client_of(people.dev).post("/users/new/", data=sent).status_code == 302
    db.session.rollback()
    assert organisation.by_username("new") is not None


def test_a_new_user_signs_in_with_the_first_password_and_chooses_another(people, client_of, app):
    sent = {"name": "New", "username": "new", "is_active": "y", "password": "first password 1"}
    assert client_of(people.dev).post("/users/new/", data=sent).status_code == 302
    client = app.test_client()
    client.post("/sign-in", data={"username": "new", "password": "first password 1"})
    assert client.get("/customers/").location == "/profile/?first=1"


def test_a_bad_first_password_makes_no_user(people, client_of):
    sent = {"name": "New", "username": "new", "is_active": "y", "password": "mule 5"}
    answer = client_of(people.dev).post("/users/new/", data=sent)
    assert "A password has 10 to 256 characters." in answer.text
    assert "mule 5" not in answer.text
    assert organisation.by_username("new") is None


def test_who_may_edit_users_gives_nobody_more_rights_than_they_have(people, client_of):
    grants = {"users": {"view": "all", "edit": "all", "create": "all"}, "roles": {"lookup": "all"}}
    clerk = make(Role, label_en="Clerk", code="clerk", grants=grants)
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [clerk]}, people.dev)
    client, administrator = client_of(people.eve), organisation.role("administrator").id
    address = f"/users/edit/?id={people.eve.id}"
    client.post(address, data={**form_of(client.get(address)), "roles": administrator})
    db.session.rollback()
    assert [r.code for r in people.eve.roles] == ["clerk"], "a clerk became an administrator"
    before = people.dev.password_hash
    client.post("/users/set_password/", data={"id": people.dev.id})
    db.session.rollback()
    assert people.dev.password_hash == before, "a clerk gave an administrator a new password"
    address = f"/users/edit/?id={people.dev.id}"
    if (page := client.get(address)).status_code == 200:
        client.post(address, data={**form_of(page), "username": "mine"})
    db.session.rollback()
    assert people.dev.username == "dev"


def test_rights_taken_away_are_gone_at_the_next_request(people, client_of):
    admin, ana = client_of(people.dev), client_of(people.ana)
    assert ana.get("/customers/export/csv/").status_code == 200
    role = organisation.role("sales")
    sent = {f"customers.{verb}": "own" for verb in ("view", "edit", "create")}
    admin.post(f"/roles/matrix/save/?id={role.id}", data=sent | {"customers.export": "none"})
    assert ana.get("/customers/export/csv/").status_code == 403
    assert ana.get("/customers/").status_code == 200


def test_the_history_of_a_user_tells_which_roles_they_had(people, client_of):
    client, id = client_of(people.dev), people.ana.id
    address = f"/users/edit/?id={id}"
    form = form_of(client.get(address))
    form.setlist("roles", [organisation.role(code).id for code in ("sales", "auditor")])
    assert client.post(address, data=form).status_code == 302
    entry = db.session.scalar(
        select(AuditEntry)
        .where(AuditEntry.entity == "users", AuditEntry.record_id == id)
        .order_by(AuditEntry.id.desc())
    )
    assert entry.changes == {"roles": [["sales"], ["auditor", "sales"]]}
    assert entry.actor_id == people.dev.id
    page = client.get(f"/users/details/?id={id}").text
    assert "auditor, sales" in page


def test_no_page_or_file_shows_how_passwords_are_kept(people, client_of):
    client = client_of(people.dev)
    secret = people.dev.password_hash
    pages = [f"/users/{page}/?id={people.dev.id}" for page in ("details", "edit")]
    for address in (*pages, "/users/", "/users/export/csv/", "/profile/"):
        text = client.get(address).text
        assert secret not in text
        assert "argon2" not in text
        assert PASSWORD not in text


def test_a_department_cannot_belong_to_one_below_it(people, client_of):
    client = client_of(people.dev)
    hq, north = organisation.department("HQ"), organisation.department("north")
    address = f"/departments/edit/?id={hq.id}"
    answer = client.post(address, data={**form_of(client.get(address)), "parent": north.id})
    assert "A department cannot belong to itself or to one below it." in answer.text


def test_a_username_may_be_had_once_among_the_living(people, client_of):
    client = client_of(people.dev)
    sent = {"name": "Another", "username": "ana"}
    assert "Another record has this already." in client.post("/users/new/", data=sent).text
    assert client.post("/users/delete/", data={"id": people.ana.id}).status_code == 302
    assert client.post("/users/new/", data=sent).status_code == 302
    restored = client.post("/users/restore/", data={"id": people.ana.id}, follow_redirects=True)
    assert "Another record has this already." in restored.text
    found = select(User.id).where(User.username == "ana", User.deleted_at.is_(None))
    assert len(db.session.scalars(found).all()) == 1


def test_a_users_page_names_their_roles(people, client_of):
    page = client_of(people.dev).get(f"/users/details/?id={people.ana.id}").text
    assert "Sales" in page


@pytest.fixture
def personnel(people):
    """Eve keeps users and roles, but is no administrator and does not see expenses."""
    grants = {
        entity: {"view": "all", "create": "all", "edit": "all"} for entity in ("users", "roles")
    }
    role = make(Role, label_en="Personnel", grants=grants)
    with records.transaction("tests"):
        people.eve.roles = [role]
        records.save(people.eve, organisation.system())
    return role


def test_nobody_puts_rights_into_a_role_that_they_lack(personnel, people, client_of):
    client, kept = client_of(people.eve), personnel.grants
    for cells in ({"*.view": "all"}, {"expenses.view": "own"}, {"users.delete": "all"}):
        sent = {f"{e}.{v}": s for e, row in kept.items() for v, s in row.items()} | cells
        page = client.post(
            f"/roles/matrix/save/?id={personnel.id}", data=sent, follow_redirects=True
        )
        assert "has rights that you do not have" in page.text
        db.session.rollback()
        assert personnel.grants == kept
    sales = organisation.role("sales")
    before = sales.grants
    client.post(f"/roles/matrix/save/?id={sales.id}", data={"users.view": "all"})
    db.session.rollback()
    assert sales.grants == before, "rights were taken away by who lacks them"


def test_who_has_a_right_may_give_it_and_take_it_away(personnel, people, client_of):
    client, spare = client_of(people.eve), make(Role, label_en="Spare")
    for cells, kept in (({"users.view": "all"}, {"users": {"view": "all"}}), ({}, {})):
        client.post(f"/roles/matrix/save/?id={spare.id}", data=cells)
        db.session.rollback()
        assert {entity: row for entity, row in spare.grants.items() if row} == kept


def test_administrators_mend_a_role_that_lost_what_theirs_lost(people, client_of):
    client, role = client_of(people.dev), organisation.role("administrator")
    grants = dict(role.grants["*"])
    for right in ("none", "all"):
        sent = {f"*.{verb}": scope for verb, scope in (grants | {"export": right}).items()}
        client.post(f"/roles/matrix/save/?id={role.id}", data=sent)
    db.session.rollback()
    assert role.grants["*"]["export"] == "all"


def test_a_user_of_a_role_from_which_a_right_was_taken_away_can_be_changed(people, client_of):
    role = make(
        Role, label_en="No choosing", grants={"customers": {"view": "all", "lookup": "none"}}
    )
    with records.transaction("tests"):
        people.ana.roles = [role]
        records.save(people.ana, organisation.system())
    client, address = client_of(people.dev), f"/users/edit/?id={people.ana.id}"
    sent = form_of(client.get(address)).to_dict() | {"phone": "555 0100"}
    assert client.post(address, data=sent).status_code == 302
    db.session.rollback()
    assert people.ana.phone == "555 0100"


def test_who_does_not_see_roles_changes_a_user_without_taking_any_away(people, client_of):
    everything = dict.fromkeys(("view", "create", "edit"), "all")
    personnel = make(Role, label_en="Personnel", grants={"*": everything, "roles": {}})
    reader = make(Role, code="reader", label_en="Reader", grants={"customers": {"view": "all"}})
    with records.transaction("tests"):
        people.eve.roles, people.ana.roles = [personnel], [reader]
        records.save(people.eve, organisation.system())
        records.save(people.ana, organisation.system())
    client, address = client_of(people.eve), f"/users/edit/?id={people.ana.id}"
    sent = form_of(client.get(address)).to_dict() | {"phone": "555 0100"}
    assert client.post(address, data=sent).status_code == 302
    db.session.rollback()
    assert people.ana.phone == "555 0100"
    assert [role.code for role in people.ana.roles] == ["reader"]


def test_a_new_password_stays_on_the_page_until_it_is_left(people, client_of):
    client = client_of(people.dev)
    client.post("/users/set_password/", data={"id": people.ana.id})
    page = client.get(f"/users/details/?id={people.ana.id}").text
    notice = page.partition("shown once:")[0].rpartition("<div")[0]
    assert notice.rstrip().endswith("</svg>")
    assert "data-toast" not in page.partition("shown once:")[0].rpartition('role="alert"')[2]


def test_the_systems_own_user_stays_as_it_is(people, client_of):
    client, id = client_of(people.dev), people.system.id
    page = client.get(f"/users/details/?id={id}").text
    assert "New password" not in page
    assert f"/users/edit/?id={id}" not in page
    client.post("/users/delete/", data={"id": id})
    client.post("/users/set_password/", data={"id": id})
    client.post(f"/users/edit/?id={id}", data={"name": "x", "username": "system2"})
    db.session.rollback()
    assert (people.system.deleted_at, people.system.password_hash) == (None, None)
    assert people.system.username != "system2"


def test_who_may_only_add_users_can_give_a_first_password(people, client_of):
    grants = {"users": {"view": "all", "create": "all"}, "departments": {"lookup": "all"}}
    role = make(Role, label_en="Desk", grants=grants, fields={})
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [role]}, people.dev)
    client = client_of(people.eve)
    form = form_of(client.get("/users/new/"))
    form |= {"name": "New", "username": "newcomer", "password": "five wild horses"}
    assert client.post("/users/new/", data=form).status_code == 302
    db.session.rollback()
    assert organisation.by_username("newcomer").must_change_password


def test_what_names_a_record_cannot_be_hidden(people):
    role = organisation.role("sales")
    with pytest.raises(Invalid, match="names a record"), records.transaction("tests"):
        records.change(role, {"fields": {"customers": {"name": "hidden"}}}, people.dev)


def test_the_language_can_be_chosen_below_a_refused_password(people, client_of):
    client = client_of(people.dev)
    client.post("/profile/password/", data={"current": "wrong", "new": "x", "repeat": "y"})
    there = "http://localhost/profile/password/"
    answer = client.post("/language/zh-Hans-CN", headers={"Referer": there})
    assert client.get(answer.location, follow_redirects=True).status_code == 200
