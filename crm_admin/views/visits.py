"""Visits due, worst first; and the screen of the cadences that they follow from."""

from datetime import date
from typing import Any

from flask import request
from flask_admin import expose
from wtforms import Form

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.cadences import Cadence
from crm_admin.models.events import Event
from crm_admin.models.interactions import Interaction
from crm_admin.services import access, cadences, listing, picklists
from crm_admin.services.cadences import Due
from crm_admin.views import columns, forms, lists, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

SIZE = 50
#: How far ahead the page looks, in days.
AHEAD = {"0": N_("Due or overdue"), "7": N_("Within a week"), "30": N_("Within 30 days")}


class Visits(Page):
    """The customers that somebody should visit, as their cadences say. Source: A13, C9"""

    path, label, icon = "/visits/", N_("Visits due"), "footprints"
    menu, order = N_("Calendar and visits"), 30
    allowed = {"index": cadences.sees}

    @expose("/")
    def index(self) -> str:
        """Show the customers by how overdue they are."""
        actor, today = requests.actor(), clock.day_in(requests.company_zone())
        people = cadences.people(actor)
        person = access.key_of(request.args.get("person"))
        person = person if person in dict(people) else None
        ahead = request.args.get("ahead", "0")
        ahead = ahead if ahead in AHEAD else "0"
        number = requests.question().page
        asked: dict[str, Any] = {"person": person, "ahead": int(ahead), "limit": SIZE}
        rows, count = cadences.page(actor, today, offset=number * SIZE, **asked)
        if number and not rows:  # beyond the end
            number = 0
            rows, count = cadences.page(actor, today, **asked)
        here = [("ahead", ahead)] if ahead != "0" else []
        here += [("person", str(person))] if person else []
        question = listing.Question(page=number, size=SIZE)
        pager = lists.pager(self.path, here, question, count, max(1, -(-count // SIZE)))
        may_add = access.allows(actor, "create", Interaction)
        may_plan = access.allows(actor, "create", Event)
        return self.render(
            "visits.html",
            title=_("Visits due"),
            rows=[_row(one, today, may_add=may_add, may_plan=may_plan) for one in rows],
            count_text=lists.counted(count),
            people=[(str(id), name, id == person) for id, name in people],
            ahead=[(key, _(text), key == ahead) for key, text in AHEAD.items()],
            list_url=self.path,
            page=pager | {"size_urls": []},
            has_cadences=bool(cadences.rules()),
            cadences_url="/cadences/" if access.allows(actor, "view", Cadence) else "",
        )


def _row(one: Due, today: date, *, may_add: bool, may_plan: bool) -> dict[str, Any]:
    late = one.late(today)
    planned = max(today, one.due_on).isoformat()
    return {
        "name": one.name,
        "url": f"/customers/details/?id={one.id}",
        "grade": picklists.label("customer_grades", one.grade, requests.language()),
        "manager": one.manager or "",
        "last": columns.moment(one.last_at, requests.zone())[:10],
        "due": one.due_on.isoformat(),
        "late": _lateness(late),
        "tone": "bad" if late > 0 else "warn" if late == 0 else "inf",
        "write_url": f"/interactions/new/?customer={one.id}&kind=visit" if may_add else "",
        "plan_url": f"/events/new/?customer={one.id}&kind=visit&starts_at={planned}T10:00"
        if may_plan
        else "",
    }


def _lateness(late: int) -> str:
    if late > 0:
        return ngettext("%(num)s day overdue", "%(num)s days overdue", late)
    if late == 0:
        return _("due today")
    return ngettext("in %(num)s day", "in %(num)s days", -late)


class CadenceView(EntityView):
    """How often customers are to be visited, by grade and segment."""

    model = Cadence
    menu = N_("Administration")
    icon, order = "calendar-clock", 55

    column_list = ("name", "grade", "segment", "every_days", "tells_chief")
    filters = ("grade", "segment")
    subtitle = ("grade", "segment")
    sections = ((BASICS, ("name", "grade", "segment", "every_days", "kinds", "tells_chief")),)

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer the kinds of interaction."""
        if not access.writable(requests.actor(), Cadence, "kinds"):
            return {}
        offered: list[Record] = [*cadences.kinds()]
        help = _("Which interactions count as a visit. None ticked: every one does.")
        return {"kinds": forms.RecordsField(_("What counts"), offered, description=help)}

    def more_values(self, form: Form) -> dict[str, Any]:
        offered: Any = [field for field in form if field.name == "kinds"]
        return {field.name: field.records for field in offered}
