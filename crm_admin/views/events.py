"""Event screens: the warning of conflicts, who is invited, and what they answer."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, g, redirect, request
from flask_admin import expose
from wtforms import Form

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.events import Answer, Event
from crm_admin.models.users import User
from crm_admin.services import access, event_conflicts, events, records
from crm_admin.views import columns, forms, pages, requests
from crm_admin.views.base import BASICS, MORE, EntityView
from crm_admin.views.words import gettext as _

_TIMES = ("starts_at", "ends_at")


class EventView(EntityView):
    """An event's list, page and form."""

    model = Event
    menu = N_("Calendar and visits")
    icon, order, new_in_menu = "calendar-days", 20, True
    verbs = {"answer": "view", "cancel": "edit"}
    create_template = edit_template = "events/form.html"
    details_template = "events/details.html"

    column_list = ("subject", "kind", "starts_at", "ends_at", "place", "owner", "customer")
    filters = ("kind", "owner", "starts_at", "customer", "place")
    badges = ("kind",)
    mine = "owner"
    narrowed = {"contact": "customer"}
    sections = (
        (BASICS, ("subject", "kind", *_TIMES, "is_all_day", "place")),
        (N_("Who comes"), ("owner", "guests")),
        (N_("About whom"), ("customer", "contact")),
        (MORE, ("is_private", "notes")),
    )

    def start(self, record: Record) -> None:
        """Begin with the time that the address names, else with the next full hour."""
        super().start(record)
        assert isinstance(record, Event)
        if record.customer is None and record.contact is not None:
            record.customer = record.contact.customer
        if request.method != "GET":
            return
        record.is_all_day = record.is_all_day or request.args.get("is_all_day") == "1"
        named = _typed(request.args.get("starts_at", ""))
        record.starts_at = named or _next_hour(requests.zone())
        record.ends_at = record.starts_at + events.USUAL

    def form_of(self, record: Record, data: Any) -> Form:
        """Return the form; whole days stand in it by the clock they were written by."""
        assert isinstance(record, Event)
        form = super().form_of(record, data)
        fields: dict[str, Any] = {field.name: field for field in form}
        ticked = fields.get("is_all_day")
        if not (record.is_all_day if ticked is None else ticked.data):
            return form
        for key in _TIMES:
            if (field := fields.get(key)) is not None:
                kept = getattr(record, key)
                if key == "ends_at" and record.is_all_day and record.id and kept:
                    kept -= timedelta(minutes=1)  # the last minute of the last day
                field.zone = _zone_of(record)
                field.process(data, kept)
        return form

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Offer those who can be invited."""
        assert isinstance(record, Event)
        actor = requests.actor()
        if not access.writable(actor, Event, "guests") or not access.allows(actor, "lookup", User):
            return {}
        offered: list[Record] = [*events.invitable(record, actor)]
        return {"guests": forms.RecordsField(_("Invited"), offered)}

    def more_values(self, form: Form) -> dict[str, Any]:
        offered: Any = [field for field in form if field.name == "guests"]
        return {field.name: field.records for field in offered}

    def valid(self, form: Form, record: Record) -> bool:
        """Return whether it can be saved; who has something else then is named first. Source: C1"""
        assert isinstance(record, Event)
        if not super().valid(form, record):
            return False
        clashes = _clashes(record, self.values(form, record))
        if not clashes or request.form.get("despite") == _mark(clashes):
            return True
        place: Any = form["starts_at"] if "starts_at" in form else next(iter(form))
        place.errors = [*place.errors, *map(_said, clashes)]
        g.clashes = _mark(clashes)
        return False

    def render(self, template: str, **context: Any) -> str:
        return str(super().render(template, despite=g.get("clashes"), **context))

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer to cancel what is still to come."""
        assert isinstance(record, Event)
        over = record.cancelled_at is not None or record.ends_at <= clock.now()
        if over or not access.may(record, requests.actor(), "edit"):
            return []
        fields = [("id", record.id), ("version", record.version)]
        asked = _("Cancel this event? All who are invited are told.")
        url = f"{self.path}cancel/"
        return [pages.button(_("Cancel event"), url, "calendar-x", fields=fields, confirm=asked)]

    def more_context(self, record: Record) -> dict[str, Any]:
        """Show who comes, and let who is invited answer."""
        assert isinstance(record, Event)
        invited, mine = events.guests(record), requests.actor().id
        answers = [one.answer for one in invited if one.id == mine]
        asks = answers and record.cancelled_at is None and record.ends_at > clock.now()
        return {
            "subtitle": _when(record),
            "is_cancelled": record.cancelled_at is not None,
            "guests": [
                {"name": one.name, "label": _(one.answer.label), "tone": one.answer.tone}
                for one in invited
            ],
            "answer": answers[0].value if asks else "",
            "calendar_url": f"/calendar/?view=day&on={_day_of(record)}",
        }

    @expose("/answer/", methods=("POST",))
    def answer(self) -> Any:
        """Say whether one comes."""
        event = self.get_one(request.form.get("id"))
        id, said = event.id, request.form.get("answer", "")
        with self.told(), records.transaction("form"):
            if said in (Answer.YES, Answer.NO):
                events.answer(event, requests.actor(), Answer(said))
                flash(_("Your answer is kept; the organiser is told."), "success")
        return redirect(requests.back(f"{self.path}details/?id={id}"))

    @expose("/cancel/", methods=("POST",))
    def cancel(self) -> Any:
        """Cancel an event, as it was when the user looked at it."""
        event = self.get_one(request.form.get("id"))
        id, version = event.id, access.key_of(request.form.get("version")) or 0
        with self.told(), records.transaction("form"):
            events.cancel(event, requests.actor(), version=version)
            flash(_("The event is cancelled."), "success")
        return redirect(f"{self.path}details/?id={id}")


def _clashes(record: Event, typed: dict[str, Any]) -> list[event_conflicts.Clash]:
    """Return what those who come have at the time that was typed, unless it is as it was."""
    actor = requests.actor()

    def said(key: str) -> Any:
        return typed[key] if key in typed else getattr(record, key)

    starts, ends, owner = said("starts_at"), said("ends_at"), said("owner") or actor
    if starts is None:
        return []
    ends = ends or starts + events.USUAL
    if said("is_all_day"):
        starts, ends = events.whole_days(starts, ends, _zone_of(record))
    people = {owner.id, *(guest.id for guest in said("guests"))}
    if record.id is not None:
        before = {record.owner_id, *(guest.id for guest in record.guests)}
        if (starts, ends) == (record.starts_at, record.ends_at) and people <= before:
            return []
    return event_conflicts.of(people, starts, ends, actor, but=record.id)


def _mark(clashes: Sequence[event_conflicts.Clash]) -> str:
    """Return what stands for these very conflicts, so that others are not waved through."""
    told = repr([(c.user_id, c.starts_at.timestamp(), c.ends_at.timestamp()) for c in clashes])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _said(clash: event_conflicts.Clash) -> str:
    """Return a conflict in words; what it is only where the user may know."""
    zone = requests.zone()
    first, last = clash.starts_at.astimezone(zone), clash.ends_at.astimezone(zone)
    form = "%H:%M" if first.date() == last.date() else "%Y-%m-%d %H:%M"
    values = {
        "person": clash.person,
        "start": first.strftime(form),
        "end": last.strftime(form),
        "title": clash.subject,
    }
    if clash.subject:
        return _("%(person)s has “%(title)s” from %(start)s to %(end)s.", **values)
    return _("%(person)s has something from %(start)s to %(end)s.", **values)


def _zone_of(record: Event) -> ZoneInfo:
    return ZoneInfo(record.time_zone) if record.time_zone else events.zone_of(requests.actor())


def _typed(text: str) -> datetime | None:
    """Return the moment that an address names by the reader's clock, or None."""
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=requests.zone())
    except ValueError:
        return None
    return found if 1 < found.year < 9999 else None


def _next_hour(zone: ZoneInfo) -> datetime:
    now = clock.now().astimezone(zone)
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _day_of(record: Event) -> date:
    if record.is_all_day:
        return record.first_on
    return record.starts_at.astimezone(requests.zone()).date()


def _when(record: Event) -> str:
    """Return the line under the title: when it is, where, and whose."""
    actor = requests.actor()
    told = {key: access.readable(actor, Event, key, record) for key in (*_TIMES, "place", "owner")}
    found = []
    if told["starts_at"] and told["ends_at"]:
        if record.is_all_day:
            days = sorted({record.first_on.isoformat(), record.last_on.isoformat()})
            found.append(" – ".join(days))
        else:
            zone = requests.zone()
            found.append(
                f"{columns.moment(record.starts_at, zone)} – "
                f"{_end(record.starts_at, record.ends_at, zone)}"
            )
    if told["place"] and record.place:
        found.append(record.place)
    if told["owner"]:
        found.append(record.owner.name)
    return " · ".join(found)


def _end(starts: datetime, ends: datetime, zone: ZoneInfo) -> str:
    first, last = starts.astimezone(zone), ends.astimezone(zone)
    if first.date() == last.date():
        return last.strftime("%H:%M")
    same = last.time() == time() and last.date() == first.date() + timedelta(days=1)
    return "24:00" if same else columns.moment(ends, zone)
