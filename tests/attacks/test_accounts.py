"""Attacks on roles, accounts, sessions and the way in.

The numbers are those of docs/security.md.
"""

import logging

import pytest
from sqlalchemy import event, select

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.roles import Role
from crm_admin.models.users import User, UserSession
from crm_admin.services import access, organisation, passwords, records
from tests.conftest import PASSWORD
from tests.make import make
from tests.pages import form_of, lasting, words_of


@pytest.fixture
def manager(people):
    """A person who may do everything with users and roles, and nothing else: attack 30's U."""
    row = dict.fromkeys(("view", "create", "edit", "delete", "lookup"), "all")
    grants = {"users": row, "roles": row, "departments": {"lookup": "all"}}
    role = make(Role, code="personnel", label_en="Personnel", grants=grants)
    user = make(User, username="uma", name="Uma", department_id=people.dev.department_id)
    with records.transaction("tests"):
        records.change(user, {"roles": [role]}, people.system)
        user.password_hash = people.dev.password_hash
    return user


def again(record):
    db.session.rollback()
    return db.session.get(type(record), record.id)


def test_ones_own_profile_and_user_form_give_nothing(people, client_of):
    """Attack 29: a salesperson asks for more by every form that is theirs."""
    client, role = client_of(people.ana), organisation.role("administrator").id
    wanted = {"roles": role, "role": role, "department": people.dev.department_id}
    wanted |= {"is_active": "1", "is_system": "1", "username": "root", "email": "x@example.com"}
    kept = {"language": "en", "timezone": "", "theme": "dark"}
    assert client.post("/profile/preferences/", data=kept | wanted).status_code == 302
    assert client.post(f"/users/edit/?id={people.ana.id}", data=wanted).status_code == 404
    ana = again(people.ana)
    assert (ana.username, ana.email, [r.code for r in ana.roles]) == ("ana", None, ["sales"])
    assert (ana.theme, ana.is_system) == ("dark", False)


def test_who_manages_users_gets_no_further_by_it(manager, people, client_of):
    """Attack 30: nobody grants what they lack, nor touches who has more."""
    client, admin = client_of(manager), organisation.role("administrator")

    def roles_of(user, *roles):
        form = form_of(client.get(f"/users/edit/?id={user.id}"))
        form.setlist("roles", [str(role.id) for role in roles])
        client.post(f"/users/edit/?id={user.id}", data=form)
        return {role.code for role in again(user).roles}

    own = organisation.role("personnel")
    assert roles_of(manager, own, admin) == {"personnel"}
    assert roles_of(people.cho, own, admin) == {"sales"}
    newcomer = make(User, username="new", name="New")
    assert roles_of(newcomer, own) == {"personnel"}, "their own rights they may give"
    form = form_of(client.get(f"/users/edit/?id={people.dev.id}"))
    form |= {"email": "taken@example.com", "username": "taken"}
    client.post(f"/users/edit/?id={people.dev.id}", data=form)
    assert (again(people.dev).email, again(people.dev).username) == (None, "dev")
    before = people.dev.password_hash
    client.post("/users/set_password/", data={"id": people.dev.id})
    assert again(people.dev).password_hash == before
    client.post("/users/delete/", data={"id": people.dev.id})
    assert again(people.dev).deleted_at is None
    client.post("/users/set_password/", data={"id": newcomer.id})
    assert again(newcomer).password_hash
    form = form_of(client.get("/users/new/"))
    form |= {"name": "Root", "username": "root", "roles": str(admin.id), "is_system": "1"}
    client.post("/users/new/", data=form)
    made = organisation.by_username("root")
    assert made is None or not made.roles


def test_who_manages_roles_puts_no_right_into_their_own(manager, people, client_of):
    """Attack 30: by the matrix, the fields, a copy."""
    client, own = client_of(manager), organisation.role("personnel")
    cells = {f"{entity}.{verb}": "all" for entity in ("users", "roles")
             for verb in ("view", "create", "edit", "delete", "lookup")}  # fmt: skip
    client.post(f"/roles/matrix/save/?id={own.id}", data=cells | {"customers.view": "all"})
    assert "customers" not in again(own).grants
    client.post("/roles/copy/", data={"id": organisation.role("administrator").id})
    assert organisation.role("administrator_2") is None
    client.post(f"/roles/matrix/save/?id={organisation.role('sales').id}", data={"*.view": "all"})
    assert organisation.role("sales").grants["*"]["view"] == "own"
    assert client.get("/customers/").status_code == 404


def test_a_supervisor_widens_no_department(people, client_of):
    """Attack 31: neither by moving people nor departments, nor by a role."""
    client = client_of(people.ben)
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    for address in (f"/users/edit/?id={people.cho.id}", f"/users/edit/?id={people.ben.id}"):
        assert (
            client.post(address, data={"department": people.ben.department_id}).status_code == 403
        )
    south = db.session.scalar(select(Department).where(Department.code == "south"))
    sent = {"name": "South", "code": "south", "parent": people.ben.department_id, "version": "1"}
    assert client.post(f"/departments/edit/?id={south.id}", data=sent).status_code == 403
    assert client.post("/deputies/new/", data={
        "person": people.cho.id, "deputy": people.ben.id, "occasion": "x",
        "from_on": "2020-01-01", "until_on": "2099-01-01",
    }).status_code in (200, 302)  # fmt: skip
    assert client.get(f"/customers/details/?id={theirs.id}").status_code == 404


def test_the_last_administrator_stays(people, client_of):
    """Attack 32: neither by the form nor by deleting; one of two may go."""
    admin = organisation.by_username("admin")
    client = client_of(people.dev)
    with records.transaction("tests"):
        records.change(admin, {"is_active": False}, people.system)
    client.post("/users/delete/", data={"id": people.dev.id})
    form = form_of(client.get(f"/users/edit/?id={people.dev.id}"))
    form.poplist("is_active")
    client.post(f"/users/edit/?id={people.dev.id}", data=form)
    dev = again(people.dev)
    assert (dev.is_active, dev.deleted_at) == (True, None)


@pytest.mark.parametrize("end", ["deactivated", "deleted", "password", "signed out"])
def test_an_old_cookie_opens_nothing(end, people, client_of, site):
    """Attacks 33, 35: pages, files, forms and what is asked for by scripts, from that moment on."""
    client = client_of(people.ana)
    assert client.get("/customers/").status_code == 200
    copy = site.test_client()
    with client.session_transaction() as session, copy.session_transaction() as other:
        other["token"] = session["token"]
    if end == "signed out":
        client.post("/sign-out")
    with records.transaction("tests"):
        if end == "deactivated":
            records.change(people.ana, {"is_active": False}, people.dev)
        elif end == "deleted":
            records.delete(people.ana, people.dev)
        elif end == "password":
            passwords.set_password(people.ana, "another horse", people.dev)
    for browser in (client, copy):
        for way in ("/customers/", "/customers/export/csv/", "/customers/ajax/lookup/?name=parent"):
            answer = browser.get(way)
            assert (answer.status_code, "/sign-in" in answer.location) == (302, True)
        accepts = {"Accept": "application/json"}
        assert browser.get("/customers/", headers=accepts).status_code == 401
        assert browser.post("/customers/new/", data={"name": "x"}).status_code == 401


def test_a_right_that_was_taken_away_is_gone_at_the_next_request(people, client_of):
    """Attack 34: of a person, of their role, and by a limit of a field."""
    client, sales = client_of(people.ana), organisation.role("sales")
    make(Customer, name="Acme", phone="5551234", account_manager_id=people.ana.id)
    assert "5551234" in client.get("/customers/export/csv/").text
    with records.transaction("tests"):
        records.change(sales, {"fields": {"customers": {"phone": "hidden"}}}, people.dev)
    assert "5551234" not in client.get("/customers/export/csv/").text
    with records.transaction("tests"):
        row = {verb: scope for verb, scope in sales.grants["*"].items() if verb != "export"}
        records.change(sales, {"grants": sales.grants | {"*": row}}, people.dev)
    assert client.get("/customers/export/csv/").status_code == 403
    with records.transaction("tests"):
        records.change(people.ana, {"roles": []}, people.dev)
    assert client.get("/customers/").status_code == 404


@pytest.mark.parametrize("name", ["ana", "nobody at all", "off", "never", "system", "x" * 500])
def test_a_refused_sign_in_costs_the_same_whoever_it_is(name, people, site, monkeypatch):
    """Attack 39: one hash, as many statements, the same page, whether there is such a person."""
    with records.transaction("tests"):
        people.eve.username, people.eve.is_active = "off", False
        people.fay.username, people.fay.password_hash = "never", None
    worked = [work_of(site, one, monkeypatch) for one in ("ana", name)]
    assert worked[0] == worked[1]
    assert worked[0][0] == 1


def work_of(site, name, monkeypatch):
    hashes, statements, verify = [], [], type(passwords._hasher).verify

    def counted(self, *arguments):
        hashes.append(1)
        return verify(self, *arguments)

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement.split("WHERE")[0])

    monkeypatch.setattr(type(passwords._hasher), "verify", counted)
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        answer = site.test_client().post("/sign-in", data={"username": name, "password": "wrong"})
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        monkeypatch.undo()
    page = lasting(answer).replace(name[:200], "")
    return len(hashes), len(statements), answer.status_code, "not right" in page


@pytest.mark.attack
def test_guessing_is_slowed_by_name_and_by_address_wherever_it_seems_to_come_from(people, site):
    """Attack 40: counted in the database, and no header says from where somebody asks."""

    def tried(name, password="wrong", **headers):
        data = {"username": name, "password": password}
        return site.test_client().post("/sign-in", data=data, headers=headers).status_code

    said = [tried("ana", **{"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(9)]
    assert said == [401] * 8 + [429]
    assert tried("ana", PASSWORD) == 429
    assert tried("ben", PASSWORD) == 302
    one_for_all = [tried(f"user {n}", **{"X-Forwarded-For": f"10.0.1.{n}"}) for n in range(60)]
    assert one_for_all[-1] == 429


def test_a_session_that_was_there_before_signing_in_is_not_taken_on(people, site):
    """Attack 42."""
    client = site.test_client()
    with client.session_transaction() as session:
        session["token"], session["csrf_token"] = "known to the attacker", "known"
    client.post("/sign-in", data={"username": "ana", "password": PASSWORD})
    with client.session_transaction() as session:
        assert session["token"] != "known to the attacker"
        assert session.get("csrf_token") != "known"
    hashes = db.session.scalars(select(UserSession.token_hash)).all()
    assert hashes and not any("known" in one for one in hashes)


EVIL = [
    "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example",
    "\t//evil.example", "javascript:alert(1)", "@evil.example", "/\t/evil.example",
    "\\\\evil.example", "///evil.example", "/%0d%0aLocation:x\r\nX-A: b", " //evil.example",
    "data:text/html,x",
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_leads_away(evil, people, site, client_of):
    """Attack 46: after signing in, saving, choosing a language, from a page that is not ours."""
    typed = {"username": "ana", "password": PASSWORD, "next": evil}
    elsewhere = {"Referer": "https://evil.example/"}
    asked = [
        site.test_client().post("/sign-in", data=typed),
        client_of(people.ana).post("/language/en", data={"url": evil}),
        client_of(people.ana).post("/look", data={"theme": "dark"}, headers=elsewhere),
        client_of(people.dev).post("/inbox/read/", data={"id": "0", "url": evil}),
    ]  # fmt: skip
    for answer in asked:
        assert answer.status_code == 302
        assert answer.location.startswith("/") and answer.location[1:2] not in ("/", "\\")
        assert "evil" not in answer.location or "\\" not in answer.location
        assert "X-A" not in answer.headers


def test_no_page_tells_a_secret(people, client_of):
    """Attacks 37, 47: neither a token nor how a password is kept, of anybody, on any page."""
    client = client_of(people.dev)
    with client.session_transaction() as session:
        token = session["token"]
    secrets = {token, people.ana.password_hash, passwords._nobody}
    secrets |= set(db.session.scalars(select(UserSession.token_hash)))
    for way in (f"/users/details/?id={people.ana.id}", "/users/export/csv/", "/profile/", "/users/",
                f"/users/edit/?id={people.ana.id}", "/users/?sort=password_hash", "/jobs/",
                "/users/?password_hash.has=argon&search=argon"):  # fmt: skip
        text = client.get(way).text
        assert not [secret for secret in secrets if secret in text], way
        assert "argon2" not in text.replace("search=argon", ""), way


def test_the_log_holds_no_secret(people, site, client_of, caplog):
    """Attacks 64, 77: passwords, tokens, forged lines and what was typed stay out of the log."""
    canary = "canary-7f3a"
    with caplog.at_level(logging.DEBUG):
        browser = site.test_client()
        browser.post("/sign-in", data={"username": f"{canary}\r\nFAKE", "password": canary},
                     headers={"User-Agent": f"{canary}\x1b[31m"})  # fmt: skip
        browser.post("/sign-in", data={"username": "ana", "password": PASSWORD})
        with browser.session_transaction() as session:
            token = session["token"]
        browser.post(
            "/profile/password/", data={"current": canary, "new": canary, "repeat": canary}
        )
        browser.get(f"/customers/?search={canary}")
        client_of(people.dev).post("/users/set_password/", data={"id": people.cho.id})
    logged = "\n".join(f"{r.getMessage()} {r.__dict__}" for r in caplog.records
                       if r.name.partition(".")[0] in ("app", "crm_admin"))  # fmt: skip
    assert "signed in" in logged
    assert canary not in logged and PASSWORD not in logged and token not in logged


def test_a_person_without_roles_is_let_in_and_shown_nothing(people, client_of):
    """Attack 34: what no role grants is not allowed, and no menu leads there."""
    with records.transaction("tests"):
        records.change(people.ana, {"roles": []}, people.dev)
    client, seen = client_of(people.ana), []
    for entity in access.entities():
        if client.get(f"/{entity}/").status_code != 404:
            seen.append(entity)
    assert seen == []
    page = client.get("/")
    assert page.status_code == 200
    assert "Customers" not in words_of(page).partition("Skip to the content")[2]
