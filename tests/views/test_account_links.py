"""Links that open an account: a new password by mail, and invitations."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.accounts import AccountToken
from crm_admin.models.audit import AuditEntry
from crm_admin.models.outbox import Letter
from crm_admin.models.roles import Role
from crm_admin.models.users import SignInAttempt, User
from crm_admin.services import organisation, records, resets, tries
from tests.calls import counted
from tests.conftest import PASSWORD
from tests.mailing import PUBLIC, letters, link_in
from tests.make import make
from tests.pages import lasting, words_of

NEW = "my kingdom for a mule"


@pytest.fixture
def ana(people, mailing):
    """Ana has an address, and mail is set up."""
    with records.transaction("tests"):
        people.ana.email = "Ana@example.com"
    return people.ana


def ask(app, name, **options):
    return app.test_client().post("/forgot-password", data={"name": name}, **options)


def link_of(app, number=-1):
    return link_in(letters(app)[number][2])


def token_of(link):
    return link.partition("token=")[2]


def choose(app, link, new=NEW, repeat=None):
    sent = {"token": token_of(link), "new": new, "repeat": repeat or new}
    return app.test_client().post(link.partition("?")[0], data=sent)


def sign_in(app, username, password=PASSWORD):
    client = app.test_client()
    client.answer = client.post("/sign-in", data={"username": username, "password": password})
    return client


def signed_in(client):
    return client.get("/").status_code == 200


def pass_time(monkeypatch, **by):
    later = clock.now() + timedelta(**by)
    monkeypatch.setattr(clock, "now", lambda: later)


def history(user):
    found = select(AuditEntry.action).where(
        AuditEntry.entity == "users", AuditEntry.record_id == user.id
    )
    return list(db.session.scalars(found.order_by(AuditEntry.id)))


def test_a_forgotten_password_is_replaced_by_a_link_in_a_mail(app, ana):
    assert "Forgot your password?" in app.test_client().get("/sign-in").text
    before, id = sign_in(app, "ana"), ana.id
    answer = ask(app, "ana")
    assert "a mail with a link is on its way" in answer.text
    [(recipient, subject, text)] = letters(app)
    assert recipient == "Ana@example.com"
    assert subject == "CRM Admin: choose a new password"
    link = link_in(text)
    page = app.test_client().get(link)
    assert 'value="ana"' in page.text
    assert choose(app, link).location == "/sign-in"
    assert not signed_in(before), "all sessions end"
    assert sign_in(app, "ana").answer.status_code == 401
    assert signed_in(sign_in(app, "ana", NEW))
    assert history(db.session.get(User, id))[-3:] == [
        "password reset asked",
        "password changed",
        "password reset",
    ]
    assert letters(app)[-1][1] == "CRM Admin: your password was changed"
    inbox = sign_in(app, "ana", NEW).get("/inbox/")
    assert "Your password was changed by a link in a mail." in words_of(inbox)


@pytest.mark.parametrize("typed", ["ANA@EXAMPLE.COM", "ana@example.com", " ana "])
def test_a_link_is_asked_for_by_name_or_address(app, ana, typed):
    ask(app, typed)
    assert [recipient for recipient, _s, _t in letters(app)] == ["Ana@example.com"]


def test_an_address_of_several_accounts_gets_a_link_for_each(app, ana, people):
    with records.transaction("tests"):
        people.ben.email = "ana@example.com"
    ask(app, "ana@example.com")
    assert [re.search("user (\\w+)", text)[1] for _r, _s, text in letters(app)] == ["ana", "ben"]


@pytest.mark.parametrize(
    "name", ["nobody", "nobody@example.com", "", "a\0b", "system", "ben", "cho", "x" * 5000, "dev"]
)
def test_the_answer_is_the_same_whoever_has_an_account(app, ana, people, name):
    with records.transaction("tests"):
        people.ben.email, people.ben.is_active = "ben@example.com", False
        people.cho.email, people.cho.password_hash = "cho@example.com", None
        people.dev.email = "no address at all"
    known = ask(app, "ana")
    unknown = ask(app, name)
    assert unknown.status_code == known.status_code == 200
    assert lasting(unknown) == lasting(known)
    assert len(letters(app)) == 1


def test_it_is_as_much_work_for_a_name_that_nobody_has(app, ana, monkeypatch):
    monkeypatch.setattr(tries, "MOST_PER_ADDRESS", 10_000)
    monkeypatch.setattr(resets, "MOST_LETTERS", 10_000)
    done = {}
    for name in ("ana", "nobody") * 3:  # the first ones also fill what is kept in memory
        with counted() as calls:
            ask(app, name)
        done[name] = len(calls)
    assert abs(done["ana"] - done["nobody"]) < done["ana"] / 10, done


def test_a_link_works_once(app, ana):
    ask(app, "ana")
    link = link_of(app)
    assert choose(app, link).status_code == 302
    answer = choose(app, link, "another long password")
    assert answer.status_code == 404
    assert "This link was used before, or it has run out." in answer.text
    assert app.test_client().get(link).status_code == 404
    assert sign_in(app, "ana", NEW).answer.status_code == 302


@pytest.mark.parametrize(("minutes", "works"), [(29, True), (31, False)])
def test_a_link_works_for_half_an_hour(app, ana, monkeypatch, minutes, works):
    ask(app, "ana")
    link = link_of(app)
    pass_time(monkeypatch, minutes=minutes)
    assert choose(app, link).status_code == (302 if works else 404)
    assert (sign_in(app, "ana", NEW).answer.status_code == 302) is works


def test_a_second_link_makes_the_first_worthless(app, ana):
    ask(app, "ana")
    ask(app, "ana")
    assert choose(app, link_of(app, 0)).status_code == 404
    assert choose(app, link_of(app, 1)).status_code == 302


def test_looking_at_a_link_does_not_use_it_up(app, ana):
    ask(app, "ana")
    for _ in range(3):
        assert app.test_client().get(link_of(app)).status_code == 200
    assert choose(app, link_of(app)).status_code == 302


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_link_that_was_altered_opens_nothing(app, ana, place):
    ask(app, "ana")
    token = token_of(link_of(app))
    letter = "A" if token[place] != "A" else "B"
    altered = list(token)
    altered[place] = letter
    assert choose(app, f"/reset?token={''.join(altered)}").status_code == 404
    assert choose(app, f"/reset?token={token}").status_code == 302


def test_a_link_serves_its_own_purpose_only(app, ana, people, client_of):
    ask(app, "ana")
    token = token_of(link_of(app))
    assert choose(app, f"/invitation?token={token}").status_code == 404
    client = app.test_client()
    with client.session_transaction() as session:
        session["second_step"] = token
    assert client.post("/sign-in/code", data={"code": "000000"}).location == "/sign-in"
    assert choose(app, f"/reset?token={token}").status_code == 302


@pytest.mark.parametrize(
    ("new", "repeat", "said"),
    [
        ("short", None, "A password has 10 to 256 characters."),
        ("password123", None, "This password is too easy to guess."),
        (NEW, "another", "The two new passwords differ."),
    ],
)
def test_a_bad_password_is_refused_and_the_link_stays_good(app, ana, new, repeat, said):
    ask(app, "ana")
    answer = choose(app, link_of(app), new, repeat)
    assert said in answer.text
    assert choose(app, link_of(app)).status_code == 302


@pytest.mark.parametrize(
    "what", ["deactivated", "deleted", "new password", "second factor", "another address"]
)
def test_a_link_dies_with_what_it_was_made_for(app, ana, people, client_of, what):
    ask(app, "ana")
    link = link_of(app)
    admin, id = client_of(people.dev), people.ana.id
    with records.transaction("tests"):
        if what == "deactivated":
            records.change(people.ana, {"is_active": False}, people.dev)
        elif what == "deleted":
            records.delete(people.ana, people.dev)
        elif what == "another address":
            records.change(people.ana, {"email": "new@example.com"}, people.dev)
    if what == "new password":
        admin.post("/users/set_password/", data={"id": id})
    if what == "second factor":
        with records.transaction("tests"):
            people.ana.second_factor_at = clock.now()
        admin.post("/accounts/take-away/", data={"id": id, "current": PASSWORD})
    assert choose(app, link).status_code == 404


def test_a_reset_does_not_skip_the_second_factor(app, ana):
    with records.transaction("tests"):
        ana.second_factor_at = clock.now()
    ask(app, "ana")
    choose(app, link_of(app))
    client = sign_in(app, "ana", NEW)
    assert "Your code, please" in client.answer.text
    assert not signed_in(client)


def test_a_reset_does_not_let_anybody_guess_more_codes(app, ana):
    with records.transaction("tests"):
        ana.second_factor_at = clock.now()
    client = sign_in(app, "ana")
    for _ in range(tries.MOST_PER_NAME):
        client.post("/sign-in/code", data={"code": "000000"})
    ask(app, "ana")
    choose(app, link_of(app))
    assert sign_in(app, "ana", NEW).answer.status_code == 429


def test_a_link_leads_to_the_public_address_whatever_host_is_named(app, ana, monkeypatch):
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    ask(app, "ana", headers=evil)
    ask(app, "ana", base_url="http://evil.example")
    assert all(f"{PUBLIC}/reset?token=" in text for _r, _s, text in letters(app))
    assert "evil" not in str(letters(app))
    monkeypatch.setitem(app.config, "TRUSTED_HOSTS", ["crm.example.com"])
    assert ask(app, "ana", headers=evil).status_code == 400


@pytest.mark.parametrize("missing", ["MAIL_HOST", "PUBLIC_URL"])
def test_without_mail_or_a_public_address_nothing_is_offered(app, ana, monkeypatch, missing):
    monkeypatch.setitem(app.config, missing, "")
    client = app.test_client()
    assert "Forgot your password?" not in client.get("/sign-in").text
    assert client.get("/forgot-password").status_code == 404
    assert ask(app, "ana").status_code == 404
    assert letters(app) == []


def test_an_account_gets_few_letters_and_the_answer_does_not_tell(app, ana):
    answers = [ask(app, name) for name in ["ana", "ana@example.com"] * 6]
    assert {answer.status_code for answer in answers} == {200}
    assert len({lasting(answer) for answer in answers}) == 1
    assert len(letters(app)) == resets.MOST_LETTERS


def test_an_address_that_asks_for_many_names_must_wait(app, ana):
    for number in range(tries.MOST_PER_ADDRESS):
        assert ask(app, f"name{number}").status_code == 200
    assert ask(app, "ana").status_code == 429
    assert ask(app, "ana", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200


def test_asking_for_links_does_not_lock_an_account(app, ana):
    for _ in range(tries.MOST_PER_NAME + 2):
        ask(app, "ana")
    assert sign_in(app, "ana").answer.status_code == 302


def test_a_token_is_kept_and_logged_nowhere(app, ana, people, client_of, capsys):
    ask(app, "ana")
    link = link_of(app)
    token = token_of(link)
    app.test_client().get(link)
    admin = client_of(people.dev)
    for address in ("/jobs/", f"/accounts/?user={ana.id}", f"/users/details/?id={ana.id}"):
        assert token not in admin.get(address).text
    choose(app, link)
    for table in (AccountToken, Letter, AuditEntry, SignInAttempt):
        assert token not in str(db.session.execute(select(table.__table__)).all())
    assert token not in "".join(capsys.readouterr())


# Invitations.


@pytest.fixture
def newcomer(people):
    user = make(User, name="New", username="newcomer", email="new@example.com")
    with records.transaction("tests"):
        user.roles = [organisation.role("sales")]
    return user


def invite(client, user):
    return client.post("/accounts/invite/", data={"id": user.id})


def shown_link(page):
    return re.search(r'id="invitation-link">http://localhost(/[^<]+)<', page.text)[1]


def test_an_invitation_is_shown_once_where_mail_is_not_set_up(app, newcomer, people, client_of):
    client = client_of(people.dev)
    details = client.get(f"/users/details/?id={newcomer.id}").text
    assert "Invite" in details
    link = shown_link(invite(client, newcomer))
    page = client.get(f"/accounts/?user={newcomer.id}")
    assert token_of(link) not in page.text
    assert "Sent, not used yet" in page.text
    assert sign_in(app, "newcomer", "").answer.status_code == 401
    assert 'value="newcomer"' in app.test_client().get(link).text
    assert choose(app, link).location == "/sign-in"
    guest = sign_in(app, "newcomer", NEW)
    assert guest.get("/customers/").status_code == 200, "the password is their own already"
    page = client.get(f"/accounts/?user={newcomer.id}").text
    assert "Used" in page
    assert "Invite anew" not in page
    assert history(newcomer)[-3:] == ["invited", "password changed", "invitation accepted"]


def test_an_invitation_goes_by_mail_where_it_can(app, newcomer, people, client_of, mailing):
    answer = invite(client_of(people.dev), newcomer)
    assert answer.status_code == 302
    [(recipient, subject, text)] = letters(app)
    assert (recipient, subject) == ("new@example.com", "CRM Admin: your account")
    assert choose(app, link_in(text)).status_code == 302
    assert signed_in(sign_in(app, "newcomer", NEW))


def test_a_letter_is_in_the_language_of_who_reads_it(app, newcomer, people, client_of, mailing):
    with records.transaction("tests"):
        newcomer.language = "zh_Hans_CN"
    invite(client_of(people.dev), newcomer)
    [(_recipient, subject, text)] = letters(app)
    assert re.search("[\u4e00-\u9fff]{3}", subject)
    assert re.search("[\u4e00-\u9fff]{3}", text)


@pytest.mark.parametrize(("hours", "works"), [(71, True), (73, False)])
def test_an_invitation_works_for_three_days(
    app, newcomer, people, client_of, monkeypatch, hours, works
):
    link = shown_link(invite(client_of(people.dev), newcomer))
    pass_time(monkeypatch, hours=hours)
    page = client_of(people.dev).get(f"/accounts/?user={newcomer.id}").text
    assert ("Run out" in page) is not works
    assert choose(app, link).status_code == (302 if works else 404)


def test_an_invitation_works_once(app, newcomer, people, client_of):
    link = shown_link(invite(client_of(people.dev), newcomer))
    assert choose(app, link).status_code == 302
    assert choose(app, link, "another long password").status_code == 404
    assert signed_in(sign_in(app, "newcomer", NEW))


def test_a_renewed_invitation_replaces_the_first(app, newcomer, people, client_of):
    client = client_of(people.dev)
    first, second = (shown_link(invite(client, newcomer)) for _ in range(2))
    assert choose(app, first).status_code == 404
    assert choose(app, second).status_code == 302


def test_a_withdrawn_invitation_opens_nothing(app, newcomer, people, client_of):
    client = client_of(people.dev)
    link = shown_link(invite(client, newcomer))
    client.post("/accounts/withdraw/", data={"id": newcomer.id})
    assert "Withdrawn" in client.get(f"/accounts/?user={newcomer.id}").text
    assert choose(app, link).status_code == 404
    assert history(newcomer)[-1] == "invitation withdrawn"


def test_who_was_deactivated_cannot_accept(app, newcomer, people, client_of):
    client = client_of(people.dev)
    link = shown_link(invite(client, newcomer))
    with records.transaction("tests"):
        records.change(newcomer, {"is_active": False}, people.dev)
    assert choose(app, link).status_code == 404
    answer = invite(client, newcomer)
    assert answer.status_code == 302
    assert "This user may not sign in." in client.get(answer.location).text


def test_who_has_a_password_is_not_invited(people, client_of):
    client = client_of(people.dev)
    answer = invite(client, people.ana)
    assert "This user has a password already." in client.get(answer.location).text
    assert db.session.scalars(select(AccountToken)).all() == []
    assert "/accounts/invite/" not in client.get(f"/users/details/?id={people.ana.id}").text


def test_nobody_invites_an_account_above_their_own(app, newcomer, people, client_of):
    grants = {"users": {"view": "all", "edit": "all"}}
    clerk = make(Role, label_en="Clerk", code="clerk", grants=grants)
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [clerk]}, people.dev)
        records.change(newcomer, {"roles": [organisation.role("administrator")]}, people.dev)
    client = client_of(people.eve)
    assert invite(client, newcomer).status_code == 403
    assert client.get(f"/accounts/?user={newcomer.id}").status_code == 403
    assert db.session.scalars(select(AccountToken)).all() == []
    with records.transaction("tests"):
        records.change(newcomer, {"roles": [clerk]}, people.dev)
    assert shown_link(invite(client, newcomer))
