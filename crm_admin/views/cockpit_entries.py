"""One entry of the cockpit: the record as it is to be judged, and what helps to judge it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app

from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.models.reviews import Review
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    history,
    listing,
    picklists,
    reminders,
    review_queue,
    reviews,
)
from crm_admin.services.review_queue import Entry, Look
from crm_admin.views import columns, filling, lacking, pages, requests, review_marks
from crm_admin.views.base import EntityView
from crm_admin.views.words import gettext as _

#: What a line of the list says of each entity's records, the first of it as its title.
KEYS = {
    "interactions": ("content", "customer", "kind"),
    "customers": ("name", "city"),
    "contacts": ("name", "customer"),
    "contracts": ("title_text", "customer"),
}
#: How many interactions with the customer are shown.
LAST = 5


def screen_of(model: type[Record]) -> Any:
    """Return the screen of an entity: it knows the sections of its pages."""
    [admin] = current_app.extensions["admin"]
    views = admin._views
    return next(one for one in views if isinstance(one, EntityView) and one.model is model)


def lines(entries: Sequence[Entry], staff: Any, asked: Any, chosen: str) -> list[dict[str, Any]]:
    """Return a page of the list: each entry by its title, whose it is and how it stands."""
    titles = _titles(entries)
    zone, single = requests.zone(), asked.days_shown == 1
    found = []
    for entry in entries:
        title, detail = titles.get((entry.entity, entry.id), (f"#{entry.id}", ""))
        look = Look(entry.state)
        found.append(
            {
                "key": entry.key,
                "title": title,
                "detail": detail,
                "entity": _(access.entities()[entry.entity].singular),
                "icon": screen_of(access.entities()[entry.entity]).icon,
                "person": staff[entry.person_id][0],
                "at": _short(entry.at.astimezone(zone), time_only=single),
                "state": look.value,
                "label": _(look.label),
                "tone": look.tone,
                "is_new": entry.is_new,
                "percent": entry.percent,
                "late": entry.is_late,
                "current": entry.key == chosen,
                "url": asked.address(at=entry.key),
                "part_url": asked.address("entry/", at=entry.key),
            }
        )
    return found


def _short(moment: datetime, *, time_only: bool) -> str:
    return f"{moment:%H:%M}" if time_only else f"{moment:%m-%d %H:%M}"


def _titles(entries: Sequence[Entry]) -> dict[tuple[str, int], tuple[str, str]]:
    """Return {(entity, id): (title, what stands below it)}, one statement an entity."""
    actor, found = requests.actor(), {}
    for entity in {entry.entity for entry in entries}:
        model = access.entities()[entity]
        varies = access.varying(actor, model)
        keys = [
            k
            for k in KEYS[entity]
            if access.shown(actor, model, k) or model.column_key(k) in varies
        ]
        ids = [entry.id for entry in entries if entry.entity == entity]
        shown = [columns.column(model, key) for key in keys]
        make = [columns.form_for(model, column) for column in shown]
        for id, *values in listing.rows_of(model, ids, [c.key for c in shown], actor):
            texts = [str(form(value)) for form, value in zip(make, values, strict=True)]
            title = texts[0] if keys and keys[0] == KEYS[entity][0] else f"#{id}"
            rest = texts[1:] if keys and keys[0] == KEYS[entity][0] else texts
            found[entity, id] = (title[:160], " · ".join(t for t in rest if t))
    return found


def pane(record: Record, asked: Any, after: str) -> dict[str, Any]:
    """Return what is shown of one record: what was written, what lacks, what changed since.

    Args:
        after: the address of the entry that comes next.
    """
    model = type(record)
    screen, actor = screen_of(model), requests.actor()
    entity = model.__tablename__
    standing = reviews.standing(entity, record.id)
    look = review_queue.look_of(record, standing)
    lacked = lacking.of(screen, record)
    prose, sections = _written(screen, pages.sections_of(screen, record, lacked))
    person = reviews.person_of(record)
    verdicts = [review_marks.shown(said) for said in reviews.of(record)]
    return {
        "key": f"{entity}-{record.id}",
        "entity": _(model.singular),
        "icon": screen.icon,
        "title": str(record)[:160],
        "url": f"/{entity}/details/?id={record.id}",
        "person": history.names(User, {person} if person else set()).get(person or 0, ""),
        "at": columns.moment(record.updated_at, requests.zone()),
        "state": look.value,
        "label": _(look.label),
        "tone": look.tone,
        "percent": lacked["percent"] if lacked else None,
        "missing": lacked["missing"] if lacked else [],
        "prose": prose,
        "sections": sections,
        "changes": _changes(record, standing, asked),
        "verdicts": verdicts,
        "last": _last(record),
        "version": record.version,
        "seen": standing.id if standing is not None else 0,
        "reasons": picklists.choices(reviews.REASONS, requests.language()),
        "may_judge": reviews.may_judge(record, actor),
        "lacks": [_(thing.lacking.label) for thing in reminders.lacking_in(record)],
        "fix_url": fix_url(screen, record, lacked, asked),
        "here": asked.address(at=f"{entity}-{record.id}"),
        "after": after,
    }


def _written(
    screen: Any, sections: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what was written as sentences, and the other fields that hold something."""
    long = {column.text for column in screen.fields.values() if column.kind == "lines"}
    prose, rest = [], []
    for section in sections:
        prose += [i for i in section["items"] if i["label"] in long]
        rest += [i for i in section["items"] if i["label"] not in long]
    shown = [i for i in rest if i["value"] or i["missing"]]
    return [i for i in prose if i["value"] or i["missing"]], shown


def _changes(record: Record, standing: Review | None, asked: Any) -> list[dict[str, Any]]:
    """Return what changed since the last verdict, else within the days that are looked at."""
    version = standing.version if standing is not None else None
    found = history.of(record, requests.actor(), limit=12, after_version=version)
    since = asked.begin
    return [
        pages.changed(type(record), entry)
        for entry in found
        if entry.changes
        and entry.action not in ("created", "loaded")
        and (version is not None or since is None or entry.at >= since)
    ]


def _last(record: Record) -> list[dict[str, Any]]:
    """Return the last interactions with the customer of a record, itself left out. Source: B6"""
    id = record.id if isinstance(record, Customer) else getattr(record, "customer_id", None)
    customer = access.find(Customer, id, requests.actor()) if id else None
    if customer is None:
        return []
    own = f"/{record.__tablename__}/details/?id={record.id}"
    return [one for one in pages.timeline_of(customer) if one["url"] != own][:LAST]


def fix_url(screen: Any, record: Record, lacked: dict[str, Any] | None, asked: Any) -> str:
    """Return where the record can be put right: here where fields are missing, else in its form."""
    if record.locked() or not access.may(record, requests.actor(), "edit"):
        return ""
    back = asked.address(at=f"{record.__tablename__}-{record.id}")
    if fixable(screen, record, lacked):
        return filling.here(record, back)
    return requests.address(f"{screen.path}edit/", [("id", record.id), ("url", back)])


def fixable(screen: Any, record: Record, lacked: dict[str, Any] | None) -> list[columns.Column]:
    """Return the fields that rules miss in the record and that the actor may fill in."""
    keys = {one["key"] for one in (lacked or {}).get("missing", ()) if not one["related"]}
    return [c for c in screen.writable_columns(record) if c.column_key in keys]
