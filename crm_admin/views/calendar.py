"""The calendar: a day, a week or a month of one's own, of colleagues or of the team."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import format_date

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models.events import Event
from crm_admin.services import access, calendar_feeds, calendars, records
from crm_admin.views import calendar_grid, columns, requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.words import gettext as _

VIEWS = {"day": N_("Day"), "week": N_("Week"), "month": N_("Month")}
WHOSE = {"me": N_("Mine"), "team": N_("My team"), "all": N_("All I may see")}
#: So many persons are shown at once at most.
MOST_PEOPLE = 200
#: The days that a page can be opened at; beyond, dates end.
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)


class Place(NamedTuple):
    """Where in the calendar somebody is: how, at which day, whose."""

    view: str
    day: date
    whose: str
    persons: tuple[int, ...]

    def url(self, **other: Any) -> str:
        """Return the address of this place with something of it different."""
        at = self._replace(**other)
        asked: list[tuple[str, Any]] = [("view", at.view), ("on", at.day.isoformat())]
        asked += [("person", id) for id in at.persons]
        if not at.persons and at.whose != "me":
            asked.append(("whose", at.whose))
        return requests.address("/calendar/", asked)

    @property
    def first_on(self) -> date:
        """The first day that is shown; weeks begin on Monday."""
        if self.view == "day":
            return self.day
        start = self.day if self.view == "week" else self.day.replace(day=1)
        return start - timedelta(days=start.weekday())

    @property
    def last_on(self) -> date:
        """The last day that is shown."""
        if self.view == "day":
            return self.day
        end = self.day
        if self.view == "month":
            end = self.day.replace(day=monthrange(self.day.year, self.day.month)[1])
        return end + timedelta(days=6 - end.weekday())

    def moved(self, way: int) -> date:
        """Return the day one page before (-1) or after (1) this one."""
        if self.view != "month":
            return self.day + timedelta(days=way * (7 if self.view == "week" else 1))
        first = self.day.replace(day=1) + timedelta(days=40 if way > 0 else -1)
        days = monthrange(first.year, first.month)[1]
        return first.replace(day=min(self.day.day, days))


class CalendarPage(Page):
    """What the days hold. Source: C1, C3"""

    path, label, icon = "/calendar/", N_("Calendar"), "calendar"
    menu, order = N_("Calendar and visits"), 10
    allowed = {"index": anyone, "make_feed": anyone, "end_feed": anyone}

    @expose("/")
    def index(self) -> str:
        """Show the entries of a day, a week or a month."""
        actor, zone = requests.actor(), requests.zone()
        today = clock.day_in(zone)
        known = calendars.people(actor)
        place = _place(today, {id for id, _name, _department in known})
        people = _chosen(place, known)
        asked = calendars.Asked(actor, people, place.first_on, place.last_on, zone)
        grid = calendar_grid.Grid(asked, today, may_add=access.allows(actor, "create", Event))
        days = grid.days(calendars.entries(asked), month=place.day.month, view=place.view)
        for day in days:
            day["url"] = place.url(view="day", day=day["date"])
        return self.render(
            "calendar/page.html",
            title=_("Calendar"),
            heading=_heading(place),
            view=place.view,
            days=days,
            weeks=[days[n : n + 7] for n in range(0, len(days), 7)],
            hours=grid.hours,
            several=len(people) > 1,
            views=[(key, _(VIEWS[key]), place.url(view=key), key == place.view) for key in VIEWS],
            whose=_whose(place, known),
            persons=[(id, name, id in place.persons) for id, name, _department in known],
            here={"view": place.view, "on": place.day.isoformat()},
            previous_url=place.url(day=place.moved(-1)),
            next_url=place.url(day=place.moved(1)),
            today_url=place.url(day=today),
            new_url=f"/events/new/?url={_quoted(place.url())}" if grid.may_add else "",
            feed=_feed(),
            list_url=self.path,
        )

    @expose("/feed/make/", methods=("POST",))
    def make_feed(self) -> Any:
        """Make the address of one's feed, or another one; it is shown once."""
        with records.transaction("form"):
            secret = calendar_feeds.make(requests.actor())
        address = url_for("calendar_feed.read", secret=secret, _external=True)
        flash(
            _("The address of your calendar, shown once: %(address)s", address=address), "warning"
        )
        return redirect(f"{self.path}#feed")

    @expose("/feed/end/", methods=("POST",))
    def end_feed(self) -> Any:
        """Switch one's feed off: its address leads nowhere from now on."""
        with records.transaction("form"):
            if calendar_feeds.end(requests.actor()):
                flash(_("The address leads nowhere now."), "success")
        return redirect(f"{self.path}#feed")


def _place(today: date, known: set[int]) -> Place:
    """Return the place that the address asks for; what makes no sense in it is left out."""
    view, whose = request.args.get("view", ""), request.args.get("whose", "")
    try:
        day = date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        day = today
    asked = [access.key_of(id) for id in request.args.getlist("person")[:MOST_PEOPLE]]
    return Place(
        view if view in VIEWS else "week",
        min(max(day, EARLIEST), LATEST),
        whose if whose in WHOSE else "me",
        tuple(dict.fromkeys(id for id in asked if id in known)),
    )


def _chosen(place: Place, known: Sequence[tuple[int, str, int | None]]) -> tuple[int, ...]:
    """Return whose entries are shown."""
    actor = requests.actor()
    if place.persons:
        return place.persons
    if place.whose == "me":
        return (actor.id,)
    team = [
        id
        for id, _name, department in known
        if place.whose == "all" or id == actor.id or department == (actor.department_id or 0)
    ]
    return tuple(team[:MOST_PEOPLE])


def _whose(place: Place, known: Sequence[Any]) -> list[tuple[str, str, bool]]:
    """Return the choices of whose calendar is shown, as (address, label, whether it is so)."""
    if len(known) < 2:
        return []
    return [
        (place.url(whose=key, persons=()), _(WHOSE[key]), not place.persons and key == place.whose)
        for key in WHOSE
    ]


def _heading(place: Place) -> str:
    if place.view == "day":
        return str(format_date(place.day, "full"))
    if place.view == "month":
        return str(format_date(place.day, "MMMM y" if requests.language() == "en" else "y年M月"))
    first, last = place.first_on, place.last_on
    return f"{format_date(first, 'medium')} – {format_date(last, 'medium')}"


def _feed() -> dict[str, Any]:
    kept = calendar_feeds.of(requests.actor())
    made: datetime | None = kept.made_at if kept else None
    return {
        "made_at": columns.moment(made, requests.zone()),
        "make_url": "/calendar/feed/make/",
        "end_url": "/calendar/feed/end/",
    }


def _quoted(address: str) -> str:
    return requests.address("", [("url", address)]).partition("=")[2]
