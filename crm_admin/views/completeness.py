"""The supervisor's page: whose records lack what, worst first, and how that went."""

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import request
from flask_admin import expose

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    completeness,
    departments,
    history,
    incomplete,
    listing,
    owning,
    repairs,
    scores,
)
from crm_admin.services.incomplete import Whose
from crm_admin.views import lists, requests, trends
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

SIZE = 50
#: How many days the trend shows, and reminders are counted for.
DAYS = 90


class Completeness(Page):
    """Incomplete records of one's people. Source: A3"""

    path, label, icon = "/completeness/", N_("Completeness"), "list-todo"
    menu, order = N_("Supervision"), 10
    allowed = {"index": completeness.may_check}

    @expose("/")
    def index(self) -> str:
        """Show the people and departments, and their incomplete records of one entity."""
        actor = requests.actor()
        offered = incomplete.entities(actor)
        asked = request.args.get("entity", "")
        model = next((m for m in offered if m.__tablename__ == asked), offered[0])
        whose, number = _whose(), requests.question().page
        rows = incomplete.page(actor, model, whose, offset=number * SIZE, limit=SIZE)
        people = incomplete.people(actor, model, whose)
        count = incomplete.count(actor, model, whose)
        here = _arguments(model, whose)
        last = max(1, -(-min(count, listing.COUNTED) // SIZE))
        question = listing.Question(page=number, size=SIZE)
        pager = lists.pager(self.path, here, question, count, last) | {"size_urls": []}
        until = clock.day_in(requests.company_zone())
        places = _places(actor, model)
        lines = _departments(actor, model, places, until)
        return self.render(
            "completeness.html",
            people=[_person(one, model) for one in people],
            departments=[_department(line, model) for line in lines],
            figures=_figures(actor, model, whose, until, count),
            chart=_trend(actor, model, whose, lines, until),
            rows=[_row(one, actor) for one in rows],
            entities=[(m.__tablename__, _(m.plural), m is model) for m in offered],
            places=[(str(id), name, id == whose.department) for id, name in places.items()],
            owners=[
                (str(p.id), p.name, p.id == whose.person)
                for p in sorted(people, key=lambda p: p.name)
            ],
            list_url=self.path,
            page=pager,
        )


def _whose() -> Whose:
    person, department = (access.key_of(request.args.get(k)) for k in ("person", "department"))
    return Whose(person, department if department in departments.tree().parents else None)


def _arguments(model: type[Record], whose: Whose) -> list[tuple[str, Any]]:
    asked = [("department", whose.department), ("person", whose.person)]
    return [("entity", model.__tablename__), *((key, id) for key, id in asked if id)]


def _address(model: type[Record], whose: Whose) -> str:
    return requests.address("/completeness/", _arguments(model, whose))


def _places(actor: User, model: type[Record]) -> dict[int, str]:
    """Return {department: its name} of those whose figures the actor may see, from the top down."""
    known = owning.known_departments(actor, model)
    names = history.names(Department, known)
    tree = departments.tree()
    tops = [id for id in sorted(known) if tree.parents.get(id) not in known]
    return {id: names[id] for top in tops for id in tree.below(top) if id in known}


def _departments(
    actor: User, model: type[Record], places: dict[int, str], until: date
) -> list[scores.Line]:
    first = until - timedelta(days=DAYS)
    return scores.of_departments(actor, model, first, until, places)


def _trend(
    actor: User, model: type[Record], whose: Whose, lines: list[scores.Line], until: date
) -> dict[str, Any] | None:
    """Return the chart of the person, or of the department and those right below it."""
    first = until - timedelta(days=DAYS)
    if whose.person:
        points = scores.person(actor, model, whose.person, first, until)
        name = history.names(User, {whose.person}).get(whose.person, "") if points else ""
        shown = [scores.Line(whose.person, name, points)] if points else []
        places = {whose.person: _address(model, Whose(person=whose.person))}
    else:
        tree, known = departments.tree(), {line.id for line in lines}
        above = (
            {whose.department}
            if whose.department
            else {id for id in known if tree.parents.get(id) not in known}
        )
        wanted = above | {child for id in above if id for child in tree.children.get(id, ())}
        shown = [line for line in lines if line.id in wanted]
        places = {line.id: _address(model, Whose(department=line.id)) for line in shown}
    title = _("Completeness over the last %(days)s days", days=DAYS)
    return trends.chart(
        title, [trends.Shown(line, places[line.id]) for line in shown], first, until
    )


def _figures(
    actor: User, model: type[Record], whose: Whose, until: date, count: int
) -> list[dict[str, str]]:
    """Return how much is incomplete, and what became of reminders."""
    since = datetime.combine(until - timedelta(days=DAYS), time(), requests.company_zone())
    conditions = incomplete.conditions(actor, model, whose)
    done = repairs.after_reminders(actor, model, since, *conditions)
    more = "+" if count > listing.COUNTED else ""
    return [
        {
            "label": _("Incomplete records"),
            "value": f"{min(count, listing.COUNTED):,}{more}",
            "note": "",
        },
        {
            "label": _("Reminded of"),
            "value": f"{done.reminded:,}",
            "note": _("findings in the last %(days)s days", days=DAYS),
        },
        {
            "label": _("Put right after a reminder"),
            "value": f"{done.repaired:,}",
            "note": f"{done.percent} %" if done.reminded else "",
        },
        {
            "label": _("Time from the reminder to the repair"),
            "value": lasting(done.median) if done.median is not None else "—",
            "note": _("median"),
        },
    ]


def lasting(span: timedelta) -> str:
    """Return a span of time in hours, or in days from two days on."""
    hours = round(span.total_seconds() / 3600)
    if hours < 48:
        return ngettext("%(num)s hour", "%(num)s hours", hours)
    return ngettext("%(num)s day", "%(num)s days", round(hours / 24))


def _person(one: incomplete.Person, model: type[Record]) -> dict[str, Any]:
    return {
        "name": one.name,
        "text": ngettext("%(num)s incomplete", "%(num)s incomplete", one.incomplete),
        "percent": one.percent,
        "url": _address(model, Whose(person=one.id)),
    }


def _department(line: scores.Line, model: type[Record]) -> dict[str, Any]:
    last = line.points[-1]
    lacking = last.records - last.complete
    return {
        "name": line.name,
        "text": ngettext("%(num)s incomplete", "%(num)s incomplete", lacking),
        "percent": last.percent,
        "url": _address(model, Whose(department=line.id)),
    }


def _row(one: incomplete.Row, actor: User) -> dict[str, Any]:
    path = f"/{one.model.__tablename__}/"
    may_edit = access.allows(actor, "edit", one.model)
    back = requests.address("/completeness/", [*request.args.items()])
    fill = requests.address(f"{path}fill/", [("id", one.id), ("url", back)])
    return {
        "title": one.title,
        "url": f"{path}details/?id={one.id}",
        "owner": one.owner,
        "percent": one.percent,
        "missing": [_(lack.label) for lack in one.lacks],
        "edit_url": fill if may_edit else None,
    }
