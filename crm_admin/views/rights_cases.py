"""Checks of rights: what must stay so whenever a role is changed."""

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.roles import Role
from crm_admin.models.users import User
from crm_admin.services import access, explanations, records, rights_cases
from crm_admin.views import requests
from crm_admin.views.organisation import PEOPLE
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _


def _changes(actor: User) -> bool:
    return explanations.may_ask(actor) and access.allows(actor, "edit", Role)


class RightsCasesPage(Page):
    """The cases, each with its answer now."""

    path, label = "/rights-cases/", N_("Checks of rights")
    menu, icon, order = PEOPLE, "shield-check", 35
    allowed = {"index": explanations.may_ask, "keep": _changes, "drop": _changes}

    @expose("/")
    def index(self) -> str:
        """Show what must stay so, and whether it is."""
        actor = requests.actor()
        return self.render(
            "rights_cases.html",
            title=_("Checks of rights"),
            intro=_(
                "What must stay so whenever a role is changed: before the change is kept, each is "
                "asked anew, and what would no longer hold is shown."
            ),
            crumbs=[],
            cases=[_shown(case, actor) for case in rights_cases.every()],
            drop_url=f"{self.path}drop/" if access.allows(actor, "edit", Role) else "",
            users_url="/users/",
        )

    @expose("/keep/", methods=("POST",))
    def keep(self) -> Any:
        """Keep one answer of the page that explains rights."""
        actor, asked, record = requests.actor(), request.args, None
        user = access.find(User, asked.get("user"), actor) or abort(404)
        model = access.model_of(asked.get("entity", "")) or abort(404)
        if "record" in asked:
            record = access.find(model, asked["record"], actor) or abort(404)
        about = [(key, asked[key]) for key in ("user", "entity", "record") if key in asked]
        try:
            with records.transaction("form"):
                what = request.form.get("what", "")[:100]
                rights_cases.keep(user, model, record, what, actor)
            flash(_("Kept as a check."), "success")
        except CrmError as refused:
            flash(refused.text(_), "error")
        return redirect(requests.address("/explain/", about))

    @expose("/drop/", methods=("POST",))
    def drop(self) -> Any:
        """Ask one no more."""
        try:
            with records.transaction("form"):
                rights_cases.drop(request.form.get("id"), requests.actor())
            flash(_("This check is no longer made."), "success")
        except CrmError as refused:
            flash(refused.text(_), "error")
        return redirect(self.path)


def _shown(case: rights_cases.Asked, actor: User) -> dict[str, Any]:
    """Return a case as the page shows it; a record that its reader may not see has no name."""
    record = case.record if case.record is not None and access.may(case.record, actor) else None
    about: list[tuple[str, Any]] = [("user", case.user.id), ("entity", case.model.__tablename__)]
    return {
        "id": case.id,
        "person": case.user.name,
        "url": requests.address("/explain/", about + ([("record", record.id)] if record else [])),
        "entity": _(case.model.plural),
        "record": str(record) if record else f"#{case.record.id}" if case.record else "",
        "what": _(case.what),
        "expected": _(rights_cases.words_of(case, case.expected)),
        "now": _(rights_cases.words_of(case, case.now)) if case.now else "",
        "fails": case.fails,
    }
