"""The record of how people use the system, month by month, on a page and as a file. Source: F3"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import abort, request
from flask_admin import expose
from flask_babel import format_date

from crm_admin.i18n import N_
from crm_admin.models.departments import Department
from crm_admin.services import access, crm_use, history, zones
from crm_admin.services.crm_use import Use
from crm_admin.views import exports, requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.words import gettext as _

PATH = "/crm-use/"
#: The most months that one file holds.
MOST_MONTHS = 12
#: The figures, in their order, and what they are called.
HEADINGS = {
    "score": N_("Score"),
    "written": N_("Interactions written"),
    "closed": N_("Closed the same day"),
    "closed_late": N_("Closed late"),
    "still_open": N_("Not closed"),
    "passed": N_("Passed"),
    "failed": N_("Not passed"),
    "fixed": N_("Fixed after failing"),
    "hours_to_fix": N_("Hours to fix"),
    "reminders": N_("Reminders"),
    "repaired": N_("Repaired after a reminder"),
    "completeness": N_("Completeness"),
}
#: What the parts of the score are called.
PARTS = {
    "closed": N_("closed the same day"),
    "passed": N_("passed"),
    "complete": N_("complete"),
    "repaired": N_("repaired after a reminder"),
}


class CrmUse(Page):
    """One's own record, one's people's, or everybody's by right."""

    path, label, icon = PATH, N_("CRM use"), "gauge"
    menu, order = N_("Supervision"), 20
    allowed = {"index": anyone, "export": anyone}

    @expose("/")
    def index(self) -> str:
        """Show a month by person."""
        month = _month(request.args.get("month", ""))
        staff = crm_use.people(requests.actor())
        shown = _chosen(staff)
        uses = _by_score(crm_use.of(shown, month))
        offices = history.names(Department, {d for _name, d in staff.values() if d})
        kept = [(k, request.args[k]) for k in ("person", "department") if request.args.get(k)]
        person, office = request.args.get("person"), request.args.get("department")

        def file(kind: str) -> str:
            asked = [("month", f"{month:%Y-%m}"), *kept]
            return requests.address(f"{PATH}export/{kind}/", asked)

        scores = [use.score for use in uses if use.score is not None]
        return self.render(
            "cockpit/crm_use.html",
            title=_("CRM use"),
            month_text=format_date(month, "yyyy-MM"),
            month=f"{month:%Y-%m}",
            before=_address(month - timedelta(days=1), kept),
            after=_address(_next(month), kept) if _next(month) <= zones.today() else None,
            headings=[(key, _(label)) for key, label in HEADINGS.items()],
            rows=[_row(use) for use in uses],
            people=[(id, name, str(id) == person) for id, (name, _d) in staff.items()],
            departments=[(id, name, str(id) == office) for id, name in _sorted(offices)],
            average=round(sum(scores) / len(scores)) if scores else None,
            list_url=PATH,
            weights=_weights(),
            files=[(_("CSV file"), file("csv")), (_("Excel workbook (XLSX)"), file("xlsx"))],
        )

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """Send the months up to this one, this one first, as a file for appraisals."""
        if export_type not in ("csv", "xlsx"):
            abort(404)
        month = _month(request.args.get("month", ""))
        months = request.args.get("months", 1, type=int)
        staff = _chosen(crm_use.people(requests.actor()))
        offices = history.names(Department, {d for _name, d in staff.values() if d})
        rows, at = [], month
        for _number in range(min(max(months, 1), MOST_MONTHS)):
            rows += [_cells(use, offices) for use in crm_use.of(staff, at)]
            at = (at - timedelta(days=1)).replace(day=1)
        headings = [_("Month"), _("Person"), _("Department"), *(_(h) for h in HEADINGS.values())]
        name = f"crm-use-{month:%Y-%m}.{export_type}"
        return exports.table(export_type, name, headings, rows, _("CRM use"))


def _sorted(names: dict[int, str]) -> list[tuple[int, str]]:
    return sorted(names.items(), key=lambda one: one[1])


def _month(text: str) -> date:
    """Return the first day of the month that an address names, else of this one."""
    today = zones.today()
    try:
        asked = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        asked = today
    return min(max(asked, date(2000, 1, 1)), today).replace(day=1)


def _next(month: date) -> date:
    return crm_use.month_of(month)[1] + timedelta(days=1)


def _address(month: date, kept: list[tuple[str, str]]) -> str:
    return requests.address(PATH, [("month", f"{month:%Y-%m}"), *kept])


Staff = dict[int, tuple[str, int | None]]


def _chosen(staff: Staff) -> Staff:
    """Return those of the people that the address asks for; who is not theirs is not there."""
    person = access.key_of(request.args.get("person"))
    department = access.key_of(request.args.get("department"))
    if person is not None and person not in staff:
        abort(404)
    return {
        id: (name, office)
        for id, (name, office) in staff.items()
        if person in (None, id) and department in (None, office)
    }


def _by_score(uses: Sequence[Use]) -> list[Use]:
    """Return the best first; those without a score come last."""
    return sorted(uses, key=lambda use: (use.score is None, -(use.score or 0), use.name))


def _row(use: Use) -> dict[str, Any]:
    return {
        "name": use.name,
        "score": use.score,
        "cells": [(_(HEADINGS[key]), _text(key, getattr(use, key))) for key in HEADINGS][1:],
    }


def _text(key: str, value: Any) -> str:
    if value is None or (value == 0 and key != "completeness"):
        return ""
    return f"{value} %" if key == "completeness" else f"{value:,}"


def _cells(use: Use, offices: dict[int, str]) -> list[Any]:
    """Return one row of the file: numbers stay numbers."""
    named = offices.get(use.department_id or 0, "")
    return [f"{use.month:%Y-%m}", use.name, named, *(getattr(use, key) for key in HEADINGS)]


def _weights() -> str:
    """Return how the score is made, in words."""
    parts = [f"{_(PARTS[part])} {weight}" for part, weight in crm_use.weights().items() if weight]
    return " · ".join(parts)
