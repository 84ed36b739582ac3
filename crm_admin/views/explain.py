"""Why somebody may do what they may, for who sees users and roles."""

from typing import Any

from flask import abort, request
from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.roles import Role, Scope
from crm_admin.models.users import User
from crm_admin.services import access, explanations, field_rights, labels, lookups
from crm_admin.views import requests
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _

#: How many records a search offers.
OFFERED = 10


class ExplainPage(Page):
    """One person's rights on a kind of record, on one record and on its fields."""

    path, label = "/explain/", N_("Rights explained")
    allowed = {"index": explanations.may_ask}

    @expose("/")
    def index(self) -> str:
        """Show what a person may do, and which role decided it."""
        actor, asked = requests.actor(), request.args
        user = access.find(User, asked.get("user"), actor) or abort(404)
        model = access.model_of(asked.get("entity", "customers")) or abort(404)
        record = None
        if "record" in asked:
            record = access.find(model, asked["record"], actor) or abort(404)
        here, names = f"{self.path}?user={user.id}", _role_names()
        return self.render(
            "explain.html",
            title=_("What %(person)s may do", person=user),
            crumbs=[(_("Users"), "/users/"), (str(user), f"/users/details/?id={user.id}")],
            person=str(user),
            is_active=user.is_active,
            roles=[names.get(code, code) for code in _codes(user)],
            entities=_entities(here, model),
            entity_name=_(model.plural),
            entity=model.__tablename__,
            user_id=user.id,
            found=_found(model, actor, here),
            query=asked.get("query", ""),
            keep_url=_keep_url(user, model, record) if access.allows(actor, "edit", Role) else "",
            record=record and _shown(record),
            rights=[_right(right, names) for right in explanations.rights(user, model, record)],
            fields=[_field(field, names) for field in explanations.fields(user, model, record)],
        )


def _keep_url(user: User, model: type[Record], record: Record | None) -> str:
    """Return the address that keeps one of the page's answers as what must stay so."""
    about: list[tuple[str, Any]] = [("user", user.id), ("entity", model.__tablename__)]
    about += [("record", record.id)] if record is not None else []
    return requests.address("/rights-cases/keep/", about)


def _role_names() -> dict[str, str]:
    roles = access.fetch(access.visible(Role, requests.actor()))
    return {role.code: str(role) for role in roles}


def _codes(user: User) -> list[str]:
    return [role.code for role in user.roles if role.deleted_at is None]


def _entities(here: str, model: type[Record]) -> list[dict[str, Any]]:
    return [
        {
            "label": _(other.plural),
            "url": f"{here}&entity={entity}",
            "is_here": other is model,
        }
        for entity, other in access.entities().items()
    ]


def _found(model: type[Record], actor: User, here: str) -> list[tuple[str, str]]:
    """Return (address, title) of the records that fit what was typed, as the asker sees them."""
    query = request.args.get("query", "").strip()[:80]
    if not query or not access.allows(actor, "view", model):
        return []
    pairs = lookups.offered(model, actor, query, offset=0, limit=OFFERED)
    seen = {id for id, _title in pairs if access.find(model, id, actor) is not None}
    address = f"{here}&entity={model.__tablename__}&record="
    return [(f"{address}{id}", title) for id, title in pairs if id in seen]


def _shown(record: Record) -> dict[str, Any]:
    actor = requests.actor()
    places = access.readable(actor, User, "department_id")
    return {
        "title": str(record),
        "url": f"/{record.__tablename__}/details/?id={record.id}",
        "owners": [
            (_(label), str(person), str(person.department or "") if places else "")
            for label, person in explanations.owners(record, actor)
        ],
    }


def _right(right: explanations.Right, names: dict[str, str]) -> dict[str, Any]:
    return {
        "verb": right.verb,
        "label": _(labels.VERBS[right.verb]),
        "scope": _(labels.label_of(right.scope)) if right.scope else "",
        "roles": [_source(one, names, _(labels.label_of(Scope(one.gives)))) for one in right.roles],
        "record": right.record,
        "shared": right.shared,
    }


def _field(field: explanations.FieldRight, names: dict[str, str]) -> dict[str, Any]:
    return {
        "key": field.key,
        "label": _(field.label),
        "limit": field.limit,
        "word": _(field_rights.WORDS[field.limit]),
        "roles": [_source(one, names, _(field_rights.WORDS[one.gives])) for one in field.roles],
    }


def _source(one: explanations.Source, names: dict[str, str], gives: str) -> dict[str, Any]:
    """Return what a role gives in words, with the records it holds for, and whose role it is."""
    role = names.get(one.role, one.role)
    if one.person:
        role = _("%(role)s (in place of %(person)s)", role=role, person=one.person)
    return {"role": role, "gives": gives, "when": one.when, "holds": one.holds}
