"""Choosing the language and the look, also before signing in."""

from typing import Any

from flask import Blueprint, abort, redirect, request, session

from crm_admin import i18n
from crm_admin.services import people, records
from crm_admin.views import requests

blueprint = Blueprint("looks", __name__)


@blueprint.route("/language/<code>", methods=("POST",))
def language(code: str) -> Any:
    """Show everything in another language from now on."""
    code = code.replace("-", "_")
    if code not in i18n.LANGUAGES:
        abort(404)
    session["language"] = code
    if requests.is_signed_in():
        actor = requests.actor()
        with records.transaction("profile"):
            people.prefer(actor, language=code)
    return redirect(requests.back(requests.referrer()))


@blueprint.route("/look", methods=("POST",))
def look() -> Any:
    """Show everything light, dark, or as the system has it."""
    theme = request.form.get("theme", "")
    if theme not in requests.THEMES:
        abort(404)
    session["theme"] = theme
    if requests.is_signed_in():
        actor = requests.actor()
        with records.transaction("profile"):
            people.prefer(actor, theme=theme)
    return (
        ("", 204)
        if request.headers.get("X-CSRFToken")
        else redirect(requests.back(requests.referrer()))
    )
