"""One's people in a table, and reminding one of them or all of what they lack."""

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.reminders import Lacking
from crm_admin.services import access, listing, records, reminders, reviews, team_figures, zones
from crm_admin.services.team_figures import Figures
from crm_admin.views import cockpit, lists, requests
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

SIZE = 50
PATH = "/team/"
#: What the columns are called, in their order.
HEADINGS = {
    "name": N_("Person"),
    "percent": N_("Completeness"),
    "incomplete": N_("Incomplete customers"),
    "today": N_("Interactions today"),
    "late": N_("Closed late this month"),
    "still_open": N_("Not closed"),
    "failed": N_("Failed, not fixed"),
    "reminders": N_("Reminders this month"),
}


class Team(Page):
    """How one's people stand today. Source: A3, B3"""

    path, label, icon = PATH, N_("My people"), "users"
    menu, order = N_("Supervision"), 6
    allowed = dict.fromkeys(("index", "remind", "send"), reviews.may_review)

    @expose("/")
    def index(self) -> str:
        """Show a page of the people, each row leading to their part of the queue."""
        actor, question = requests.actor(), requests.question("percent")
        staff = reviews.people(actor)
        figures = team_figures.of(actor, staff)
        rows = team_figures.ordered(figures, question.sort, descending=question.descending)
        last = max(1, -(-len(rows) // SIZE))
        number = min(question.page, last - 1)
        here = [("sort", question.sort), ("desc", "1")][: 1 + question.descending]
        shown = listing.Question(page=number, size=SIZE)
        return self.render(
            "cockpit/team.html",
            title=_("My people"),
            columns=[_heading(key, question) for key in HEADINGS],
            rows=[_row(one) for one in rows[number * SIZE : (number + 1) * SIZE]],
            page=lists.pager(PATH, here, shown, len(rows), last) if last > 1 else None,
            remind_url=f"{PATH}remind/",
            path=requests.address(PATH, here),
        )

    @expose("/remind/")
    def remind(self) -> str:
        """Show who would be reminded of what."""
        staff, chosen = _chosen()
        found = reminders.lacking(requests.actor(), chosen)
        people = [_preview(id, staff[id][0], things) for id, things in found.items() if things]
        return self.render(
            "cockpit/remind.html",
            title=_("Remind"),
            crumbs=[(_("My people"), PATH)],
            people=people,
            total=sum(person["count"] for person in people),
            send_url=f"{PATH}remind/send/",
            person=request.args.get("person", ""),
            back=PATH,
        )

    @expose("/remind/send/", methods=("POST",))
    def send(self) -> Any:
        """Remind those that were chosen of all they lack."""
        _staff, chosen = _chosen()
        try:
            with records.transaction("form"):
                found = reminders.lacking(requests.actor(), chosen)
                things = [thing for theirs in found.values() for thing in theirs]
                outcome = reminders.remind(things, requests.actor(), requests.post())
        except CrmError as refused:
            flash(refused.text(_), "error")
            return redirect(PATH)
        flash(cockpit.reminded(outcome, things), "success")
        if outcome.again:
            text = ngettext(
                "%(num)s thing they were reminded of today already.",
                "%(num)s things they were reminded of today already.",
                outcome.again,
            )
            flash(text, "message")
        return redirect(requests.back(PATH))


def _chosen() -> tuple[dict[int, tuple[str, int | None]], list[int]]:
    """Return all one's people, and those the request names; one who is not theirs is not there."""
    staff = reviews.people(requests.actor())
    named = [text for text in request.values.getlist("person") if text]
    chosen = [id for text in named if (id := access.key_of(text)) in staff and id is not None]
    if named and not chosen:
        abort(404)
    return staff, chosen or list(staff)


def _heading(key: str, question: Any) -> dict[str, Any]:
    """Return the head of a column and where it sorts to; figures begin with the largest."""
    sorted_by = question.sort == key
    down = not question.descending if sorted_by else key not in ("name", "percent")
    arguments = [("sort", key), ("desc", "1")][: 1 + down]
    return {
        "label": _(HEADINGS[key]),
        "url": requests.address(PATH, arguments),
        "number": key not in ("name", "percent"),
        "sorted": ("descending" if question.descending else "ascending") if sorted_by else "",
    }


def _row(one: Figures) -> dict[str, Any]:
    def queue(**more: Any) -> str:
        return requests.address("/cockpit/", [("person", one.person_id), *more.items()])

    incomplete = f"/customers/?account_manager.is={one.person_id}&completeness.to=99"
    return {
        "id": one.person_id,
        "name": one.name,
        "url": queue(),
        "percent": one.percent,
        "trend": one.trend,
        "numbers": [
            (one.incomplete, incomplete, "warn"),
            (one.today, queue(day=_today()), ""),
            (one.late, f"/crm-use/?person={one.person_id}", "warn"),
            (one.still_open, queue(late="1"), "bad"),
            (one.failed, queue(day="any"), "bad"),
            (one.reminders, f"/crm-use/?person={one.person_id}", ""),
        ],
    }


def _today() -> str:
    """Return the company day as addresses name it."""
    return zones.today().isoformat()


def _preview(id: int, name: str, things: list[reminders.Thing]) -> dict[str, Any]:
    """Return of what one person would be reminded, in words."""
    counts = {lacking: sum(t.lacking == lacking for t in things) for lacking in Lacking}
    return {
        "id": id,
        "name": name,
        "count": len(things),
        "parts": [
            (_(lacking.label), count, lacking.tone) for lacking, count in counts.items() if count
        ],
    }
