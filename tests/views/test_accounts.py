"""Sessions and sign-ins: one's own, and those of users one looks after."""

import pytest
from sqlalchemy import select, update

from crm_admin.database import db
from crm_admin.models.audit import AuditEntry
from crm_admin.models.roles import Role
from crm_admin.models.users import SignInAttempt, UserSession
from crm_admin.services import records, tries
from tests.conftest import PASSWORD
from tests.make import make
from tests.pages import words_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def sign_in(app):
    """Return a browser in which somebody has typed their name and password."""

    def typed(username, password=PASSWORD, client=None, **options):
        client = client or app.test_client()
        data = {"username": username, "password": password}
        client.answer = client.post("/sign-in", data=data, **options)
        return client

    return typed


def signed_in(client):
    return client.get("/").status_code == 200


def session_of(user):
    return db.session.scalar(select(UserSession.id).where(UserSession.user_id == user.id))


def history(user):
    found = select(AuditEntry.action, AuditEntry.actor_id).where(
        AuditEntry.entity == "users", AuditEntry.record_id == user.id
    )
    return [tuple(row) for row in db.session.execute(found.order_by(AuditEntry.id))]


def test_the_profile_tells_of_sign_ins_and_failed_tries(sign_in):
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    sign_in("ana", "wrong", headers={"User-Agent": FIREFOX}, environ_base=elsewhere)
    page = words_of(sign_in("ana").get("/profile/"))
    told = page.partition("Your last sign-ins")[2]
    assert told.index("Signed in") < told.index("Wrong password Firefox · Linux · 192.0.2.7")


def test_one_does_not_see_what_others_tried(sign_in):
    sign_in("ben", "wrong", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert "192.0.2.7" not in sign_in("ana").get("/profile/").text
    assert "192.0.2.7" in sign_in("ben").get("/profile/").text


def test_tries_with_a_name_that_nobody_has_are_counted_and_shown_to_no_one(
    sign_in, people, client_of
):
    sign_in("nobody", "wrong", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    row = db.session.scalars(select(SignInAttempt)).one()
    assert (row.user_id, row.succeeded) == (None, False)
    client = client_of(people.dev)
    for address in ("/profile/", f"/accounts/?user={people.ana.id}", "/users/", "/jobs/"):
        assert "192.0.2.7" not in client.get(address).text


def test_one_signs_out_everywhere_else(sign_in, people):
    here, there, other = sign_in("ana"), sign_in("ana"), sign_in("ben")
    assert "End all others" in here.get("/profile/").text
    here.post("/profile/sessions/end-others/")
    assert signed_in(here)
    assert not signed_in(there)
    assert signed_in(other)
    assert history(people.ana)[-1] == ("sessions ended", people.ana.id)


def test_who_edits_users_sees_and_ends_their_sessions(sign_in, people, client_of):
    ana = sign_in("ana", headers={"User-Agent": FIREFOX})
    admin, id = client_of(people.dev), people.ana.id
    page = words_of(admin.get(f"/accounts/?user={id}"))
    assert "Firefox · Linux" in page
    admin.post(f"/accounts/sessions/end/?user={id}&id={session_of(people.ana)}")
    assert not signed_in(ana)
    assert history(people.ana)[-1] == ("session ended", people.dev.id)
    one, two = sign_in("ana"), sign_in("ana")
    admin.post(f"/accounts/sessions/end-all/?user={id}")
    assert not signed_in(one)
    assert not signed_in(two)
    assert "Session ended" in words_of(admin.get(f"/users/details/?id={id}"))


def test_a_session_is_ended_under_the_name_of_its_user_only(sign_in, people, client_of):
    ben = sign_in("ben")
    admin = client_of(people.dev)
    admin.post(f"/accounts/sessions/end/?user={people.ana.id}&id={session_of(people.ben)}")
    assert signed_in(ben)


def test_nobody_reaches_the_account_of_somebody_above_them(sign_in, people, client_of):
    grants = {"users": {"view": "all", "edit": "all"}}
    clerk = make(Role, label_en="Clerk", code="clerk", grants=grants)
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [clerk]}, people.dev)
        records.change(people.fay, {"roles": []}, people.dev)
    dev, fay, eve = sign_in("dev"), sign_in("fay"), client_of(people.eve)
    for person, browser, status in ((people.dev, dev, 403), (people.fay, fay, 302)):
        id = person.id
        page = eve.get(f"/accounts/?user={id}")
        assert page.status_code == (200 if status == 302 else 403)
        for address in (f"end/?user={id}&id={session_of(person)}", f"end-all/?user={id}"):
            assert eve.post(f"/accounts/sessions/{address}").status_code == status
        assert signed_in(browser) is (status == 403)
    assert "Account" not in words_of(eve.get(f"/users/details/?id={people.dev.id}"))
    assert "Account" in words_of(eve.get(f"/users/details/?id={people.fay.id}"))


def test_the_account_of_nobody_is_not_there(people, client_of):
    client = client_of(people.dev)
    for user in ("", "abc", "999999", "1%00"):
        assert client.get(f"/accounts/?user={user}").status_code == 404
        assert client.post("/accounts/invite/", data={"id": user}).status_code == 404
    assert client.get(f"/accounts/?user={people.system.id}").status_code == 403


def test_strangers_who_guess_do_not_lock_out_who_signed_in_here_before(sign_in):
    mine = sign_in("ana")
    mine.post("/sign-out")
    for _ in range(tries.MOST_PER_NAME):
        sign_in("ana", "wrong")
    assert sign_in("ana").answer.status_code == 429
    assert sign_in("ana", client=mine).answer.status_code == 302


def test_a_known_browser_guesses_no_longer_than_any_other(sign_in):
    mine = sign_in("ana")
    mine.post("/sign-out")
    for _ in range(tries.MOST_PER_NAME):
        sign_in("ana", "wrong", client=mine)
    assert sign_in("ana", client=mine).answer.status_code == 429
    assert sign_in("ana").answer.status_code == 302


def test_a_browser_known_for_one_is_a_stranger_to_another(sign_in):
    mine = sign_in("ana")
    mine.post("/sign-out")
    for _ in range(tries.MOST_PER_NAME):
        sign_in("ben", "wrong")
    assert sign_in("ben", client=mine).answer.status_code == 429


def test_the_cookie_of_a_known_browser_opens_nothing(sign_in, app):
    mine = sign_in("ana")
    cookie = mine.get_cookie("crm-device")
    assert cookie.http_only
    other = app.test_client()
    other.set_cookie("crm-device", cookie.value)
    assert not signed_in(other)
    other.set_cookie("crm-device", "forged")
    assert other.get("/sign-in").status_code == 200


def test_wrong_passwords_on_the_profile_are_counted(sign_in):
    client = sign_in("ana")
    new = "my kingdom for a mule"
    sent = {"current": "wrong", "new": new, "repeat": new}
    for _ in range(tries.MOST_PER_NAME):
        client.post("/profile/password/", data=sent)
    answer = client.post("/profile/password/", data=sent | {"current": PASSWORD})
    assert answer.status_code == 429
    with records.transaction("tests"):
        db.session.execute(update(SignInAttempt).values(succeeded=True))
    sent["current"] = PASSWORD
    assert client.post("/profile/password/", data=sent).status_code == 302
