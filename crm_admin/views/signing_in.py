"""Signing in and out; what was typed into a form survives a session that ran out."""

from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import session as cookie
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import inspect

from crm_admin import i18n
from crm_admin.errors import Denied
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, passwords, records, second_factors, sessions
from crm_admin.services.sessions import Limits
from crm_admin.views import columns, requests
from crm_admin.views.words import gettext as _

blueprint = Blueprint("signing_in", __name__)

#: What of a form is no part of what was typed.
_NOT_TYPED = {"csrf_token", "form_key", "version", "url", "_continue_editing", "password"}
#: Where the cookie holds the token of a sign-in whose code is still to come.
SECOND_STEP = "second_step"
LARGEST_DRAFT = 200_000
DRAFT_SECONDS = 24 * 3600


def limits() -> Limits:
    """Return how long a sign-in lasts, as set."""
    return Limits(
        idle=timedelta(minutes=current_app.config["SESSION_IDLE_MINUTES"]),
        longest=timedelta(hours=current_app.config["SESSION_HOURS"]),
    )


@blueprint.route("/sign-in", methods=("GET", "POST"))
def sign_in() -> Any:
    """Show the sign-in form, or sign in."""
    if (code := request.args.get("language", "").replace("-", "_")) in i18n.LANGUAGES:
        cookie["language"] = code
        if request.form.get("draft"):
            i18n.use_language(code)
            return form()
        return redirect(requests.address("/sign-in", [("next", _next())]))
    if request.method == "GET":
        return redirect("/") if requests.is_signed_in() else form()
    username = request.form.get("username", "")[:200]
    try:
        user = passwords.sign_in(username, request.form.get("password", ""), requests.visitor())
    except Denied as refused:
        return form(error=refused.text(_), username=username), 429
    if user is None:
        current_app.logger.warning("sign-in refused")
        error = _("The user name or the password is not right.")
        return form(error=error, username=username), 401
    if user.second_factor_at is not None:
        cookie[SECOND_STEP] = second_factors.begin(user)
        return code_form()
    return let_in(user)


def let_in(user: User) -> Any:
    """Sign in a user who has shown all that is asked of them, and go on to where they wanted."""
    id, draft = user.id, _draft(request.form.get("draft", ""), user.id)
    visitor = requests.visitor()
    token = sessions.open_session(user, visitor.address, visitor.agent, limits())
    current_app.logger.info("user %s signed in", id)
    start_cookie(token)
    if user.language:  # the next sign-in page, and what was typed, are in their language too
        cookie["language"] = user.language
        i18n.use_language(user.language)
    answer = make_response(redirect(_next()) if draft is None else _resume(draft, user))
    if visitor.device_of != id:
        answer.set_cookie(
            requests.device_cookie(),
            requests.known_device(id),
            max_age=timedelta(days=365),
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return answer


def start_cookie(token: str) -> None:
    """Let the cookie hold this session's token and nothing of what was before but the looks."""
    kept = {key: cookie[key] for key in ("language", "theme") if key in cookie}
    cookie.clear()  # a token that was there before is worth nothing now
    g.pop("csrf_token", None)  # nor is the one that its forms bore
    cookie.update(kept | {"token": token})
    cookie.permanent = True


def code_form(error: str = "") -> str:
    """Return the page that asks for the second factor, with what the sign-in page carried along."""
    draft = request.form.get("draft", "")
    return render_template("sign_in_code.html", form_error=error, next=_next(), draft=draft)


@blueprint.route("/sign-out", methods=("POST",))
def sign_out() -> Any:
    """End this session, at once and for every copy of its cookie."""
    found = sessions.find(cookie.get("token", ""), limits())
    if found is not None:
        user, id = found.user, found.id
        with records.transaction("session"):
            sessions.end(user, id)
    kept = {key: cookie[key] for key in ("language", "theme") if key in cookie}
    cookie.clear()
    cookie.update(kept)
    answer = redirect("/sign-in")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def form(*, error: str = "", username: str = "") -> str:
    """Return the sign-in page, with the form somebody was filling in when their session ran out."""
    draft = request.form.get("draft", "") if request.path == "/sign-in" else keep_draft()
    return render_template(
        "sign_in.html",
        form_error=error,
        username=username,
        next=_next(),
        draft=draft,
        forgot_url="/forgot-password" if requests.post().sends_links else "",
    )


def ask() -> Any:
    """Answer a request that nobody has signed in for."""
    if requests.wants_json():
        return make_response({"error": "not signed in"}, 401)
    if request.method == "POST":
        return make_response(form(), 401)
    here = request.full_path.rstrip("?")
    return redirect(requests.address("/sign-in", [("next", here)] if here != "/" else []))


def _next() -> str:
    """Return where to go after signing in: an address of ours, else home."""
    asked = request.values.get("next", "/")
    return asked if requests.is_ours(asked) else "/"


# What was typed when the session ran out: sealed, and given back only to the same person.


def _seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="draft")


def keep_draft() -> str:
    """Return what was sent, sealed for the person whose session ran out, or "".

    The CSRF token of the form was checked before: a stranger's page cannot plant a draft.
    """
    owner = sessions.whose(cookie.get("token", "")) if request.method == "POST" else None
    if owner is None or not request.form or not request.path.endswith(("/new/", "/edit/")):
        return ""
    typed = [
        [name, value]
        for name, value in request.form.items(multi=True)
        if name not in ("csrf_token", "password")  # sealed is not hidden
    ]
    path = request.full_path.rstrip("?")
    sealed = _seal().dumps({"user": owner, "path": path, "typed": typed})
    return str(sealed) if len(sealed) <= LARGEST_DRAFT else ""


def _draft(sealed: str, user_id: int) -> dict[str, Any] | None:
    """Return what was kept for this person, or None."""
    try:
        draft: dict[str, Any] = _seal().loads(sealed, max_age=DRAFT_SECONDS) if sealed else {}
    except BadData:
        return None
    return draft if draft.get("user") == user_id else None


def _resume(draft: dict[str, Any], user: User) -> str:
    """Return the page that shows what was typed and sends it at the press of a button."""
    flash(_("You are signed in again. Nothing was lost."), "success")
    model = access.model_of(draft["path"].strip("/").partition("/")[0])
    shown = [
        (columns.label_of(model, model.column_key(name)), _typed(model, name, value, user))
        for name, value in draft["typed"]
        if model is not None and name not in _NOT_TYPED and value not in ("", "__None")
    ]
    return render_template("resume.html", action=draft["path"], fields=draft["typed"], shown=shown)


def _typed(model: type[Record], name: str, value: str, user: User) -> str:
    """Return what was typed or chosen in a field as the person saw it there."""
    if relation := inspect(model).relationships.get(name):
        found = access.find(relation.mapper.class_, value, user, "lookup")
        return str(found) if found is not None else ""
    chosen = {c.key for c in columns.labelled(model) if c.kind in ("state", "choice")}
    if name in chosen:
        return columns.plain(model, name, value, requests.language(), requests.zone())
    return value
