"""Roles: the matrix of what each may do, and what its users see of each field."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_admin import expose

from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.roles import Role
from crm_admin.services import access, field_rights, history, records, rights_cases, role_matrix
from crm_admin.views import pages, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.organisation import PEOPLE
from crm_admin.views.words import gettext as _

#: How two states of each column of a role are told apart.
_TOLD = {
    "grants": role_matrix.differences,
    "conditions": field_rights.whens,
    "fields": field_rights.differences,
    "field_conditions": field_rights.wheres,
}


class RoleView(EntityView):
    """Roles, and their rights on records and on fields."""

    model = Role
    menu = PEOPLE
    icon, order = "shield", 30
    verbs = {
        "matrix": "view",
        "save_matrix": "edit",
        "fields_page": "view",
        "save_fields": "edit",
        "compare": "view",
        "copy": "create",
    }
    actions = {}

    column_list = ("label_en", "code", "label_zh_hans", "label_zh_hant")
    subtitle = ("code",)
    sections = (
        (BASICS, ("code", "label_en", "label_zh_hans", "label_zh_hant")),
        (N_("Signing in"), ("requires_second_factor",)),
    )

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        found = [
            pages.button(_("Rights"), f"{self.path}matrix/?id={record.id}", "grid-3x3", "primary"),
            pages.button(_("Fields"), f"{self.path}fields/?id={record.id}", "eye"),
        ]
        compared = f"{self.path}compare/?id={record.id}"
        found.append(pages.button(_("Compare"), compared, "arrow-left-right"))
        if access.allows(requests.actor(), "create", Role):
            fields = [("id", record.id)]
            found.append(pages.button(_("Copy"), f"{self.path}copy/", "copy", fields=fields))
        return found

    def change_history(self, record: Record) -> Sequence[history.Entry]:
        """Return who changed what, each right by itself."""
        return [_each_right(entry) for entry in super().change_history(record)]

    @expose("/matrix/")
    def matrix(self) -> str:
        """Show what a role may do, entity by entity and verb by verb."""
        return self._matrix(self.get_one(request.args.get("id")))

    @expose("/matrix/save/", methods=("POST",))
    def save_matrix(self) -> Any:
        """Keep what was chosen in the matrix."""
        typed = request.form.to_dict()
        with self.told(), records.transaction("form"):
            role = self.get_one(request.args.get("id"), to_change=True)
            self._keep(role, {"grants": role_matrix.chosen(typed)})
            return redirect(f"{self.path}matrix/?id={role.id}")
        return self._matrix(self._told_meanwhile(), typed)

    def _matrix(self, role: Role, typed: dict[str, str] | None = None) -> str:
        return self.render(
            "roles/matrix.html",
            title=_("What %(role)s may do", role=role),
            **self._shared(role, "matrix/save/"),
            **role_matrix.shown(role, _, typed),
        )

    @expose("/fields/")
    def fields_page(self) -> str:
        """Show what a role's users see and change of an entity's fields."""
        return self._fields(self.get_one(request.args.get("id")), _asked_entity())

    @expose("/fields/save/", methods=("POST",))
    def save_fields(self) -> Any:
        """Keep what was chosen for the fields of an entity."""
        model, typed = _asked_entity(), request.form.to_dict()
        errors = dict[str, str]()
        with self.told(), records.transaction("form"):
            role = self.get_one(request.args.get("id"), to_change=True)
            try:
                chosen = field_rights.chosen(role, model, typed)
            except Invalid as wrong:
                errors = {problem.field: problem.text(_) for problem in wrong.problems}
                raise Invalid([Problem("", N_("Please look at what is marked."))]) from wrong
            self._keep(role, chosen)
            arguments = [("id", role.id), ("entity", model.__tablename__)]
            return redirect(requests.address(f"{self.path}fields/", arguments))
        return self._fields(self._told_meanwhile(), model, typed, errors)

    def _fields(
        self,
        role: Role,
        model: type[Record],
        typed: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
    ) -> str:
        limited, here = field_rights.limited(role), model.__tablename__
        entities = [
            {
                "label": _(other.plural),
                "url": f"{self.path}fields/?id={role.id}&entity={entity}",
                "count": limited.get(entity, 0),
                "is_here": entity == here,
            }
            for entity, other in access.entities().items()
        ]
        return self.render(
            "roles/fields.html",
            title=_("What %(role)s sees of each field", role=role),
            intro=_(
                "A field may be kept from change, be seen in part (138****1234), or not be there "
                "at all. Of several roles of a user the most generous counts. A right or a limit "
                "with a condition holds only for the records that fit it."
            ),
            entities=entities,
            entity_name=_(model.plural),
            errors=errors or {},
            **self._shared(role, "fields/save/", ("entity", here)),
            **field_rights.shown(role, model, _, typed),
        )

    def _keep(self, role: Role, rights: dict[str, Any]) -> None:
        """Keep the rights, unless somebody else has changed the role since the page was opened."""
        version = access.key_of(request.form.get("version"))
        records.change(role, rights, requests.actor(), version=version)
        if "anyway" not in request.form:
            try:
                rights_cases.check(requests.actor())
            except Invalid:
                g.cases_fail = True
                raise
        flash(_("Saved."), "success")

    def _told_meanwhile(self) -> Role:
        """Return the role anew, and tell what others changed in it since the page was opened.

        The page is shown again as it was filled in; who saves it now, decides against theirs.
        """
        role: Role = self.get_one(request.args.get("id"))
        version = access.key_of(request.form.get("version")) or role.version
        since = history.of(role, requests.actor(), after_version=version)
        for entry in map(_each_right, since):
            changes = "; ".join(
                f"{w}: {old or '—'} → {new or '—'}" for w, old, new in entry.changes
            )
            said = _("%(person)s changed meanwhile: %(changes)s", person=entry.by, changes=changes)
            flash(said, "warning")
        return role

    def _shared(self, role: Role, save: str, *more: tuple[str, Any]) -> dict[str, Any]:
        """Return what both pages show of the role; without an address nothing can be saved."""
        may_edit, here = access.may(role, requests.actor(), "edit"), f"details/?id={role.id}"
        save_url = requests.address(f"{self.path}{save}", [("id", role.id), *more])
        return {
            "role_id": role.id,
            "role_name": str(role),
            "role_url": f"{self.path}{here}",
            "version": role.version,
            "save_url": save_url if may_edit else "",
            "cases_fail": g.get("cases_fail", False),
            "crumbs": [(_("Roles"), self.path), (str(role), f"{self.path}{here}")],
        }

    @expose("/compare/")
    def compare(self) -> str:
        """Show in what two roles differ."""
        role, actor = self.get_one(request.args.get("id")), requests.actor()
        asked, other = request.args.get("with"), None
        if asked:
            other = access.find(Role, asked, actor) or abort(404)
        others = access.fetch(access.visible(Role, actor).order_by(Role.id))
        differences: list[tuple[str, str, str]] = []
        if other is not None:
            for key, compared in _TOLD.items():
                differences += compared(getattr(role, key), getattr(other, key), _)
            differences += _second_factor(role, other)
        return self.render(
            "roles/compare.html",
            title=_("Compare %(role)s", role=role),
            others=[(one.id, str(one), one is other) for one in others if one is not role],
            other_name=str(other) if other is not None else "",
            differences=differences,
            **self._shared(role, ""),
        )

    @expose("/copy/", methods=("POST",))
    def copy(self) -> Any:
        """Make a role with the rights of another, and lead to its form."""
        original = access.find(Role, request.form.get("id"), requests.actor()) or abort(404)
        here = f"{self.path}details/?id={original.id}"
        with self.told(), records.transaction("form"):
            made = role_matrix.copied(original, requests.actor())
            flash(_("Copied. Give it a name of its own."), "success")
            here = f"{self.path}edit/?id={made.id}"
        return redirect(here)


def _second_factor(role: Role, other: Role) -> list[tuple[str, str, str]]:
    """Return the line by which one of the roles requires a second factor and the other does not."""
    here, there = role.requires_second_factor, other.requires_second_factor
    said = {True: _("Yes"), False: _("No")}
    return [(_("Requires a second factor"), said[here], said[there])] if here is not there else []


def _each_right(entry: history.Entry) -> history.Entry:
    """Return an entry of a role's history with each right that differs by itself."""
    changes = [
        one
        for key, old, new in entry.changes
        for one in (_TOLD[key](old, new, _) if key in _TOLD else [(key, old, new)])
    ]
    return replace(entry, changes=changes)


def _asked_entity() -> type[Record]:
    """Return the entity that the address names, by default the customers."""
    return access.model_of(request.args.get("entity", "customers")) or abort(404)
