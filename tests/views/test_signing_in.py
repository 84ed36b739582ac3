"""Signing in and out, sessions that end, and passwords."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.users import SignInAttempt, UserSession
from crm_admin.services import organisation, records, tries
from crm_admin.views import signing_in
from tests.conftest import PASSWORD
from tests.make import make
from tests.pages import form_of


@pytest.fixture
def sign_in(app):
    """Return a browser in which somebody has typed their name and password."""

    def typed(username, password=PASSWORD, **more):
        client = app.test_client()
        data = {"username": username, "password": password} | more
        client.answer = client.post("/sign-in", data=data)
        return client

    return typed


def signed_in(client):
    return client.get("/").status_code == 200


def test_one_signs_in_with_ones_name_and_password_and_goes_on_where_one_was(sign_in):
    client = sign_in("ana", next="/customers/?page=2")
    assert client.answer.location == "/customers/?page=2"
    assert signed_in(client)


@pytest.mark.parametrize(
    ("username", "password"),
    [("ana", "wrong"), ("nobody", PASSWORD), ("", ""), ("system", PASSWORD), ("ana\0", PASSWORD),
     ("ana", "x" * 100_000)],
)  # fmt: skip
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(sign_in, username, password):
    client = sign_in(username, password)
    assert client.answer.status_code == 401
    assert "The user name or the password is not right." in client.answer.text
    assert not signed_in(client)


def test_after_too_many_wrong_tries_even_the_right_password_must_wait(sign_in, app):
    for _ in range(tries.MOST_PER_NAME):
        assert sign_in("ana", "wrong").answer.status_code == 401
    assert sign_in("ana").answer.status_code == 429
    assert sign_in("ben").answer.status_code == 302
    earlier = clock.now() - tries.WINDOW - timedelta(seconds=1)
    with records.transaction("tests"):
        db.session.execute(update(SignInAttempt).values(tried_at=earlier))
    assert sign_in("ana").answer.status_code == 302


def test_a_name_is_guessed_at_as_one_name_however_it_is_written(sign_in):
    for name in ("ana", "ANA", " ana ", "Ana") * 2:
        sign_in(name, "wrong")
    assert sign_in("ana").answer.status_code == 429


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(sign_in, app):
    client, copy = sign_in("ana"), app.test_client()
    with client.session_transaction() as session:
        token = session["token"]
    with copy.session_transaction() as session:
        session["token"] = token
    assert signed_in(copy)
    answer = client.post("/sign-out")
    assert "cache" in answer.headers["Clear-Site-Data"]
    assert not signed_in(client)
    assert not signed_in(copy)


def test_signing_in_gives_a_new_session_whatever_cookie_was_there(sign_in, app):
    client = app.test_client()
    with client.session_transaction() as session:
        session["token"] = "planted"
    client.post("/sign-in", data={"username": "ana", "password": PASSWORD})
    with client.session_transaction() as session:
        assert session["token"] != "planted"
    assert signed_in(client)


@pytest.mark.parametrize("what", ["deactivated", "deleted"])
def test_who_is_no_longer_with_the_company_is_out_at_the_next_request(sign_in, people, what):
    client = sign_in("ana")
    with records.transaction("tests"):
        if what == "deleted":
            records.delete(people.ana, people.dev)
        else:
            records.change(people.ana, {"is_active": False}, people.dev)
    assert not signed_in(client)
    assert sign_in("ana").answer.status_code == 401


@pytest.mark.parametrize(
    ("unused", "age", "lives"),
    [(119, 1, True), (121, 1, False), (1, 11, True), (1, 13, False)],
    ids=["used lately", "unused too long", "of today", "too old"],
)
def test_a_session_lasts_two_hours_unused_and_twelve_at_most(sign_in, unused, age, lives):
    client, now = sign_in("ana"), clock.now()
    with records.transaction("tests"):
        changed = {
            "seen_at": now - timedelta(minutes=unused),
            "expires_at": now + timedelta(hours=12 - age),
        }
        db.session.execute(update(UserSession).values(**changed))
    assert signed_in(client) is lives


def test_a_new_password_ends_all_other_sessions(sign_in):
    here, there = sign_in("ana"), sign_in("ana")
    sent = {"current": PASSWORD, "new": "my kingdom for a mule", "repeat": "my kingdom for a mule"}
    assert here.post("/profile/password/", data=sent).status_code == 302
    assert signed_in(here)
    assert not signed_in(there)
    assert sign_in("ana").answer.status_code == 401
    assert sign_in("ana", sent["new"]).answer.status_code == 302


@pytest.mark.parametrize(
    ("current", "new", "repeat", "said"),
    [
        ("wrong", "my kingdom for a mule", None, "This is not your present password."),
        (PASSWORD, "my kingdom for a mule", "another", "The two new passwords differ."),
        (PASSWORD, "short", None, "A password has 10 to 256 characters."),
        (PASSWORD, "password123", None, "This password is too easy to guess."),
        (PASSWORD, "aaaaaaaaaaaa", None, "This password is too easy to guess."),
    ],
)
def test_a_new_password_is_refused_with_the_reason(sign_in, current, new, repeat, said):
    client = sign_in("ana")
    sent = {"current": current, "new": new, "repeat": repeat or new}
    assert said in client.post("/profile/password/", data=sent).text
    assert new not in client.get("/profile/").text
    assert sign_in("ana").answer.status_code == 302


def test_a_password_given_by_an_administrator_must_be_changed_first(sign_in, people, client_of):
    admin = client_of(people.dev)
    page = admin.post("/users/set_password/", data={"id": people.ana.id}, follow_redirects=True)
    new = page.text.partition("shown once: ")[2].split("<")[0].strip()
    client = sign_in("ana", new)
    for address in ("/", "/customers/", "/search/", "/customers/export/csv/"):
        assert client.get(address).location == "/profile/?first=1"
    assert client.get("/profile/?first=1").status_code == 200
    sent = {"current": new, "new": "my kingdom for a mule", "repeat": "my kingdom for a mule"}
    client.post("/profile/password/", data=sent)
    assert client.get("/customers/").status_code == 200


def test_one_ends_ones_own_sessions_and_no_other(sign_in, people):
    here, there, other = sign_in("ana"), sign_in("ana"), sign_in("ben")
    rows = {s.user_id: s.id for s in db.session.query(UserSession).order_by(UserSession.id)}
    here.post(f"/profile/sessions/end/?id={rows[people.ben.id]}")
    assert signed_in(other)
    here.post(f"/profile/sessions/end/?id={rows[people.ana.id]}")
    assert not signed_in(there)
    assert signed_in(here)


@pytest.fixture
def lost(people, client_of):
    """Ana's form of a customer, sent after her session has ended: (answer, customer)."""
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    client = client_of(people.ana)
    address = f"/customers/edit/?id={acme.id}"
    form = form_of(client.get(address))
    with records.transaction("tests"):
        db.session.execute(update(UserSession).values(ended_at=clock.now()))
    form["notes"] = "Typed for an hour <b>"
    answer = client.post(address, data=form)
    assert answer.status_code == 401
    assert "What you typed is kept" in answer.text
    return client, answer, acme


def _draft(answer):
    return answer.text.partition('name="draft" value="')[2].partition('"')[0]


def test_what_was_typed_when_the_session_ended_can_be_saved_after_signing_in(lost):
    client, answer, acme = lost
    sent = {"username": "ana", "password": PASSWORD, "draft": _draft(answer)}
    page = client.post("/sign-in", data=sent)
    assert page.status_code == 200
    assert "Typed for an hour &lt;b&gt;" in page.text
    action = page.text.partition('action="/customers')[2].partition('"')[0]
    form = form_of(page, "action")
    assert client.post(f"/customers{action}", data=form).status_code == 302
    db.session.rollback()
    assert acme.notes == "Typed for an hour <b>"


def test_the_form_goes_to_the_sign_in_and_holds_no_password(lost):
    client, answer, _ = lost
    assert 'action="/sign-in"' in answer.text
    assert '<form method="post">' not in answer.text  # it would go to the page that was lost
    chinese = client.post("/sign-in?language=zh-Hans-CN", data={"draft": _draft(answer)})
    assert _draft(chinese) == _draft(answer)
    assert "登录" in chinese.text


def test_a_first_password_is_no_part_of_what_is_kept(people, client_of):
    client = client_of(people.dev)
    form = form_of(client.get("/users/new/"))
    form |= {"name": "Quokka", "password": "five wild horses"}
    with records.transaction("tests"):
        organisation.end_sessions(people.dev)
    draft = _draft(client.post("/users/new/", data=form))

    with client.application.app_context():
        kept = dict(signing_in._seal().loads(draft)["typed"])
    assert kept["name"] == "Quokka"
    assert "password" not in kept


def test_a_wrong_password_does_not_lose_what_was_typed(lost):
    client, answer, _ = lost
    sent = {"username": "ana", "password": "wrong", "draft": _draft(answer)}
    again = client.post("/sign-in", data=sent)
    assert _draft(again) == _draft(answer)


def test_another_person_who_signs_in_there_gets_nothing_of_it(lost):
    client, answer, _ = lost
    sent = {"username": "ben", "password": PASSWORD, "draft": _draft(answer)}
    page = client.post("/sign-in", data=sent)
    assert page.status_code == 302
    assert "Typed for an hour" not in page.text


@pytest.mark.parametrize("draft", ["x", "a.b.c", "\0", "x" * 300_000])
def test_a_forged_draft_is_nothing(sign_in, draft):
    assert sign_in("ana", draft=draft).answer.status_code == 302


def test_a_host_that_is_not_ours_gets_no_page(site, monkeypatch):
    monkeypatch.setitem(site.config, "TRUSTED_HOSTS", ["crm.example.com"])
    client = site.test_client()
    for path in ("/", "/sign-in", "/customers/"):
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/sign-in", headers={"Host": "crm.example.com"}).status_code == 200
