"""The supervisor's page: whose records lack what, worst first."""

from typing import Any

from flask import request
from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.models.users import User
from crm_admin.services import access, completeness, incomplete, listing
from crm_admin.views import lists, requests
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

SIZE = 50


class Completeness(Page):
    """Incomplete records of one's people. Source: A3"""

    path, label, icon = "/completeness/", N_("Completeness"), "list-todo"
    menu, order = N_("Supervision"), 10
    allowed = {"index": completeness.may_check}

    @expose("/")
    def index(self) -> str:
        """Show the people and their incomplete records of one entity."""
        actor = requests.actor()
        offered = incomplete.entities(actor)
        asked = request.args.get("entity", "")
        model = next((m for m in offered if m.__tablename__ == asked), offered[0])
        person = access.key_of(request.args.get("person"))
        number = requests.question().page
        rows = incomplete.page(actor, model, person, offset=number * SIZE, limit=SIZE)
        people = incomplete.people(actor, model)
        count = incomplete.count(actor, model, person)
        here = [("entity", model.__tablename__)] + ([("person", str(person))] if person else [])
        last = max(1, -(-min(count, listing.COUNTED) // SIZE))
        question = listing.Question(page=number, size=SIZE)
        pager = lists.pager(self.path, here, question, count, last) | {"size_urls": []}
        return self.render(
            "completeness.html",
            people=[_person(one, model.__tablename__) for one in people],
            rows=[_row(one, actor) for one in rows],
            entities=[(m.__tablename__, _(m.plural), m is model) for m in offered],
            owners=[
                (str(p.id), p.name, p.id == person) for p in sorted(people, key=lambda p: p.name)
            ],
            list_url=self.path,
            page=pager,
        )


def _person(one: incomplete.Person, entity: str) -> dict[str, Any]:
    asked = [("entity", entity), ("person", one.id)]
    return {
        "name": one.name,
        "text": ngettext("%(num)s incomplete", "%(num)s incomplete", one.incomplete),
        "percent": one.percent,
        "url": requests.address("/completeness/", asked),
    }


def _row(one: incomplete.Row, actor: User) -> dict[str, Any]:
    path = f"/{one.model.__tablename__}/"
    may_edit = access.allows(actor, "edit", one.model)
    return {
        "title": one.title,
        "url": f"{path}details/?id={one.id}",
        "owner": one.owner,
        "percent": one.percent,
        "missing": [_(lack.label) for lack in one.lacks],
        "edit_url": f"{path}edit/?id={one.id}" if may_edit else None,
    }
