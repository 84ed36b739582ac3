"""What an address of the cockpit asks for, and the choices that the page offers."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import request
from flask_babel import format_date

from crm_admin.i18n import N_
from crm_admin.models.departments import Department
from crm_admin.models.reviews import LONGEST_NOTE
from crm_admin.services import access, history, listing, review_queue, reviews, zones
from crm_admin.services.review_queue import Asked, Found, Look
from crm_admin.views import lists, requests
from crm_admin.views.words import gettext as _

SIZE = 50
PATH = "/cockpit/"
#: The day that means: all that failed and was not passed since, of whichever day.
ANY = "any"
#: No day before it is shown: clocks of other zones cannot tell the very first ones.
FIRST = date(2000, 1, 1)
#: What a form of choices sends along.
_KEPT = ("day", "state", "incomplete", "late")


@dataclass(frozen=True)
class Question:
    """What an address of the cockpit asks for."""

    asked: Asked
    arguments: tuple[tuple[str, Any], ...] = field(default=())
    page: int = 0

    def at_page(self, number: int) -> "Question":
        """Return the same question about another page, counted from 0."""
        kept = [(k, v) for k, v in self.arguments if k != "page"]
        more = [("page", number + 1)] if number else []
        return replace(self, page=number, arguments=(*kept, *more))

    @property
    def days_shown(self) -> int:
        """How many days are shown, 0 for any."""
        since, until = self.asked.since, self.asked.until
        return (until - since).days + 1 if since and until else 0

    @property
    def begin(self) -> datetime | None:
        """When the first of the days began."""
        return review_queue.begin_of(self.asked.since) if self.asked.since else None

    def address(self, part: str = "", **changed: Any) -> str:
        """Return the address of the same question with something else in it; None leaves out."""
        kept = [(k, v) for k, v in self.arguments if k not in changed]
        more = [(k, v) for k, v in changed.items() if v not in (None, "")]
        return requests.address(f"{PATH}{part}", [*kept, *more])


def question() -> Question:
    """Return what the address of this request asks for; what makes no sense is left out."""
    today, said = zones.today(), request.values
    day = said.get("day", "")
    since, until = today - timedelta(days=1), today
    kept: list[tuple[str, Any]] = []
    if day == ANY:
        since = until = None  # type: ignore[assignment]
        kept.append(("day", ANY))
    elif day:
        try:
            since = until = max(FIRST, min(date.fromisoformat(day), today))
            kept.append(("day", since.isoformat()))
        except ValueError:
            pass
    numbers = {k: access.key_of(said.get(k)) for k in ("person", "department")}
    entity = said.get("entity", "")
    state = said.get("state", "")
    chosen: dict[str, Any] = {
        **numbers,
        "entity": entity if access.model_of(entity) in reviews.models() else "",
        "state": state if state in list(Look) else "",
        "incomplete": said.get("incomplete") == "1",
        "late": said.get("late") == "1",
    }
    kept += [(k, "1" if v is True else v) for k, v in chosen.items() if v]
    return Question(Asked(since, until, **chosen), tuple(kept)).at_page(requests.question().page)


def progress(found: Found) -> str:
    """Return how far one has come, in words."""
    said = {"count": f"{found.looked_at:,}", "all": f"{found.total:,}"}
    return str(_("%(count)s of %(all)s checked", **said))


def head(asked: Question, found: Found, staff: Any) -> dict[str, Any]:
    """Return the days, the choices with their counts, and how far one has come."""
    one, states = asked.asked, {"": found.total, **found.states}
    offices = _departments({d for _name, d in staff.values() if d})
    return {
        "title": _("Daily check"),
        "days": _days(asked),
        "progress": progress(found),
        "looked_at": found.looked_at,
        "total": found.total,
        "tabs": [
            {
                "key": key,
                "label": _(label),
                "count": states.get(key, 0),
                "current": one.state == key,
                "url": asked.address(state=key, page=None, at=None),
            }
            for key, label in [("", N_("All")), *((str(k), k.label) for k in Look)]
        ],
        "choices": [
            ("person", _("Everybody"), _options(staff, found.people, one.person)),
            (
                "department",
                _("All departments"),
                _options(offices, found.departments, one.department),
            ),
            (
                "entity",
                _("All kinds"),
                [
                    (m.__tablename__, _(m.plural), found.entities.get(m.__tablename__, 0),
                     m.__tablename__ == one.entity)
                    for m in reviews.models()
                    if access.allows(requests.actor(), "review", m)
                ],
            ),
        ],
        "only": [
            ("incomplete", _("Only incomplete"), found.incomplete, one.incomplete,
             asked.address(incomplete=None if one.incomplete else "1", page=None, at=None)),
            ("late", _("Only late"), found.late, one.late,
             asked.address(late=None if one.late else "1", page=None, at=None)),
        ],
        "hidden": [(k, v) for k, v in asked.arguments if k in _KEPT],
        "list_url": PATH,
        "clear_url": requests.address(PATH, [(k, v) for k, v in asked.arguments if k == "day"]),
        "narrowed": any(k not in ("day", "page") for k, _v in asked.arguments),
        "here": asked.address(),
        "longest": LONGEST_NOTE,
    }  # fmt: skip


def _departments(ids: set[int]) -> dict[int, tuple[str, None]]:
    """Return {id: (name, None)} of departments, by name."""
    names = history.names(Department, ids)
    return {id: (name, None) for id, name in sorted(names.items(), key=lambda one: one[1])}


def _options(names: Any, counts: Any, chosen: int | None) -> list[tuple[Any, str, int, bool]]:
    """Return (id, name, count, chosen) of what can be chosen; those without entries last."""
    found = [(id, names[id][0], counts.get(id, 0), id == chosen) for id in names]
    return sorted(found, key=lambda one: (not one[2], one[1]))


def _days(asked: Question) -> dict[str, Any]:
    """Return which days are shown and the ways to others."""
    today, since = zones.today(), asked.asked.since

    def at(day: date | None) -> str:
        return asked.address(day=day and day.isoformat(), page=None, at=None)

    both = asked.days_shown == 2
    if since is None:
        text = _("Failed, of any day")
    elif both:
        text = _("Today and yesterday")
    else:
        near = {today: _("Today"), today - timedelta(days=1): _("Yesterday")}
        text = near.get(since) or format_date(since, "full")
    shown = asked.asked.until or today
    return {
        "text": text,
        "value": "" if both or since is None else since.isoformat(),
        "today": today.isoformat(),
        "before": at((since or today) - timedelta(days=1)) if since else at(today),
        "after": at(shown + timedelta(days=1)) if since and shown < today else None,
        "usual": None if both else at(None),
        "any": None if since is None else asked.address(day=ANY, page=None, at=None, state=None),
    }


def pager(asked: Question, number: int, last: int, count: int) -> dict[str, Any] | None:
    """Return the ways through the pages of the list, None where there is one page."""
    if last == 1:
        return None
    here = [(k, v) for k, v in asked.arguments if k != "page"]
    asked_page = listing.Question(page=number, size=SIZE)
    return lists.pager(PATH, here, asked_page, count, last) | {"size_urls": []}
