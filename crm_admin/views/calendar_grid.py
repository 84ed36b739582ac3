"""The grid of a calendar: which entry stands where, by quarters of an hour and in lanes."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import format_date

from crm_admin.services import picklists
from crm_admin.services.calendars import Asked, Entry
from crm_admin.views import requests
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: The hours that are always shown; earlier and later ones where something is then.
MORNING, EVENING = 8, 19
#: Entries side by side, and entries of whole days, before the rest is folded; by view.
LANES = {"day": 8, "week": 3, "month": 0}
WHOLE_DAYS = {"day": 100, "week": 4, "month": 4}
#: The least height of an entry, in quarters of an hour: room for a line.
LEAST = 2


class Grid:
    """The days of one page, for its template: positions are names of classes, never styles."""

    def __init__(self, asked: Asked, today: date, *, may_add: bool) -> None:
        self.asked, self.today, self.may_add = asked, today, may_add
        self.first, self.last = MORNING, EVENING
        kinds = picklists.items("event_kinds")
        self.kinds = {code: item.label(requests.language()) for code, item in kinds.items()}

    @property
    def hours(self) -> list[dict[str, Any]]:
        """The hours at the side: what each says and the row it stands in."""
        shown = range(self.first, self.last)
        return [{"text": f"{h:02}:00", "row": (h - self.first) * 4 + 1} for h in shown]

    def days(self, entries: Sequence[Entry], *, month: int, view: str) -> list[dict[str, Any]]:
        """Return the days in order, each with its entries where they stand."""
        count = (self.asked.last_on - self.asked.first_on).days + 1
        days = [self.asked.first_on + timedelta(days=n) for n in range(count)]
        on = {day: [one for one in entries if one.first_on <= day <= one.last_on] for day in days}
        if view != "month":
            self._widen(on)
        return [self._day(day, on[day], month, view) for day in days]

    def _widen(self, on: dict[date, list[Entry]]) -> None:
        """Show more hours where something is before or after those always shown."""
        for day, entries in on.items():
            for one in entries:
                if one.starts_at is not None:
                    start, end = self._minutes(one, day)
                    self.first = min(self.first, start // 60)
                    self.last = max(self.last, -(-end // 60))

    def _day(self, day: date, entries: list[Entry], month: int, view: str) -> dict[str, Any]:
        whole = [one for one in entries if one.starts_at is None]
        timed = [one for one in entries if one.starts_at is not None]
        if view == "month":
            room = WHOLE_DAYS[view]
            shown = entries if len(entries) <= room else entries[: room - 1]
            whole, timed, folded = [one for one in shown if one in whole], [], len(entries)
            blocks, lanes = [self._shown(one, day) for one in shown], 0
            whole_shown: list[dict[str, Any]] = []
            folded -= len(shown)
        else:
            blocks, lanes, late = self._lanes(timed, day, LANES[view])
            whole_shown = [self._shown(one, day) for one in whole[: WHOLE_DAYS[view]]]
            folded = late + len(whole) - len(whole_shown)
        return {
            "date": day,
            "iso": day.isoformat(),
            "name": format_date(day, "EEE"),
            "number": day.day,
            "title": format_date(day, "full"),
            "is_today": day == self.today,
            "is_outside": view == "month" and day.month != month,
            "is_weekend": day.weekday() > 4,
            "whole": whole_shown,
            "blocks": blocks,
            "lanes": max(lanes, 1),
            "more": ngettext("%(num)s more", "%(num)s more", folded) if folded > 0 else "",
            "is_empty": not entries,
            "slots": self._slots(day) if self.may_add and view != "month" else [],
            "new_url": f"/events/new/?starts_at={day}T09:00" if self.may_add else "",
        }

    def _slots(self, day: date) -> list[dict[str, Any]]:
        """Return the hours in which a new event can be begun."""
        return [
            {
                "row": (hour - self.first) * 4 + 1,
                "url": f"/events/new/?starts_at={day}T{hour:02}:00",
                "label": _(
                    "New event at %(time)s", time=f"{format_date(day, 'MMM d')} {hour:02}:00"
                ),
            }
            for hour in range(self.first, self.last)
        ]

    def _lanes(
        self, entries: list[Entry], day: date, most: int
    ) -> tuple[list[dict[str, Any]], int, int]:
        """Return the entries side by side where they overlap, in how many lanes, and how many not.

        Each takes the first lane that is free again by when it starts.
        """
        free: list[int] = []
        blocks, folded = [], 0
        for one in entries:
            start, end = self._minutes(one, day)
            row = (start - self.first * 60) // 15 + 1
            height = max(-(-end // 15) - start // 15, LEAST)
            lane = next((n for n, until in enumerate(free) if until <= row), len(free))
            if lane >= most:
                folded += 1
                continue
            free[lane : lane + 1] = [row + height]
            height = min(height, (self.last - self.first) * 4 + 1 - row)
            blocks.append(self._shown(one, day) | {"row": row, "height": height, "lane": lane + 1})
        return blocks, len(free), folded

    def _minutes(self, one: Entry, day: date) -> tuple[int, int]:
        """Return from which to which minute of the day it is, as the clock on the wall has it."""
        assert one.starts_at is not None
        assert one.ends_at is not None
        first, last = self._wall(one.starts_at), self._wall(one.ends_at)
        start = first.hour * 60 + first.minute if first.date() == day else 0
        end = last.hour * 60 + last.minute if last.date() == day else 24 * 60
        return start, max(end, start + 1)

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self.asked.zone)

    def _shown(self, one: Entry, day: date) -> dict[str, Any]:
        """Return what the page says of an entry on a day."""
        busy = not one.id
        marks = [_(one.label)] if one.label else []
        if one.is_cancelled:
            marks.append(_("Cancelled"))
        if one.is_open:
            marks.append(_("No answer yet"))
        if self.kinds.get(one.kind):
            marks.append(self.kinds[one.kind])
        tone = "mut" if busy else one.tone or ("mut" if one.kind == "leave" else "event")
        return {
            "title": _("Busy") if busy else one.title,
            "time": self._time(one, day),
            "people": ", ".join(one.people),
            "marks": " · ".join(marks),
            "url": "" if busy else f"/{one.entity}/details/?id={one.id}",
            "tone": tone,
            "is_cancelled": one.is_cancelled,
            "is_open": one.is_open,
        }

    def _time(self, one: Entry, day: date) -> str:
        if one.starts_at is None or one.ends_at is None:
            return ""
        first, last = self._wall(one.starts_at), self._wall(one.ends_at)
        start = f"{first:%H:%M}" if first.date() == day else "…"
        return f"{start} – {last:%H:%M}" if last.date() == day else f"{start} – …"
