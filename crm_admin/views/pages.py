"""A record's page: what it shows beside the fields themselves."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import inspect

from crm_admin.jobs import JOBS
from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.services import (
    access,
    corrections,
    history,
    labels,
    listing,
    masking,
    picklists,
)
from crm_admin.views import columns, drawn, files, lacking, requests, review_marks, timelines
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _

#: How many related records, and how many interactions, a page shows.
SHOWN_RELATED, SHOWN_TIMELINE = 10, 8


def context(view: Any, record: Record) -> dict[str, Any]:
    """Return what the template of a record's page shows."""
    actor = requests.actor()
    before, after = listing.neighbours(view.model, actor, record.id)
    lacked = lacking.of(view, record)
    details = f"{view.path}details/?id="
    return {
        "view": {"name": _(view.model.plural), "stem": view.model.__tablename__},
        "record": named(record),
        "subtitle": _subtitle(view, record),
        "badges": _badges(view, record),
        "completeness": lacked,
        "buttons": [*view.buttons(record), *_buttons(view, record), *view.sharing_button(record)],
        "sections": _sections(view, record, lacked),
        "tabs": [*_related(view, record), *view.extra_tabs(record)],
        "timeline": timelines.with_tasks(record, _timeline(record)),
        "timeline_new_url": _timeline_new(record),
        "history": [changed(view.model, entry) for entry in view.change_history(record)],
        "attachments": files.listed(view, record),
        "reviews": review_marks.of(record),
        "previous_url": f"{details}{before}" if before else None,
        "next_url": f"{details}{after}" if after else None,
        "lock_reason": _(record.locked()) if record.locked() else "",
        "crumbs": [(_(view.model.plural), view.path), (str(record), None)],
    }


def named(record: Record) -> dict[str, Any]:
    """Return a record as the templates name it."""
    title = str(record)
    return {
        "id": record.id,
        "title": title[:120],
        "initial": title[:1].upper(),
        "version": record.version,
    }


def _show(column: Column, record: Record) -> str | Markup:
    """Return a field's value as the page shows it; other records and addresses as links."""
    value = getattr(record, column.key)
    if access.masked(requests.actor(), type(record), column.key, record):
        return masking.mask(column.kind, value)
    if column.target is not None:
        return _linked(column, value)
    if value and column.kind == "email":
        return Markup('<a href="mailto:{}">{}</a>').format(value, value)
    if value and column.kind == "url":
        address = value if value.startswith(("http://", "https://")) else f"http://{value}"
        link = Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>')
        return link.format(address, value) if "." in value else str(value)
    shown = columns.shown(column, value)
    currency = getattr(record, "currency", None) if column.kind == "money" else None
    if value is None or not currency:
        return shown
    told = access.readable(requests.actor(), type(record), "currency", record)
    return f"{shown} {currency}" if told else shown


def _linked(column: Column, target: Any) -> str | Markup:
    """Return another record's name, as a link where the user may open it."""
    if target is None:
        return ""
    model = type(target)
    if not access.may(target, requests.actor()):
        return str(target)
    address = f"/{model.__tablename__}/details/?id={target.id}"
    return Markup('<a href="{}">{}</a>').format(address, str(target))


def _subtitle(view: Any, record: Record) -> str:
    """Return the line under the title: the values of a few fields."""
    found = []
    for key in view.subtitle:
        if view.reads(key, record):
            column = columns.column(view.model, key)
            value = getattr(record, column.key)
            if value is not None:
                found.append(str(value) if column.target else str(columns.shown(column, value)))
    return " · ".join(text for text in found if text)


def _badges(view: Any, record: Record) -> list[dict[str, str]]:
    """Return the states shown beside the title."""
    found = []
    for key in view.badges:
        column, value = columns.column(view.model, key), getattr(record, key)
        if value is None or not view.reads(key, record):
            continue
        if column.states:
            member = column.states(value)
            found.append({"label": _(member.label), "tone": member.tone or "mut"})
        else:
            item = picklists.items(column.picklist).get(value)
            label = item.label(requests.language()) if item else str(value)
            found.append({"label": label, "tone": item.colour if item and item.colour else "inf"})
    return found


def _sections(view: Any, record: Record, lacked: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the fields by section, those that rules miss marked."""
    empty = {m["key"] for m in (lacked or {}).get("missing", ()) if m["kind"] == "required"}
    actor, found = requests.actor(), []
    varies = access.varying(actor, view.model)
    for heading, entries in drawn.kept(("sections", view.path), lambda: _plan(view)):
        items = []
        for key, column, label in entries:
            if column is None:
                items += _several(record, key)
                continue
            if column.column_key in varies and not access.shown(actor, view.model, key, record):
                continue
            missing = column.column_key in empty and not column.given
            value = (
                ""
                if missing
                else view.in_words(record, key)
                if key in view.worded
                else _show(column, record)
            )
            items.append({"label": label, "value": value, "missing": missing})
        if items:
            found.append({"label": heading, "items": items})
    return found


def _plan(view: Any) -> list[tuple[str, list[tuple[str, Column | None, str]]]]:
    """Return the sections of readers like this one: (heading, [(key, column, label)]).

    What is no column may be a relation to several records. What nobody fills in comes first.
    """
    found, seen = [], set()
    for heading, keys in view.sections:
        entries: list[tuple[str, Column | None, str]] = []
        for key in filter(view.shows, keys):
            column = view.fields.get(key)
            entries.append((key, column, column.text if column else ""))
            seen.add(column.key if column else key)
        if entries:
            found.append((_(heading) if heading else "", entries))
    given = [
        (c.key, c, c.text)
        for c in columns.labelled(view.model)
        if c.given and c.key not in seen and view.shows(c.key) and c.kind != "percent"
    ]
    if found and given:
        found[0] = (found[0][0], [*given, *found[0][1]])
    return found


def _several(record: Record, key: str) -> list[dict[str, Any]]:
    """Return a relation to several records, such as a user's roles, as one fact; else nothing."""
    relation = inspect(type(record)).relationships.get(key)
    if relation is None or relation.secondary is None:
        return []
    label = columns.label_of(type(record), key)
    names = ", ".join(str(one) for one in getattr(record, key))
    return [{"label": label, "value": names, "missing": False}]


def _buttons(view: Any, record: Record) -> list[dict[str, Any]]:
    """Return the buttons that every entity has: edit and delete, as far as the user may."""
    if record.append_only:
        return []
    actor, id, found = requests.actor(), record.id, []
    if not record.locked() and access.may(record, actor, "edit"):
        found.append(button(_("Edit"), f"{view.path}edit/?id={id}", "pencil", "primary"))
    if not record.locked() and access.may(record, actor, "delete"):
        found.append(
            button(
                _("Delete"),
                f"{view.path}delete/",
                "trash-2",
                "danger",
                fields=[("id", id)],
                confirm=_("Move this record to the recycle bin? It can be restored from there."),
            )
        )
    return found


def button(
    label: str,
    url: str,
    icon: str,
    style: str = "",
    *,
    fields: list[tuple[str, Any]] | None = None,
    confirm: str | None = None,
) -> dict[str, Any]:
    """Return a button of a record's page; with `fields` it posts them."""
    return {
        "label": label,
        "url": url,
        "icon": icon,
        "style": style,
        "method": "post" if fields is not None else "get",
        "fields": fields or [],
        "confirm": confirm,
    }


def _related(view: Any, record: Record) -> list[dict[str, Any]]:
    """Return one tab for each related list the user may see, with its latest records."""
    actor = requests.actor()
    return [
        related_tab(record, model, column_key, keys)
        for entity, column_key, keys in view.related
        if (model := access.model_of(entity))
        and access.allows(actor, "view", model)
        and access.readable(actor, model, column_key)
    ]


def related_tab(record: Record, model: type[Record], column_key: str, keys: Any) -> dict[str, Any]:
    """Return one tab: the latest records that point at this one by the column."""
    actor = requests.actor()
    varies = access.varying(actor, model)
    shown = [
        columns.column(model, k)
        for k in keys
        if access.shown(actor, model, k) or model.column_key(k) in varies
    ]
    rows = listing.related(
        model, actor, column_key, record.id, [c.key for c in shown], SHOWN_RELATED + 1
    )
    make = [columns.form_for(model, c) for c in shown]
    path, key = f"/{model.__tablename__}/", model.form_key(column_key)
    more = len(rows) > SHOWN_RELATED
    may_create = access.allows(actor, "create", model)
    return {
        "key": f"{model.__tablename__}-{column_key}",
        "label": _(model.plural),
        "count_text": f"{SHOWN_RELATED}+" if more else str(len(rows)),
        "columns": [c.text for c in shown],
        "rows": [
            (
                f"{path}details/?id={row[0]}",
                [form(value) for form, value in zip(make, row[1:], strict=True)],
            )
            for row in rows[:SHOWN_RELATED]
        ],
        "all_url": f"{path}?{key}.is={record.id}" if more else None,
        "new_url": f"{path}new/?{key}={record.id}" if may_create else None,
        "empty": _("Nothing here yet"),
    }


def _timeline(record: Record) -> list[dict[str, Any]]:
    """Return the last interactions with a customer. Source: A1, B6"""
    actor = requests.actor()
    sees = access.allows(actor, "view", Interaction)
    if not isinstance(record, Customer) or not sees:
        return []
    if not access.readable(actor, Interaction, "customer_id"):
        return []
    keys = [
        k
        for k in ("kind", "content", "author", "happened_at")
        if access.readable(actor, Interaction, k)
    ]
    found = listing.related(Interaction, actor, "customer_id", record.id, keys, SHOWN_TIMELINE)
    language, zone, entries = requests.language(), requests.zone(), []
    seen = "content" in keys
    corrected = corrections.of_all(row[0] for row in found) if seen else {}
    for row in found:
        one = dict(zip(keys, row[1:], strict=True))
        kind = picklists.label("interaction_kinds", one.get("kind"), language)
        entries.append(
            {
                "title": kind or _("Interaction"),
                "text": (one.get("content") or "")[:160],
                "corrections": [said.text[:160] for said in corrected.get(row[0], ())],
                "by": one.get("author") or "",
                "at": columns.moment(one.get("happened_at"), zone),
                "url": f"/interactions/details/?id={row[0]}",
                "moment": one.get("happened_at"),
            }
        )
    return entries


def _timeline_new(record: Record) -> str | None:
    may = isinstance(record, Customer) and access.allows(requests.actor(), "create", Interaction)
    here = f"/customers/details/?id={record.id}"
    asked = [("customer", record.id), ("quick", "1"), ("url", here)]
    return requests.address("/interactions/new/", asked) if may else None


def changed(model: type[Record], entry: history.Entry) -> dict[str, Any]:
    """Return one entry of a history in words."""
    language, zone = requests.language(), requests.zone()
    people = named_records(model, entry)

    def shown(key: str, value: Any) -> str:
        names = people.get(key)
        return (
            names.get(value, f"#{value}")
            if names is not None and value
            else columns.plain(model, key, value, language, zone)
        )

    return {
        "by": entry.by,
        "at": columns.moment(entry.at, zone),
        "source": _source(entry.source),
        "action": _(labels.ACTIONS.get(entry.action, entry.action)),
        "changes": [
            {"label": columns.label_of(model, k), "old": shown(k, old), "new": shown(k, new)}
            for k, old, new in entry.changes
            if entry.action != "created" or new not in (None, "", {}, False)
        ],
    }


def _source(text: str) -> str:
    """Return by which door a change came, a job by its name."""
    door, _space, rest = text.partition(" ")
    if door == "job" and rest in JOBS:
        rest = _(JOBS[rest].label)
    return f"{_(labels.SOURCES.get(door, door))} {rest}".strip()


def named_records(model: type[Record], entry: history.Entry) -> dict[str, dict[int, str]]:
    """Return {field: {id: title}} of the records that a history's entry points at."""
    found = {}
    for key, old, new in entry.changes:
        try:
            target = columns.column(model, key).target
        except KeyError:
            continue
        if target is not None:
            found[key] = history.names(target, {id for id in (old, new) if isinstance(id, int)})
    return found


#: What other pages show of a record as its own page does.
sections_of, timeline_of = _sections, _timeline
