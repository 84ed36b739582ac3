"""Attacks on what should not be there at all: folders, consoles, histories, handlers in pages.

The numbers are those of docs/security.md.
"""

import re
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.services import history, records
from crm_admin.services.records import WRITES
from tests.make import make
from tests.pages import words_of

ROOT = Path(__file__).parents[2]
#: What other programs have served by mistake.
FOUND_ELSEWHERE = [
    "/static/", "/static/../app.py", "/static/..%2f..%2fapp.py", "/static/%2e%2e/%2e%2e/app.py",
    "/uploads/", "/attachments/", "/exports/", "/crm.db", "/instance/crm.db", "/crm.db-wal",
    "/backup/", "/backups/", "/.git/config", "/.env", "/instance/", "/config/", "/logs/",
    "/config/roles.toml", "/crm.log", "/console", "/__debugger__", "/admin/", "/admin", "/install",
    "/?__debugger__=yes&cmd=resource&f=debugger.js", "/setup", "/metrics", "/cron", "/api/",
    "/debug", "/server-status", "/phpinfo.php", "/index.php", "/audit/", "/audit_entries/",
    "/user_sessions/", "/sessions/", "/job_runs/", "/notifications/", "/shares/", "/assignments/",
    "/findings/", "/import_runs/",
]  # fmt: skip


@pytest.mark.parametrize("who", ["nobody", "dev"])
def test_nothing_is_served_but_what_was_made_to_be(who, people, client_of, site):
    """Attacks 67, 68, 70, 43: no folder, file, console, installer, nor any table's own page."""
    browser = site.test_client() if who == "nobody" else client_of(people.dev)
    for address in FOUND_ELSEWHERE:
        answer = browser.get(address)
        if who == "nobody":
            outside = answer.status_code == 404 or "/sign-in" in (answer.location or "")
            assert outside, address
        else:
            home = address.startswith("/?")
            assert answer.status_code == (200 if home else 404), address
        assert "Werkzeug" not in answer.text and "create_app" not in answer.text, address
    assert browser.get("/static/crm.css").status_code == 200


def test_an_answer_names_neither_the_program_nor_its_version(people, client_of):
    """Attack 70."""
    answer = client_of(people.dev).get("/nothing")
    for header in ("Server", "X-Powered-By", "Via"):
        assert not re.search(r"\d", answer.headers.get(header, "")), header


def test_jobs_are_started_by_who_may_and_by_no_visit(people, client_of):
    """Attack 69."""
    for who, status in ((people.ana, 404), (people.eve, 404), (people.dev, 302)):
        answer = client_of(who).post("/jobs/run/?name=clean_up")
        assert answer.status_code == status
    assert client_of(people.dev).get("/jobs/run/?name=clean_up").status_code == 405
    assert client_of(people.dev).post("/jobs/run/?name=__import__").status_code == 404
    said = client_of(people.ana).get("/healthz").text
    assert len(said) < 40


def test_no_way_leads_to_changing_the_history(people, client_of):
    """Attack 73: it has no page of its own, and nothing in the program changes or deletes it."""
    acme = make(Customer, name="Acme")
    client = client_of(people.dev)
    for address in ("/audit_entries/edit/?id=1", "/audit_entries/delete/", "/history/delete/"):
        assert client.post(address, data={"id": "1"}).status_code == 404
    assert "Created" in words_of(client.get(f"/customers/details/?id={acme.id}"))
    for file in (ROOT / "crm_admin").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(update|delete)\(\s*(AuditEntry|_audit)\b", text), file
        assert not re.search(r"(UPDATE|DELETE FROM)\s+audit_entries", text), file


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET action = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_the_database_itself_refuses_to_change_the_history(statement, people):
    """Attack 73."""
    if statement.startswith("TRUNCATE") and db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite knows no such statement")
    acme = make(Customer, name="Acme")
    with (
        pytest.raises(DBAPIError, match=r"cannot be changed"),
        db.engine.connect().execution_options(**{WRITES: True}) as connection,
    ):
        connection.exec_driver_sql(statement)
    assert [entry.action for entry in history.of(acme, people.system)] == ["created"]


def test_the_history_still_names_who_is_gone(people, client_of):
    """Attack 73."""
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    with records.transaction("tests"):
        records.change(acme, {"city": "Here"}, people.eve)
        records.delete(people.eve, people.dev)
    page = words_of(client_of(people.dev).get(f"/customers/details/?id={acme.id}"))
    assert "Eve Changed" in page.partition("History of changes")[2]


@pytest.mark.parametrize(
    "template", sorted((ROOT / "templates").rglob("*.html")), ids=lambda p: p.name
)
def test_no_template_runs_a_script_of_its_own(template):
    """Attack 75: no handler, address or style that the policy would have to allow."""
    text = re.sub(r"\{#.*?#\}", "", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"<[^>]*\son\w+\s*=", text), "a handler"
    assert not re.search(r"javascript:", text, re.IGNORECASE)
    assert not re.search(r"<[^>]*\sstyle\s*=", text), "a style"
    assert not re.search(r"\|\s*safe\b", text), "what is not escaped"
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "nonce" in script, script


@pytest.mark.parametrize("who", ["ana", "dev"])
def test_no_page_is_framed_kept_or_told_elsewhere(who, people, client_of):
    """Attack 74."""
    client = client_of(getattr(people, who))
    for address in ("/", "/customers/", "/profile/", "/customers/export/csv/", "/nothing"):
        headers = client.get(address).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_the_database_and_what_belongs_to_it_are_their_owners(site):
    """Attack 68: nobody else on the machine reads what the program keeps."""
    for folder in ("attachments", "exports"):
        place = Path(site.config["INSTANCE"]) / folder
        if place.is_dir():
            assert place.stat().st_mode & 0o077 == 0 or folder == "exports"


def test_a_lost_fault_is_told_without_its_words(people, client_of, site, monkeypatch):
    """Attack 65: what the database says goes to the log, not to the page."""
    from crm_admin.views import lists

    def broken(_view):
        raise RuntimeError("[SQL: SELECT secret] [parameters: 13900000002]")

    monkeypatch.setattr(lists, "context", broken)
    monkeypatch.setitem(site.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client_of(people.dev).get("/customers/")
    assert answer.status_code == 500
    assert "secret" not in answer.text and "13900000002" not in answer.text


def test_a_fault_while_rights_are_asked_refuses(people, client_of, site, monkeypatch):
    """Attack 65: an error within the engine lets nobody through."""
    from crm_admin.services import access

    def broken(*_arguments, **_named):
        raise RuntimeError("broken")

    acme = make(Customer, name="Quokka Ltd")
    client = client_of(people.dev)
    monkeypatch.setitem(site.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(access, "limit", broken)
    for address in ("/customers/", f"/customers/details/?id={acme.id}", "/customers/export/csv/"):
        answer = client.get(address)
        assert answer.status_code == 500
        assert "Quokka" not in answer.text
