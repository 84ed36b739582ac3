"""The second step of signing in: a code of the phone, or one of those kept on paper."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, request
from flask import session as cookie

from crm_admin.errors import CrmError, Denied, Invalid
from crm_admin.models.accounts import Purpose
from crm_admin.services import account_tokens, second_factors
from crm_admin.views import requests, signing_in
from crm_admin.views.words import gettext as _

blueprint = Blueprint("second_step", __name__)


@blueprint.route("/sign-in/code", methods=("GET", "POST"))
def code() -> Any:
    """Ask for the code, or sign in with it; before that nobody is signed in."""
    token = cookie.get(signing_in.SECOND_STEP, "")
    if request.method == "GET":
        if requests.is_signed_in():
            return redirect("/")
        waits = account_tokens.owner(token, Purpose.SECOND_STEP) is not None
        return signing_in.code_form() if waits else redirect("/sign-in")
    typed = request.form.get("code", "")[:100]
    try:
        user = second_factors.enter(token, typed, requests.visitor(), requests.post())
    except Denied as refused:
        return signing_in.code_form(refused.text(_)), 429
    except Invalid as late:
        flash(late.text(_), "error")
        return redirect("/sign-in")
    except CrmError:  # the installation's secret was changed, and the old one is not kept
        current_app.logger.exception("the secret of a second factor cannot be opened")
        said = _("Codes of your phone cannot be checked now. Use a recovery code.")
        return signing_in.code_form(said), 409
    if user is None:
        current_app.logger.warning("second factor refused")
        return signing_in.code_form(_("This code is not right, or it was used before.")), 401
    return signing_in.let_in(user)
