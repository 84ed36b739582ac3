"""What a link in a mail leads to: a new password for who forgot theirs, or a first one."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request

from crm_admin.errors import Denied, Invalid
from crm_admin.models.accounts import Purpose
from crm_admin.models.users import User
from crm_admin.services import account_tokens, invitations, records, resets
from crm_admin.views import requests
from crm_admin.views.words import gettext as _

blueprint = Blueprint("account_links", __name__)


@blueprint.route("/forgot-password", methods=("GET", "POST"))
def forgot() -> Any:
    """Ask for a link by mail; the answer is the same whoever has an account."""
    post = requests.post()
    if not post.sends_links:
        abort(404)
    if request.method == "GET":
        return render_template("forgot_password.html", form_error="", is_done=False)
    try:
        resets.ask(request.form.get("name", "")[:200], requests.visitor(), post)
    except Denied as refused:
        return render_template("forgot_password.html", form_error=refused.text(_)), 429
    current_app.logger.info("a new password by mail was asked for")
    return render_template("forgot_password.html", form_error="", is_done=True)


@blueprint.route("/reset", methods=("GET", "POST"))
def reset() -> Any:
    """Choose a new password by a link in a mail."""

    def chosen(token: str, new: str, repeated: str) -> User:
        return resets.finish(token, new, repeated, requests.post())

    return _choose(Purpose.RESET, chosen, _("Your password was changed. Please sign in."))


@blueprint.route("/invitation", methods=("GET", "POST"))
def invitation() -> Any:
    """Choose the first password by an invitation."""
    done = _("Your account is ready. Please sign in.")
    return _choose(Purpose.INVITATION, invitations.accept, done)


def _choose(purpose: Purpose, chosen: Callable[[str, str, str], User], done: str) -> Any:
    """Show the form for a password, or take what was typed; looking uses no link up."""
    token = request.values.get("token", "")[:200]
    if request.method == "GET":
        return _form(purpose, token, {})
    new, repeated = request.form.get("new", ""), request.form.get("repeat", "")
    try:
        with records.transaction(purpose.value):
            chosen(token, new, repeated)
    except Invalid as invalid:
        names = {"password": "new"}
        return _form(
            purpose, token, {names.get(p.field, p.field): p.text(_) for p in invalid.problems}
        )
    flash(done, "success")
    return redirect("/sign-in")


def _form(purpose: Purpose, token: str, problems: dict[str, str]) -> Any:
    user = account_tokens.owner(token, purpose)
    page = render_template(
        "choose_password.html",
        action=f"/{purpose.value}",
        token=token,
        username=user.username if user else "",
        is_new=purpose == Purpose.INVITATION,
        problems={"new": "", "repeat": ""} | problems,
    )
    return page if user else (page, 404)
