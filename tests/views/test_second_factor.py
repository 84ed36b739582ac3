"""The second factor: set up, asked for, lost, required."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pyotp
import pytest
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.accounts import AccountToken, RecoveryCode, SecondFactor
from crm_admin.models.audit import AuditEntry
from crm_admin.models.notifications import Notification
from crm_admin.models.roles import Role
from crm_admin.services import organisation, records, tries
from tests.conftest import PASSWORD
from tests.mailing import letters
from tests.make import make
from tests.pages import form_of, words_of


@pytest.fixture
def at(monkeypatch):
    """Return a function that sets the clock: `at(seconds=30)` later than the test began."""
    began = clock.now().replace(second=1, microsecond=0)

    def set_to(**later):
        monkeypatch.setattr(clock, "now", lambda: began + timedelta(**later))
        return began + timedelta(**later)

    set_to()
    return set_to


class Phone:
    """An app for one-time codes that has read the picture."""

    def __init__(self, secret):
        self.codes = pyotp.TOTP(secret)

    def code(self, **off):
        return self.codes.at(clock.now() + timedelta(**off))


def begin(client, password=PASSWORD):
    return client.post("/second-factor/begin/", data={"current": password})


def secret_of(page):
    return re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)[1].replace(" ", "")


def offer_of(page):
    return re.search(r'name="offer" value="([^"]+)"', page.text)[1]


def set_up(client):
    """Switch the factor on; return the phone and the recovery codes."""
    page = begin(client)
    phone = Phone(secret_of(page))
    page = client.post(
        "/second-factor/confirm/", data={"offer": offer_of(page), "code": phone.code()}
    )
    codes = re.findall(r"<li>([A-Z2-7-]{19})</li>", page.text)
    assert len(codes) == 10
    return phone, codes


def password_of(app, username, password=PASSWORD, **more):
    """Return a browser in which the first step of signing in is done, and its answer."""
    client = app.test_client()
    sent = {"username": username, "password": password} | more
    client.answer = client.post("/sign-in", data=sent)
    return client


def enter(client, code, **more):
    return client.post("/sign-in/code", data={"code": code} | more)


def signed_in(client):
    return client.get("/").status_code == 200


def history(user):
    entries = select(AuditEntry).where(
        AuditEntry.entity == "users", AuditEntry.record_id == user.id
    )
    return [entry.action for entry in db.session.scalars(entries.order_by(AuditEntry.id))]


@pytest.fixture
def ana(app, people, client_of, at):
    """Ana, with a phone and recovery codes. A minute has passed since it was set up."""
    client = client_of(people.ana)
    phone, codes = set_up(client)
    at(minutes=1)
    return SimpleNamespace(user=people.ana, client=client, phone=phone, codes=codes)


def test_the_page_shows_a_picture_and_letters_and_signs_nobody_out_by_itself(people, client_of, at):
    page = begin(client_of(people.ana))
    assert "<svg" in page.text.partition('class="qr"')[2]
    assert "style=" not in page.text
    assert re.fullmatch("([A-Z2-7]{4} ){7}[A-Z2-7]{4}", re.search('"secret">([^<]+)', page.text)[1])
    assert people.ana.second_factor_at is None, "it counts once a code has come back"


def test_it_asks_for_the_password_again(people, client_of, at):
    client = client_of(people.ana)
    page = begin(client, "wrong")
    assert "This is not your present password." in page.text
    assert 'class="qr"' not in page.text
    assert 'class="qr"' in begin(client).text


@pytest.mark.parametrize("page", ["begin", "codes", "off"])
def test_wrong_passwords_here_are_counted_like_those_at_the_door(people, client_of, at, page):
    client = client_of(people.ana)
    for _ in range(tries.MOST_PER_NAME):
        client.post(f"/second-factor/{page}/", data={"current": "wrong"})
    answer = client.post(f"/second-factor/{page}/", data={"current": PASSWORD})
    assert answer.status_code == 429
    assert "Too many wrong tries" in answer.text


def test_a_wrong_first_code_switches_nothing_on(people, client_of, at):
    client = client_of(people.ana)
    page = begin(client)
    sent = {"offer": offer_of(page), "code": "000000"}
    answer = client.post("/second-factor/confirm/", data=sent)
    assert "This code is not right" in answer.text
    assert secret_of(answer) == secret_of(page), "the phone that was set up stays good"
    db.session.rollback()
    assert people.ana.second_factor_at is None


@pytest.mark.parametrize("whose", ["another", "late", "forged"])
def test_a_secret_is_switched_on_by_who_it_was_offered_to_and_soon(people, client_of, at, whose):
    client = client_of(people.ana)
    page = begin(client_of(people.ben) if whose == "another" else client)
    phone, offer = Phone(secret_of(page)), offer_of(page)
    if whose == "late":
        at(minutes=16)
    if whose == "forged":
        offer = offer[:-8] + "AAAAAAA="
    sent = {"offer": offer, "code": phone.code()}
    assert "This took too long" in client.post("/second-factor/confirm/", data=sent).text
    db.session.rollback()
    assert people.ana.second_factor_at is None


def test_switching_it_on_gives_a_new_session_and_ends_all_others(app, people, client_of, at):
    here, there, copy = client_of(people.ana), client_of(people.ana), app.test_client()
    with here.session_transaction() as session:
        token = session["token"]
    set_up(here)
    with copy.session_transaction() as session:
        session["token"] = token
    assert signed_in(here)
    assert not signed_in(there)
    assert not signed_in(copy)


def test_before_the_code_nobody_is_signed_in(app, ana):
    client = password_of(app, "ana", next="/customers/?page=2")
    assert client.answer.status_code == 200
    assert "Your code, please" in client.answer.text
    for address in ("/", "/customers/", "/profile/", "/second-factor/"):
        assert client.get(address).location.startswith("/sign-in")
    answer = enter(client, ana.phone.code(), next="/customers/?page=2")
    assert answer.location == "/customers/?page=2"
    assert signed_in(client)


def test_a_code_without_a_password_opens_nothing(app, ana):
    client = app.test_client()
    assert enter(client, ana.phone.code()).location == "/sign-in"
    assert not signed_in(client)
    assert client.get("/sign-in/code").location == "/sign-in"


def test_signing_in_gives_a_new_session_whatever_cookie_was_there(app, ana):
    client = password_of(app, "ana")
    with client.session_transaction() as session:
        session["token"] = "planted"
        step = session["second_step"]
    enter(client, ana.phone.code())
    with client.session_transaction() as session:
        assert session["token"] not in ("planted", step)
        assert "second_step" not in session


def test_a_code_works_once_also_in_another_browser(app, ana):
    one, other = password_of(app, "ana"), password_of(app, "ana")
    code = ana.phone.code()
    assert enter(one, code).status_code == 302
    answer = enter(other, code)
    assert answer.status_code == 401
    assert "was used before" in answer.text
    assert not signed_in(other)


def test_the_code_that_switched_it_on_does_not_sign_in(app, people, client_of, at):
    phone, _codes = set_up(client_of(people.ana))
    assert enter(password_of(app, "ana"), phone.code()).status_code == 401


@pytest.mark.parametrize(
    ("off", "taken"),
    [({"seconds": -30}, True), ({"seconds": -60}, False), ({"seconds": 30}, False)],
    ids=["the one before", "a minute ago", "the next"],
)
def test_a_code_is_good_for_its_half_minute_and_the_next(app, ana, at, off, taken):
    at(minutes=5)
    answer = enter(password_of(app, "ana"), ana.phone.code(**off))
    assert answer.status_code == (302 if taken else 401)


def test_wrong_codes_are_slowed_down_like_passwords(app, ana, at):
    client = password_of(app, "ana")
    for _ in range(tries.MOST_PER_NAME):
        assert enter(client, "000000").status_code == 401
    assert enter(client, ana.phone.code()).status_code == 429
    assert password_of(app, "ana").answer.status_code == 429
    at(minutes=17)
    client = password_of(app, "ana")
    assert enter(client, ana.phone.code()).status_code == 302


def test_the_second_step_must_follow_soon(app, ana, at):
    client = password_of(app, "ana")
    at(minutes=12)
    answer = enter(client, ana.phone.code())
    assert answer.location == "/sign-in"
    assert not signed_in(client)
    assert "This took too long" in client.get("/sign-in").text


def test_a_token_of_the_second_step_works_once(app, ana, at):
    client, copy = password_of(app, "ana"), app.test_client()
    with client.session_transaction() as session:
        step = session["second_step"]
    assert enter(client, ana.phone.code()).status_code == 302
    with copy.session_transaction() as session:
        session["second_step"] = step
    at(minutes=2)
    assert enter(copy, ana.phone.code()).location == "/sign-in"
    assert not signed_in(copy)


@pytest.mark.parametrize("what", ["deactivated", "deleted", "new password"])
def test_the_second_step_is_refused_to_who_was_locked_out_meanwhile(app, ana, people, what):
    client = password_of(app, "ana")
    with records.transaction("tests"):
        if what == "deleted":
            records.delete(people.ana, people.dev)
        elif what == "deactivated":
            records.change(people.ana, {"is_active": False}, people.dev)
    if what == "new password":
        ana.client.post(
            "/profile/password/",
            data={"current": PASSWORD, "new": "a mule for a king", "repeat": "a mule for a king"},
        )
    assert enter(client, ana.phone.code()).location == "/sign-in"
    assert not signed_in(client)


def test_a_recovery_code_signs_in_once_and_its_user_is_told(app, ana):
    code = ana.codes[3]
    client = password_of(app, "ana")
    assert enter(client, f" {code.lower().replace('-', ' ')} ").status_code == 302
    assert signed_in(client)
    assert enter(password_of(app, "ana"), code).status_code == 401
    assert "A recovery code was used to sign in. Left: 9." in words_of(client.get("/inbox/"))
    assert "Unused recovery codes: 9." in words_of(client.get("/second-factor/"))
    assert history(ana.user)[-1] == "recovery code used"
    assert code not in str(history(ana.user))


def test_new_recovery_codes_replace_the_old_ones(app, ana):
    answer = ana.client.post("/second-factor/codes/", data={"current": PASSWORD})
    fresh = re.findall(r"<li>([A-Z2-7-]{19})</li>", answer.text)
    assert len(fresh) == 10
    assert enter(password_of(app, "ana"), ana.codes[0]).status_code == 401
    assert enter(password_of(app, "ana"), fresh[0]).status_code == 302


def test_another_phone_replaces_the_first(app, ana, at):
    phone, _codes = set_up(ana.client)
    at(minutes=3)
    assert enter(password_of(app, "ana"), ana.phone.code()).status_code == 401
    assert enter(password_of(app, "ana"), phone.code()).status_code == 302


def test_switching_it_off_needs_the_password(app, ana, people):
    ana.client.post("/second-factor/off/", data={"current": "wrong"})
    assert password_of(app, "ana").answer.status_code == 200
    ana.client.post("/second-factor/off/", data={"current": PASSWORD})
    assert signed_in(ana.client)
    client = password_of(app, "ana")
    assert client.answer.status_code == 302
    assert signed_in(client)
    assert history(people.ana)[-2:] == ["second factor on", "second factor off"]
    assert db.session.scalars(select(SecondFactor)).all() == []
    assert db.session.scalars(select(RecoveryCode)).all() == []


def test_no_page_file_or_row_shows_a_secret_or_a_code(app, ana, people, client_of):
    secret = ana.phone.codes.secret
    admin = client_of(people.dev)
    id = people.ana.id
    for client, address in (
        (admin, f"/users/details/?id={id}"),
        (admin, f"/accounts/?user={id}"),
        (admin, "/users/export/csv/"),
        (ana.client, "/profile/"),
        (ana.client, "/second-factor/"),
        (ana.client, "/inbox/"),
    ):
        text = client.get(address).text
        for hidden in (secret, *ana.codes, *(code.replace("-", "") for code in ana.codes)):
            assert hidden not in text, address
    for table in (SecondFactor, RecoveryCode, AccountToken, AuditEntry, Notification):
        rows = str(db.session.execute(select(table.__table__)).all())
        assert secret not in rows
        assert not any(code.replace("-", "") in rows for code in ana.codes)


def test_a_secret_that_was_altered_in_the_database_opens_nothing(app, ana):
    with records.transaction("tests"):
        factor = db.session.scalars(select(SecondFactor)).one()
        kept = factor.sealed_secret
        factor.sealed_secret = kept[:-10] + ("A" if kept[-10] != "A" else "B") + kept[-9:]
    client = password_of(app, "ana")
    answer = enter(client, ana.phone.code())
    assert "Codes of your phone cannot be checked now." in answer.text
    assert not signed_in(client)
    assert enter(client, ana.codes[0]).status_code == 302


def test_after_the_secret_key_was_changed_the_old_one_still_opens(app, ana, monkeypatch):
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", ["tests"])
    monkeypatch.setitem(app.config, "SECRET_KEY", "another")
    assert enter(password_of(app, "ana"), ana.phone.code()).status_code == 302


def test_a_lost_factor_is_taken_away_by_who_edits_users_and_the_user_is_told(
    app, ana, people, client_of, mailing
):
    with records.transaction("tests"):
        people.ana.email = "ana@example.com"
    admin, id = client_of(people.dev), people.ana.id
    assert "Take away" in admin.get(f"/accounts/?user={id}").text
    admin.post("/accounts/take-away/", data={"id": id, "current": "wrong"})
    assert password_of(app, "ana").answer.status_code == 200
    admin.post("/accounts/take-away/", data={"id": id, "current": PASSWORD})
    assert not signed_in(ana.client), "its sessions end"
    client = password_of(app, "ana")
    assert signed_in(client)
    assert "Dev has taken away your second factor." in words_of(client.get("/inbox/"))
    assert history(people.ana)[-1] == "second factor taken away"
    [(recipient, subject, text)] = letters(app)
    assert (recipient, subject) == ("ana@example.com", "CRM Admin: second factor taken away")
    assert "Dev has taken away" in text
    page = words_of(admin.get(f"/users/details/?id={id}"))
    assert "Second factor taken away" in page


def test_nobody_takes_away_the_factor_of_somebody_above_them(app, people, client_of, at):
    grants = {"users": {"view": "all", "edit": "all"}}
    clerk = make(Role, label_en="Clerk", code="clerk", grants=grants)
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [clerk]}, people.dev)
        records.change(people.fay, {"roles": []}, people.dev)
    set_up(client_of(people.dev))
    set_up(client_of(people.fay))
    client = client_of(people.eve)
    for whose, status in ((people.dev, 403), (people.fay, 302)):
        sent = {"id": whose.id, "current": PASSWORD}
        assert client.post("/accounts/take-away/", data=sent).status_code == status
    db.session.rollback()
    assert people.dev.second_factor_at is not None
    assert people.fay.second_factor_at is None


@pytest.fixture
def required(people):
    """The role of sales asks for a second factor."""
    with records.transaction("tests"):
        records.change(organisation.role("sales"), {"requires_second_factor": True}, people.dev)


def test_who_must_have_one_reaches_nothing_else_until_it_is_set_up(
    app, people, client_of, required, at
):
    before = client_of(people.ana)
    client = password_of(app, "ana")
    assert client.answer.status_code == 302
    for address in ("/", "/customers/", "/profile/", "/search/", "/customers/export/csv/"):
        for browser in (client, before):
            assert browser.get(address).location == "/second-factor/", address
    assert client.post("/customers/new/", data={"name": "x"}).location == "/second-factor/"
    assert client.post("/second-factor/off/", data={}).location == "/second-factor/"
    assert "Your role requires it" in client.get("/second-factor/").text
    assert client_of(people.ben).get("/").status_code == 200
    set_up(client)
    assert client.get("/customers/").status_code == 200
    assert client.post("/sign-out").location == "/sign-in"


def test_who_must_have_one_may_sign_out_instead(app, required):
    client = password_of(app, "ana")
    assert client.post("/sign-out").location == "/sign-in"
    assert client.get("/second-factor/").location.startswith("/sign-in")


def test_who_must_have_one_cannot_switch_it_off(people, client_of, required, at):
    client = client_of(people.ana)
    set_up(client)
    assert "Switch off" not in client.get("/second-factor/").text
    answer = client.post("/second-factor/off/", data={"current": PASSWORD})
    assert "Your role requires a second factor." in answer.text
    db.session.rollback()
    assert people.ana.second_factor_at is not None


def test_a_role_is_made_to_require_it_on_its_form(people, client_of):
    client, id = client_of(people.dev), organisation.role("sales").id
    address = f"/roles/edit/?id={id}"
    form = form_of(client.get(address))
    assert client.post(address, data=form | {"requires_second_factor": "y"}).status_code == 302
    assert client_of(people.ana).get("/").location == "/second-factor/"
    form = form_of(client.get(address))
    form.pop("requires_second_factor")
    client.post(address, data=form)
    assert client_of(people.ana).get("/").status_code == 200


def test_who_lacks_a_roles_rights_cannot_lift_its_requirement(people, client_of, required):
    grants = {"roles": {"view": "all", "edit": "all"}}
    clerk = make(Role, label_en="Clerk", code="clerk", grants=grants)
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [clerk]}, people.dev)
    client, role = client_of(people.eve), organisation.role("sales")
    address = f"/roles/edit/?id={role.id}"
    form = form_of(client.get(address))
    form.pop("requires_second_factor")
    answer = client.post(address, data=form, follow_redirects=True)
    assert "has rights that you do not have" in answer.text
    db.session.rollback()
    assert role.requires_second_factor


def test_a_draft_survives_the_second_step(app, ana, people, client_of):
    from sqlalchemy import update

    from crm_admin.models.customers import Customer
    from crm_admin.models.users import UserSession

    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    address = f"/customers/edit/?id={acme.id}"
    form = form_of(ana.client.get(address))
    with records.transaction("tests"):
        db.session.execute(update(UserSession).values(ended_at=clock.now()))
    form["notes"] = "Typed for an hour"
    lost = ana.client.post(address, data=form)
    draft = re.search(r'name="draft" value="([^"]+)"', lost.text)[1]
    sent = {"username": "ana", "password": PASSWORD, "draft": draft}
    page = ana.client.post("/sign-in", data=sent)
    assert draft in page.text
    page = enter(ana.client, ana.phone.code(), draft=draft)
    assert "Typed for an hour" in page.text


def test_the_shell_helps_the_last_administrator(app, people, client_of, at):
    set_up(client_of(people.dev))
    run = app.test_cli_runner().invoke
    words = ["users", "remove-second-factor"]
    assert run(args=[*words, "nobody"]).exit_code == 1
    assert run(args=[*words, "dev"]).exit_code == 0
    assert signed_in(password_of(app, "dev"))
    assert run(args=[*words, "dev"]).exit_code == 1
    assert history(people.dev)[-1] == "second factor taken away"


def test_two_roles_differ_by_whether_they_require_it(people, client_of, required):
    client = client_of(people.dev)
    sales, auditor = organisation.role("sales").id, organisation.role("auditor").id
    page = words_of(client.get(f"/roles/compare/?id={sales}&with={auditor}"))
    assert "Requires a second factor Yes No" in page
    client.post("/roles/copy/", data={"id": sales})
    assert organisation.role("sales_2").requires_second_factor
