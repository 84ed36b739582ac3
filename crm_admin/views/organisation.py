"""Screens for users, departments and picklists; roles and rules have files of their own."""

from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from wtforms import Form, PasswordField, SelectField

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.departments import Department
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.models.roles import Role
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    explanations,
    labels,
    organisation,
    passwords,
    records,
    viewing,
)
from crm_admin.views import forms, handovers, pages, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.words import gettext as _

#: The groups of the menu for those who run the application.
PEOPLE, ADMINISTRATION = N_("People and rights"), N_("Administration")


class UserView(EntityView):
    """The people who sign in."""

    model = User
    menu = PEOPLE
    icon, order = "user-round", 10
    verbs = {"set_password": "edit"}
    actions = {}

    column_list = ("name", "username", "department", "job_title", "email", "phone", "is_active")
    filters = ("department", "is_active", "username", "name")
    subtitle = ("username", "department", "job_title")
    sections = (
        (BASICS, ("name", "username", "department", "job_title", "is_active", "customer_limit")),
        (N_("How to reach them"), ("email", "phone")),
        (N_("Rights"), ("roles",)),
        (N_("First password"), ("password",)),
    )
    related = (
        ("customers", "account_manager_id", ("name", "number", "stage", "city")),
        ("contracts", "owner_id", ("title_text", "number", "status", "ends_on")),
    )

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer the roles to who may give them, and for a new user a first password."""
        actor, fields = requests.actor(), dict[str, Any]()
        if access.writable(actor, User, "roles") and access.allows(actor, "lookup", Role):
            roles = access.fetch(access.visible(Role, actor, "lookup").order_by(Role.id))
            fields["roles"] = forms.RecordsField(_("Roles"), list(roles))
        if record.id is None:
            help = _(
                "They choose their own when they first sign in. Empty: invite them afterwards."
            )
            fields["password"] = PasswordField(_("First password"), description=help)
        return fields

    def more_values(self, form: Form) -> dict[str, Any]:
        offered: Any = [field for field in form if field.name == "roles"]
        return {field.name: field.records for field in offered}

    def saved(self, id: int, *, is_new: bool = False) -> Any:
        """Give a new user the first password that was typed, within the same transaction."""
        if is_new and (password := request.form.get("password")):
            user = access.find(User, id, requests.actor(), "create")
            assert user is not None
            passwords.set_password(user, password, requests.actor())
        return super().saved(id, is_new=is_new)

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Explain what they may do, and offer a new password for somebody who forgot theirs."""
        actor, found = requests.actor(), []
        if explanations.may_ask(actor):
            url = f"/explain/?user={record.id}"
            found.append(pages.button(_("Rights explained"), url, "circle-question-mark"))
        assert isinstance(record, User)
        if viewing.may(record, actor):
            fields = [("id", record.id)]
            found.append(pages.button(_("View as"), "/view-as/", "eye", fields=fields))
        found += handovers.of_person_button(record, actor)
        if record.locked() or not access.may(record, actor, "edit"):
            return found
        if not organisation.ranks_over(record, actor):
            found.append(pages.button(_("Account"), f"/accounts/?user={record.id}", "shield-user"))
            if record.password_hash is None and record.is_active:
                fields = [("id", record.id)]
                found.append(pages.button(_("Invite"), "/accounts/invite/", "mail", fields=fields))
        question = _("Give this user a new password? Their open sessions end.")
        return [
            *found,
            pages.button(
                _("New password"),
                f"{self.path}set_password/",
                "key-round",
                fields=[("id", record.id)],
                confirm=question,
            ),
        ]

    @expose("/set_password/", methods=("POST",))
    def set_password(self) -> Any:
        """Give a user a random password, shown once, which they must change."""
        user, actor, new = (
            self.get_one(request.form.get("id")),
            requests.actor(),
            passwords.generate(),
        )
        id, name = user.id, user.username
        with self.told(), records.transaction("form"):
            records.claim(user, actor, "edit")
            passwords.set_password(user, new, actor)
            flash(
                _(
                    "The new password of %(name)s, shown once: %(password)s",
                    name=name,
                    password=new,
                ),
                "warning",  # it stays until the page is left: nobody sees it again
            )
        return redirect(f"{self.path}details/?id={id}")


class DepartmentView(EntityView):
    """The tree of departments."""

    model = Department
    menu = PEOPLE
    icon, order = "network", 20
    actions = {}

    column_list = ("name", "code", "kind", "parent", "time_zone")
    filters = ("kind", "parent")
    subtitle = ("code", "parent")
    badges = ("kind",)
    sections = ((BASICS, ("name", "code", "kind", "parent", "time_zone")),)
    related = (
        ("departments", "parent_id", ("name", "code", "kind")),
        ("users", "department_id", ("name", "username", "job_title", "is_active")),
    )


class PicklistView(EntityView):
    """The lists of choices."""

    model = Picklist
    menu = ADMINISTRATION
    icon, order = "list", 40
    actions = {}

    column_list = ("code", "label_en", "label_zh_hans", "label_zh_hant")
    sections = ((BASICS, ("code", "label_en", "label_zh_hans", "label_zh_hant")),)
    related = (
        (
            "picklist_items",
            "picklist_id",
            ("code", "label_en", "label_zh_hans", "label_zh_hant", "position", "is_active"),
        ),
    )


class PicklistItemView(EntityView):
    """The choices of all picklists; reached from their picklist."""

    model = PicklistItem
    icon = "list"

    column_list = (
        "code",
        "picklist",
        "label_en",
        "label_zh_hans",
        "label_zh_hant",
        "position",
        "colour",
        "is_active",
    )
    filters = ("picklist", "is_active")
    subtitle = ("picklist", "code")
    sections = (
        (BASICS, ("picklist", "code", "position", "colour", "is_active")),
        (N_("Names"), ("label_en", "label_zh_hans", "label_zh_hant")),
    )

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer the colours by their names."""
        tones = [("", ""), *((code, _(name)) for code, name in labels.TONE_NAMES.items())]
        return {"colour": SelectField(_("Colour"), choices=tones)}

    def more_values(self, form: Form) -> dict[str, Any]:
        return {"colour": form["colour"].data or None}
