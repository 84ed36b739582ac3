"""The page on which a record is shared with somebody, a part of every entity's screen."""

from datetime import date
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin import expose

from crm_admin.errors import Invalid
from crm_admin.models.base import Record
from crm_admin.services import access, records, sharing
from crm_admin.views import pages, requests
from crm_admin.views.words import gettext as _


class Sharing:
    """What a screen does to share its records; `EntityView` has the rights that it asks for."""

    model: ClassVar[type[Record]]
    path: str
    get_one: Any
    render: Any
    told: Any

    def sharing_button(self, record: Record) -> list[dict[str, Any]]:
        """Return the button that leads to the page, for who may share the record."""
        if not sharing.may(record, requests.actor()):
            return []
        return [pages.button(_("Share"), f"{self.path}sharing/?id={record.id}", "share-2")]

    @expose("/sharing/")
    def sharing(self) -> str:
        """Show with whom a record is shared, and offer to share it."""
        return self._sharing(self.get_one(request.args.get("id")), {})

    @expose("/share/", methods=("POST",))
    def share(self) -> Any:
        """Share a record with one person, or change until when and how far."""
        record, errors = self.get_one(request.args.get("id")), dict[str, str]()
        form, here = request.form, f"{self.path}sharing/?id={record.id}"
        with self.told(), records.transaction("form"):
            try:
                until_on, may_edit = _day(form.get("until_on", "")), "may_edit" in form
                who, actor = form.get("user"), requests.actor()
                sharing.share(record, who, actor, may_edit=may_edit, until_on=until_on)
            except Invalid as wrong:
                errors = {problem.field: problem.text(_) for problem in wrong.problems}
                raise
            flash(_("Shared."), "success")
            return redirect(here)
        return self._sharing(self.get_one(request.args.get("id")), errors)

    @expose("/unshare/", methods=("POST",))
    def unshare(self) -> Any:
        """Take a record back from one person."""
        record = self.get_one(request.form.get("id"))
        here = f"{self.path}sharing/?id={record.id}"
        with self.told(), records.transaction("form"):
            sharing.withdraw(record, request.form.get("share"), requests.actor())
            flash(_("It is no longer shared."), "success")
        return redirect(here)

    def _sharing(self, record: Record, errors: dict[str, str]) -> str:
        actor, page = requests.actor(), f"{self.path}details/?id={record.id}"
        return str(
            self.render(
                "entity/sharing.html",
                title=_("Share %(record)s", record=str(record)[:120]),
                crumbs=[(_(self.model.plural), self.path), (str(record)[:120], page)],
                record_url=page,
                record_id=record.id,
                share_url=f"{self.path}share/?id={record.id}",
                unshare_url=f"{self.path}unshare/",
                shares=sharing.of(record),
                people=[(user.id, str(user)) for user in sharing.people(actor)],
                may_let_edit=access.may(record, actor, "edit") and not record.append_only,
                typed=request.form,
                errors=errors,
            )
        )


def _day(text: str) -> date | None:
    """Return the day that was typed, or None where none was; what is no day is past."""
    try:
        return date.fromisoformat(text.strip()[:10]) if text.strip() else None
    except ValueError:
        return date.min
