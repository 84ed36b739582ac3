"""Nothing is served to a stranger, nothing is changed without a form's token or by looking."""

import pytest

from app import create_app
from crm_admin.database import db
from crm_admin.models.base import Model
from crm_admin.services import sessions
from crm_admin.views.signing_in import limits
from tests.conftest import Browser
from tests.pages import form_of
from tests.sweeps.cases import VIEWS, cases, stem
from tests.sweeps.routes import addresses

#: What answers a stranger, and why.
PUBLIC = {
    "static": "scripts, styles and pictures",
    "health.healthz": "says only whether it works",
    "signing_in.sign_in": "is how one comes in",
    "second_step.code": "likewise, with a second factor; tests/views/test_second_factor.py",
    "account_links.forgot": "a link by mail; tests/views/test_account_links.py",
    "account_links.reset": "where it leads to",
    "account_links.invitation": "likewise for a new user",
    "calendar_feed.read": "its address is the key; tests/views/test_calendar_feed.py",
    "looks.language": "the sign-in page can be read in three languages",
    "looks.look": "and in the dark",
}
#: What using the system writes down although nothing was changed.
TRACES = {"user_sessions", "heartbeats"}


def test_a_stranger_is_shown_the_way_in_and_nothing_else(app):
    let_in = []
    for endpoint, address in addresses(app, "GET"):
        answer = app.test_client().get(address)
        shown = answer.status_code == 302 and answer.location.startswith("/sign-in")
        if not shown and endpoint not in PUBLIC:
            let_in.append((address, answer.status_code))
    assert let_in == []


def test_a_stranger_changes_nothing(app):
    let_in, before = [], dump()
    for endpoint, address in addresses(app, "POST"):
        answer = app.test_client().post(address)
        if answer.status_code != 401 and endpoint not in PUBLIC:
            let_in.append((address, answer.status_code))
    assert let_in == []
    changed = [table for table, rows in dump().items() if rows != before[table]]
    assert changed in ([], ["sign_in_attempts"])


def test_a_strangers_script_is_told_so_in_its_own_way(app):
    answer = app.test_client().get("/customers/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json) == (401, {"error": "not signed in"})


def test_the_sign_in_page_can_be_read_in_chinese_before_anyone_signs_in(app):
    client = app.test_client()
    client.post("/language/zh-Hant-TW")
    assert "登入" in client.get("/sign-in").text


@pytest.fixture
def guarded(app, database):
    """The application as it runs: every form needs its token."""
    guarded = create_app(
        TESTING=True, SECRET_KEY="tests", DATABASE_URL=database, INSTANCE=app.config["INSTANCE"]
    )
    guarded.test_client_class = Browser
    yield guarded
    with guarded.app_context():
        db.engine.dispose()


def test_a_page_of_a_stranger_cannot_make_a_signed_in_person_change_anything(guarded, people):
    client = guarded.test_client()
    token = sessions.open_session(people.dev, "127.0.0.1", "tests", limits())
    with client.session_transaction() as session:
        session["token"] = token
    before, taken = dump(), []
    for _, address in addresses(guarded, "POST"):
        answer = client.post(address, data={"id": 1, "rowid": 1, "action": "delete"})
        if answer.status_code != 400:
            taken.append((address, answer.status_code))
    assert taken == []
    assert client.post("/customers/new/", data={"csrf_token": "guessed"}).status_code == 400
    assert dump() == before
    # With its token the same person's form is taken.
    form = form_of(client.get("/customers/new/"))
    form["name"] = "Acme"
    assert client.post("/customers/new/", data=form).status_code == 302


def test_looking_changes_nothing(people, client_of, app):
    records = {stem(view): cases(stem(view), people)[0].record.id for view in VIEWS}
    client, before, broken = client_of(people.dev), dump(), []
    for endpoint, address in addresses(app, "GET"):
        entity = endpoint.partition(".")[0]
        answer = client.get(f"{address}?id={records.get(entity, 1)}&name=customer&query=a")
        if answer.status_code >= 500:
            broken.append((address, answer.status_code))
    assert broken == []
    assert dump() == before


def dump():
    """Return {table: its rows} of all that people may change."""
    db.session.rollback()
    return {
        table.name: sorted(map(repr, db.session.execute(table.select())))
        for table in Model.metadata.sorted_tables
        if table.name not in TRACES
    }
