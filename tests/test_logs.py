"""The log says what happened, and nothing of what people wrote."""

import json
import logging
import sqlite3

import pytest
from flask import Flask, abort, session
from sqlalchemy.exc import IntegrityError

from crm_admin import logs

CANARY = "Wang-Xiaoming-13800138000"


@pytest.fixture
def configured():
    """The log as the application has it; the tests' own handlers stay."""
    root = logging.getLogger()
    names = ("", "crm_admin", "app", "werkzeug", "gunicorn.error")
    kept = {name: logging.getLogger(name).level for name in names}
    logs.configure("INFO")
    yield
    root.handlers = [h for h in root.handlers if type(h).__name__ != "_Stderr"]
    for name, level in kept.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def lines(configured, capsys):
    """Return what was logged since the test began, one dictionary a line."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def client(configured):
    app = Flask("app")
    app.secret_key = "tests"
    logs.init_app(app)

    @app.route("/customers/", methods=["GET", "POST"])
    def customers():
        session["token"] = CANARY
        return "ok"

    @app.route("/broken")
    def broken():
        raise ValueError(f"no such person: {CANARY}")

    @app.route("/refused")
    def refused():
        abort(403)

    return app.test_client()


def test_a_request_is_one_line_with_its_path_status_time_and_id(client, lines):
    answer = client.get("/customers/")
    [line] = lines()
    assert (line["method"], line["path"], line["status"]) == ("GET", "/customers/", 200)
    assert line["logger"] == "crm_admin.access"
    assert line["ms"] >= 0
    assert line["at"].endswith("+00:00")
    assert line["request"] == answer.headers["X-Request-ID"]


def test_two_requests_have_two_ids_and_none_remains(client, lines):
    client.get("/customers/")
    client.get("/refused")
    first, second = lines()
    assert first["request"] != second["request"]
    assert second["status"] == 403
    assert logs.request_id() is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.get(f"/customers/?search={CANARY}"),
        lambda c: c.post("/customers/", data={"password": CANARY, "csrf_token": CANARY}),
        lambda c: c.get("/customers/", headers={"Cookie": f"crm={CANARY}", "Referer": CANARY}),
        lambda c: c.get("/customers/", headers={"Authorization": CANARY, "User-Agent": CANARY}),
        lambda c: c.get("/customers/", environ_base={"REMOTE_ADDR": CANARY}),
        lambda c: c.get(f"/broken?q={CANARY}"),
    ],
    ids=["search", "form", "cookie", "headers", "address", "an error that names someone"],
)
def test_nothing_a_person_sends_is_logged(client, configured, capsys, ask):
    ask(client)
    err = capsys.readouterr().err
    assert CANARY not in err
    assert '"request answered"' in err


def test_an_error_is_one_line_with_its_kind_and_its_stack_but_not_its_words(client, lines):
    assert client.get("/broken").status_code == 500
    error = next(line for line in lines() if line["level"] == "error")
    assert error["error"] == "ValueError"
    assert "in broken" in error["stack"]
    assert error["request"]


def cause(error, inner):
    try:
        try:
            raise inner
        except type(inner) as caught:
            raise error from caught
    except type(error):
        logging.getLogger("crm_admin.tests").exception("job %s failed", "a")


def test_the_causes_of_an_error_are_shown_and_their_values_are_not(lines, configured):
    orig = sqlite3.IntegrityError("UNIQUE constraint failed: users.username")
    cause(RuntimeError("stray write"), IntegrityError("INSERT", {"name": CANARY}, orig))
    [line] = lines()
    assert line["error"] == "RuntimeError: stray write"
    assert "IntegrityError (IntegrityError)" in line["stack"]
    assert CANARY not in json.dumps(line)


def test_a_file_error_says_what_the_system_says_without_the_files_name(lines, configured):
    cause(OSError(28, "No space left on device", CANARY), KeyError(CANARY))
    [line] = lines()
    assert line["error"] == "OSError: No space left on device"
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize(
    "text", ["a\nINJECTED", "a\r\nINJECTED", "\x1b[31mred", "a\u2028b", "a\x00b", "\u202eabc"]
)
def test_no_text_can_start_a_line_or_colour_the_terminal(configured, capsys, text):
    logging.getLogger("crm_admin.tests").warning("said %s", text)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()
    assert err.isascii()
    assert json.loads(err)["event"] == f"said {text}"


def test_a_librarys_message_loses_the_query_of_an_address(lines, configured):
    logging.getLogger("gunicorn.error").warning("Error handling request %s", f"/x?q={CANARY}&b=1")
    [line] = lines()
    assert line["event"] == "Error handling request /x?"


def test_only_known_extra_fields_are_kept(lines, configured):
    logging.getLogger("crm_admin.tests").warning("x", extra={"user": 5, "name_of_user": CANARY})
    [line] = lines()
    assert line["user"] == 5
    assert CANARY not in json.dumps(line)


def test_libraries_are_heard_from_warning_on(lines, configured):
    logging.getLogger("some.library").info(CANARY)
    logging.getLogger("werkzeug").info(CANARY)
    assert lines() == []


def test_configuring_twice_does_not_say_everything_twice(lines, configured):
    logs.configure("info")
    logging.getLogger("crm_admin.tests").warning("once")
    assert len(lines()) == 1


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="CRM_LOG_LEVEL"):
        logs.configure("LOUD")


def test_the_user_is_named_by_id_without_asking_the_database(app, people, lines, configured):
    from flask import g

    logs_app = Flask("app")
    logs.init_app(logs_app)

    @logs_app.route("/")
    def home():
        g._login_user = people.ana
        return "ok"

    logs_app.test_client().get("/")
    assert lines()[-1]["user"] == people.ana.id
