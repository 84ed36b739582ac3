"""Looking at the application as somebody else: where it begins and ends."""

from typing import Any

from flask import abort, flash, g, redirect, request
from flask_admin import expose

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.users import User
from crm_admin.services import access, records, viewing
from crm_admin.views import requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.words import gettext as _


def _may(actor: User) -> bool:
    return access.allows(actor, viewing.VERB, User)


class ViewAsPage(Page):
    """Begins and ends it; in between every page is as that person's."""

    path, label = "/view-as/", N_("View as")
    allowed = {"index": _may, "end": anyone}

    @expose("/", methods=("POST",))
    def index(self) -> Any:
        """Look as the user that was named, from the first page on."""
        actor = requests.actor()
        user = access.find(User, request.form.get("id"), actor) or abort(404)
        here = f"/users/details/?id={user.id}"
        try:
            with records.transaction("view as"):
                viewing.begin(g.session_id, user, actor)
                here = "/"
        except CrmError as refused:
            flash(refused.text(_), "error")
        return redirect(here)

    @expose("/end/", methods=("POST",))
    def end(self) -> Any:
        """Be oneself again, and go back to the page of whom one looked as."""
        user, actor = requests.actor(), requests.signed_in_user()
        with records.transaction("view as"):
            viewing.end(g.session_id, actor)
        return redirect(f"/users/details/?id={user.id}" if user.id != actor.id else "/")
