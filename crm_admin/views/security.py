"""What holds for every request: who may pass, and the headers of each answer."""

import secrets
import time
from typing import Any

from flask import Flask, Response, g, redirect, request, session
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from werkzeug.exceptions import Forbidden, SecurityError, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix

from crm_admin.models.users import User
from crm_admin.services import notifications, second_factors, sessions, viewing
from crm_admin.views import requests
from crm_admin.views.signing_in import limits

#: The only endpoints that answer a stranger.
PUBLIC = frozenset(
    {
        "static",
        "signing_in.sign_in",
        "second_step.code",
        "account_links.forgot",
        "account_links.reset",
        "account_links.invitation",
        "calendar_feed.read",
        "health.healthz",
        "looks.language",
        "looks.look",
    }
)
#: Those that also answer a person who must first choose a password of their own.
_FIRST = PUBLIC | {"profile.index", "profile.password", "signing_in.sign_out", "view_as.end"}
#: Those that also answer a person who must first set up a second factor.
_ENROLMENT = PUBLIC | {
    "second_factor.index",
    "second_factor.begin",
    "second_factor.confirm",
    "signing_in.sign_out",
    "view_as.end",
}


def init_app(app: Flask) -> None:
    """Let every request pass by the same doors."""
    if app.config["TRUSTED_PROXIES"]:
        count = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    app.before_request(_begin)
    CSRFProtect(
        app
    )  # before all else: what a stranger's page sends must not even be kept as a draft
    login = LoginManager(app)
    login.session_protection = None  # our sessions are rows; nothing in the cookie is believed
    login.request_loader(_user)
    app.before_request(_let_in)
    app.after_request(_headers)


def _user(_request: Any) -> User | None:
    """Return whose session the cookie's token opens, and note once a minute that it is in use."""
    token = session.get("token")
    if not isinstance(token, str):
        return None
    found = sessions.find(token, limits())
    if found is None:
        return None
    if request.endpoint not in PUBLIC and sessions.note_use(found):
        found = sessions.find(token, limits())
    if found is None:
        return None
    g.session_id, g.unread = found.id, found.unread
    if found.viewing_as_id is not None:
        g.viewed = viewing.viewed(found.viewing_as_id, found.user)
        if g.viewed is not None:
            g.unread = len(notifications.inbox(g.viewed, unread_only=True, limit=100))
    return found.user


def _begin() -> Response | None:
    """Give the page its nonce, and find out who asks, before any other door."""
    if isinstance(request.routing_exception, SecurityError):
        # No page, not even sign-in, for a host that is not ours: its links would lead there.
        return Response("This host is not served here.\n", 400, mimetype="text/plain")
    if request.endpoint not in ("static", "health.healthz"):
        g.csp_nonce = secrets.token_urlsafe(12)
        if token := _tokens.get(_place_of(session)):
            g.csrf_token = token  # where Flask-WTF keeps the one it signs for a page
        requests.begin()
    return None


#: The signed tokens of forms, by the session's own and the minute; signing costs every page.
_tokens: dict[tuple[Any, int], str] = {}
MOST = 5_000


def _place_of(cookie: Any) -> tuple[Any, int]:
    """Return where the token of this session and minute is kept."""
    return cookie.get("csrf_token"), int(time.time() // 60)


def _keep_token() -> None:
    """Keep the token that this page's forms bear for the pages of the same minute."""
    if "csrf_token" in g and "csrf_token" in session:
        if len(_tokens) >= MOST:
            _tokens.clear()
        _tokens[_place_of(session)] = g.csrf_token


def _let_in() -> Any:
    """Turn strangers away, and send who must first change a password or set up a second factor."""
    if request.endpoint in ("static", "health.healthz"):
        return None
    if not requests.is_signed_in():
        if request.endpoint in PUBLIC:
            return None
        raise Unauthorized
    user = requests.signed_in_user()
    if user.must_change_password and request.endpoint not in _FIRST:
        return redirect("/profile/?first=1")
    if not user.must_change_password and second_factors.lacking(user):
        return None if request.endpoint in _ENROLMENT else redirect("/second-factor/")
    if requests.views_as():
        _only_look()
    return None


def _only_look() -> None:
    """Refuse, while one looks as somebody else, what changes something and files to take along."""
    takes_along = str(request.endpoint).endswith(".export")
    if request.endpoint in ("view_as.end", "signing_in.sign_out"):
        return
    if request.method not in ("GET", "HEAD", "OPTIONS") or takes_along:
        raise Forbidden


def _headers(response: Response) -> Response:
    """Add what tells the browser what this page may do, and that nobody keeps a copy of it."""
    _keep_token()
    headers = response.headers
    nonce = g.get("csp_nonce", "")
    headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-store"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
