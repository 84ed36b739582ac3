"""Every answer tells the browser what it may do with it."""

import io

import pytest

from crm_admin.models.customers import Customer
from crm_admin.services import attachments
from tests.make import make
from tests.sweeps.routes import addresses


def policy(answer):
    rules = (rule.strip().partition(" ") for rule in answer.headers[CSP].split(";"))
    return {name: value for name, _, value in rules}


CSP = "Content-Security-Policy"


def is_safe(answer, *, kept=False):
    """Check the headers that no answer may lack."""
    assert "unsafe" not in answer.headers[CSP]
    assert "*" not in answer.headers[CSP]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert ("no-store" in answer.headers.get("Cache-Control", "")) is not kept
    return answer


def test_every_page_and_file_says_what_may_be_done_with_it(app, people, client_of):
    client = client_of(people.dev)
    for endpoint, address in addresses(app, "GET"):
        is_safe(client.get(address), kept=endpoint == "static")
        is_safe(app.test_client().get(address), kept=endpoint == "static")


def test_a_page_may_run_our_script_and_no_other_and_stand_in_no_frame(people, client_of):
    answer = client_of(people.ana).get("/")
    rules = policy(answer)
    assert rules["frame-ancestors"] == rules["default-src"] == rules["base-uri"] == "'none'"
    assert rules["form-action"] == rules["style-src"] == "'self'"
    nonce = rules["script-src"].partition("'nonce-")[2].rstrip("'")
    assert len(nonce) >= 16
    assert f'nonce="{nonce}"' in answer.text
    assert nonce not in client_of(people.ana).get("/").text, "a nonce is used once"


@pytest.mark.parametrize(
    ("address", "status"),
    [("/nothing", 404), ("/customers/details/?id=abc", 404), ("/users/new/", 404),
     ("/customers/action/", 405), ("/promotion_materials/restore/", 405), ("/", 200)],
)  # fmt: skip
def test_a_refusal_has_the_same_headers(people, client_of, address, status):
    assert is_safe(client_of(people.ana).get(address)).status_code == status


def test_a_fault_shows_a_number_and_nothing_of_itself(app, people, client_of, monkeypatch):
    from crm_admin.services import overview

    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(overview, "of", broken)
    answer = is_safe(client_of(people.ana).get("/"))
    assert answer.status_code == 500
    assert "please name the number" in answer.text
    assert "secret detail" not in answer.text


def test_a_file_that_somebody_attached_is_saved_and_never_shown(app, people, client_of):
    acme = make(Customer, name="Acme")
    place = attachments.Path(app.config["INSTANCE"])
    row = attachments.store(
        acme, "报价 <b>.txt", io.BytesIO(b"<script>"), people.dev, instance=place, limit=100
    )
    answer = is_safe(client_of(people.dev).get(f"/attachments/{row.id}"))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert "sandbox" in answer.headers[CSP]
    assert "html" not in answer.content_type


def test_the_cookie_is_for_the_server_alone(app):
    answer = app.test_client().post(
        "/sign-in", data={"username": "ana", "password": "a horse, a kingdom"}
    )
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
