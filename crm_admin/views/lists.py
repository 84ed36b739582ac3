"""The list of an entity: what its page shows, and the addresses that change what it shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import request
from markupsafe import Markup

from crm_admin.i18n import N_
from crm_admin.models.base import Labelled, Record
from crm_admin.models.users import User
from crm_admin.services import access, filters, labels, listing, picklists
from crm_admin.services.listing import COUNTED, Question
from crm_admin.views import columns, drawn, requests, worded
from crm_admin.views.cells import escaped
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: What a filter can ask of each kind of column: (operation, its words, what is typed).
_OPERATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "text": (("has", N_("contains"), "text"), ("is", N_("is"), "text")),
    "choice": (("is", N_("is"), "choice"), ("not", N_("is not"), "choice")),
    "record": (("is", N_("is"), "lookup"),),
    "date": (
        ("from", N_("from"), "date"),
        ("to", N_("until"), "date"),
        ("is", N_("on"), "date"),
    ),
    "number": (("from", N_("at least"), "number"), ("to", N_("at most"), "number")),
}
_BLANKS = (("empty", N_("is empty"), "none"), ("filled", N_("is filled in"), "none"))
_SAME = {"state": "choice", "flag": "choice", "moment": "date", "money": "number"} | {
    "percent": "number"
}


def context(view: Any) -> dict[str, Any]:
    """Return what the list's template shows."""
    actor = requests.actor()
    may_restore = access.allows(actor, "restore", view.model) and not view.model.append_only
    question = asked(view, may_see_bin=may_restore)
    shown = _own_name_first(view.model, [c for c in view.listed if view.shows(c.key)])
    page = listing.page(view.model, actor, question, [c.key for c in shown])
    last = max(1, -(-min(page.count, COUNTED) // question.size))
    if question.page and not page.rows:  # beyond the end: the last there is
        question = replace(question, page=last - 1)
        page = listing.page(view.model, actor, question, [c.key for c in shown])
    here = arguments(question)
    rows = worded.rows(view, actor, page.rows, shown, binned=question.binned)
    exports = access.allows(actor, "export", view.model) and not question.binned
    return {
        "view": _head(view, actor, question, may_restore),
        "columns": headings(view.path, view.reads, shown, question, here),
        "rows": _rows(view, actor, rows, shown, question.binned),
        "count_text": counted(page.count),
        "page": pager(view.path, here, question, page.count, last),
        "search": question.search,
        "search_hint": _("Search") if view.is_searchable() else "",
        "hidden_args": [(k, v) for k, v in here if k not in ("search", "page")],
        "filters": _filters(view),
        "active_filters": _active(view, question, here),
        "actions": _actions(view, actor, binned=question.binned),
        "action_url": f"{view.path}action/",
        "exports": _exports(view.path, here) if exports else [],
        "buttons": [] if question.binned else _buttons(view, _narrowed(here)),
        "in_bin": question.binned,
        "restore_url": f"{view.path}restore/",
        "row_delete_url": _delete_url(view, actor, question),
        "empty": _empty(view, actor, question),
        "tabs": [] if question.binned else view.list_tabs(_narrowed(here)),
        "row_action": view.row_action(),
        "return_url": requests.address(view.path, here),
    }


def _own_name_first(model: type[Record], shown: list[Column]) -> list[Column]:
    """Return the columns of a list; what names a record in the reader's language comes first."""
    if not issubclass(model, Labelled):
        return shown
    return sorted(shown, key=lambda column: column.key != model.title_key())


def asked(view: Any, *, may_see_bin: bool = False) -> Question:
    """Return what the address asks of the list: by fields that it offers and the user may see."""
    question = requests.question(view.default_sort, may_see_bin=may_see_bin)
    known = tuple(
        (key, operation, value)
        for key, operation, value in question.filters
        if key in view.filters and view.reads(key) and operation in filters.OPERATIONS
    )
    return replace(question, filters=known)


def arguments(question: Question) -> list[tuple[str, Any]]:
    """Return the arguments that ask for the same list again, its page aside."""
    asked: list[tuple[str, Any]] = [(f"{k}.{op}", value) for k, op, value in question.filters]
    if question.search:
        asked.append(("search", question.search))
    if request.args.get("sort"):
        asked.append(("sort", question.sort))
        asked += [("desc", "1")] if question.descending else []
    if question.size != 50:
        asked.append(("size", question.size))
    if question.binned:
        asked.append(("bin", "1"))
    return asked


def _head(view: Any, actor: User, question: Question, may_restore: bool) -> dict[str, Any]:
    may_create = access.allows(actor, "create", view.model)
    return {
        "name": _(view.model.plural),
        "stem": view.model.__tablename__,
        "icon": view.icon,
        "list_url": view.path,
        "new_url": f"{view.path}new/" if may_create else None,
        "bin_url": f"{view.path}?bin=1" if may_restore else None,
    }


def headings(
    path: str,
    reads: Callable[[str], bool],
    shown: list[Column],
    question: Question,
    here: list[tuple[str, Any]],
) -> list[dict[str, Any]]:
    """Return the heads of the columns, each with the address of the list in its order.

    A list has no order by what its reader sees a part of.
    """
    kept = requests.address(path, [(k, v) for k, v in here if k not in ("sort", "desc")])
    start = f"{kept}&sort=" if "?" in kept else f"{kept}?sort="
    found = []
    for column in shown:
        sorted_now = question.sort in (column.key, column.column_key)
        turned = "&desc=1" if sorted_now and not question.descending else ""
        found.append(
            {
                "key": column.key,
                "label": column.text,
                "kind": column.kind,
                "sorted": ("desc" if question.descending else "asc") if sorted_now else "",
                "sort_url": f"{start}{column.key}{turned}" if reads(column.key) else "",
            }
        )
    return found


#: Marks in a drawn row that stand for what differs from record to record; nobody can type them.
_ID, _TITLE, _CELLS, _KEY = "\x01", "\x02", "\x03", "\x04"


def _rows(
    view: Any, actor: User, rows: Sequence[tuple[Any, ...]], shown: list[Column], binned: bool
) -> Markup:
    """Return the rows of the page.

    Each is a drawn row filled in: a list has hundreds of cells, and a template takes ten times as
    long for them.
    """
    make = [columns.form_for(view.model, c) for c in shown]
    drawn_columns = [
        (*_opening(c.kind, c.text), form) for c, form in zip(shown[1:], make[1:], strict=True)
    ]
    ids = [row[0] for row in rows]
    editable = set() if binned else _within(view, actor, "edit", ids)
    same = binned or access.same_records(view.model, actor, "edit", "delete")
    deletable = editable if same else _within(view, actor, "delete", ids)
    keys = {} if binned else view.row_keys(ids)
    # Where a record has no name in the reader's language, its English one stands in.
    english = next((place for place, c in enumerate(shown, 1) if c.key == "label_en"), 0)
    variants: dict[tuple[bool, bool, bool], str] = {}
    titles = escaped([make[0](row[1]) or (english and row[english]) or "—" for row in rows])
    parts = []
    for row, title, cells in zip(rows, titles, _cells(drawn_columns, rows), strict=True):
        id = row[0]
        may = (id in editable, id in deletable, id in keys)
        if (drawn_row := variants.get(may)) is None:
            drawn_row = variants[may] = _row(view, *may, binned)
        filled = drawn_row.replace(_ID, str(id)).replace(_KEY, keys.get(id, ""))
        filled = filled.replace(_TITLE, title)
        parts.append(filled.replace(_CELLS, cells))
    return Markup("".join(parts))  # noqa: S704  (every value in them was escaped)


@lru_cache(maxsize=2_000)
def _opening(kind: str, label: str) -> tuple[str, str]:
    """Return how a cell of a column begins, and a whole cell that holds nothing."""
    cell = Markup('<td class="kind-{}" data-label="{}">').format(kind, label)
    blank = Markup('<td class="kind-{} blank" data-label="{}">—</td>').format(kind, label)
    return str(cell), str(blank)


def _row(view: Any, editable: bool, deletable: bool, acts: bool, binned: bool) -> str:
    """Return a row with marks where its record belongs."""
    facts = {"editable": editable, "deletable": deletable, "acts": acts, "in_bin": binned}
    marks = {"id": _ID, "title": _TITLE, "cells": _CELLS, "key": _KEY}
    selectable = not binned and bool(_actions(view, requests.actor(), binned=binned))
    more = {"path": view.path, "selectable": selectable, "row_action": view.row_action()}
    key = (view.path, *facts.values())
    return str(drawn.once("entity/row.html", key, lambda: {**facts, **marks, **more}))


def _within(view: Any, actor: User, verb: str, ids: list[int]) -> set[int]:
    if view.model.append_only:
        return set()
    return access.within_reach(view.model, actor, verb, ids)


def _cells(
    drawn_columns: list[tuple[str, str, columns.Formatter]], rows: Sequence[Sequence[Any]]
) -> Iterator[str]:
    """Yield the cells of each row after its title, each beginning as its column has it."""
    forms = [form for _opening, _blank, form in drawn_columns]
    shown = [form(value) for row in rows for form, value in zip(forms, row[2:], strict=True)]
    texts = iter(escaped(shown))
    for _row in rows:
        parts: list[str] = []
        for opening, blank, _form in drawn_columns:
            if text := next(texts):
                parts += (opening, text, "</td>")
            else:
                parts.append(blank)
        yield "".join(parts)


def counted(count: int) -> str:
    """Return how many records there are, in words; beyond the limit only that there are more."""
    if count > COUNTED:
        return str(_("more than %(count)s records", count=f"{COUNTED:,}"))
    return str(ngettext("%(count)s record", "%(count)s records", count, count=f"{count:,}"))


def pager(
    path: str, here: list[tuple[str, Any]], question: Question, count: int, last: int
) -> dict[str, Any]:
    """Return the pager: where one is, and the addresses of the other pages."""
    number, more = question.page + 1, count > COUNTED

    def at(page: int) -> str:
        return requests.address(path, [*here, ("page", page)])

    sized = [(k, v) for k, v in here if k != "size"]
    return {
        "number": number,
        "last": None if more else last,
        "first_url": at(1) if number > 1 else None,
        "previous_url": at(number - 1) if number > 1 else None,
        "next_url": at(number + 1) if more or number < last else None,
        "last_url": at(last) if number < last and not more else None,
        "size": question.size,
        "size_urls": [
            (size, requests.address(path, [*sized, ("size", size)])) for size in requests.SIZES
        ],
    }


def _filters(view: Any) -> Markup:
    """Return what the filter panel offers; nothing where there is nothing to ask for."""
    if not view.filters:
        return Markup()

    def offered() -> dict[str, Any]:
        return {"filters": [f for key in view.filters if (f := _filter(view, key))]}

    return drawn.once("entity/filter_fields.html", view.path, offered)


def _filter(view: Any, key: str) -> dict[str, Any] | None:
    """Return what the filter panel offers for a field, unless the user may not see it."""
    if not view.reads(key):
        return None
    column = view.fields.get(key) or columns.column(view.model, key)
    kind = _SAME.get(column.kind, column.kind if column.kind in _OPERATIONS else "text")
    operations = _OPERATIONS[kind] + (() if column.required else _BLANKS)
    options = _options(column)
    lookup_url = f"{view.path}ajax/lookup/?name={column.key}" if kind == "record" else ""
    return {
        "key": key,
        "label": column.text,
        "operations": [
            {
                "arg": f"{key}.{operation}",
                "label": _(words),
                "kind": typed,
                "options": options if typed == "choice" else [],
                "lookup_url": lookup_url if typed == "lookup" else "",
            }
            for operation, words, typed in operations
        ],
    }


def _options(column: Column) -> list[tuple[str, str]]:
    if column.states:
        return [(m.value, _(labels.label_of(m))) for m in column.states]
    if column.kind == "choice":
        return picklists.choices(column.picklist, requests.language())
    return [("1", _("Yes")), ("0", _("No"))] if column.kind == "flag" else []


def _active(view: Any, question: Question, here: list[tuple[str, Any]]) -> list[dict[str, str]]:
    """Return the filters in force, each with the address of the list without it."""
    found = []
    for key, operation, value in question.filters:
        column = columns.column(view.model, key)
        words = {op: text for rows in _OPERATIONS.values() for op, text, _k in rows}
        words |= {op: text for op, text, _k in _BLANKS}
        if column.kind in ("date", "moment"):
            words |= {op: text for op, text, _k in _OPERATIONS["date"]}
        rest = [pair for pair in here if pair != (f"{key}.{operation}", value)]
        shown = "" if operation in ("empty", "filled") else _shown(column, value)
        text = f"{column.text} {_(words[operation])} {shown}"
        found.append({"text": text.strip(), "remove_url": requests.address(view.path, rest)})
    return found


def _shown(column: Column, value: str) -> str:
    """Return what a filter asks for, as people read it."""
    if column.target is not None and value and value != "me":
        found = access.find(column.target, value, requests.actor(), "lookup")
        return str(found) if found is not None else "?"
    if value == "me":
        return str(_("me"))
    return dict(_options(column)).get(value, value)


def _actions(view: Any, actor: User, *, binned: bool) -> list[dict[str, Any]]:
    if binned or view.model.append_only:
        return []
    found = [
        {"name": name, "label": _(label)}
        for name, label in view.action_labels.items()
        if access.allows(actor, view.actions[name], view.model)
    ]
    if view.may_bulk_edit():
        found.insert(0, {"name": "bulk_edit", "label": _("Change")})
    if access.allows(actor, "delete", view.model):
        asked = _("Move the selected records to the recycle bin? They can be restored from there.")
        found.append({"name": "delete", "label": _("Delete"), "confirm": asked, "danger": True})
    return found


def _buttons(view: Any, here: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Return the buttons about all that the list holds."""
    return [*view.list_buttons(here), *view.bulk_button(here)]


def _delete_url(view: Any, actor: User, question: Question) -> str | None:
    deletes = not view.model.append_only and access.allows(actor, "delete", view.model)
    return f"{view.path}delete/" if deletes and not question.binned else None


def _narrowed(here: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the arguments that say which records a list holds, not how it shows them."""
    return [(k, v) for k, v in here if k not in ("size", "bin")]


def _exports(path: str, here: list[tuple[str, Any]]) -> list[dict[str, str]]:
    kept = _narrowed(here)
    return [
        {"label": _("CSV file"), "url": requests.address(f"{path}export/csv/", kept)},
        {"label": _("Excel workbook (XLSX)"), "url": requests.address(f"{path}export/xlsx/", kept)},
    ]


def _empty(view: Any, actor: User, question: Question) -> dict[str, Any]:
    """Return what an empty list says: why it is empty, and what to do."""
    if question.binned:
        return {"title": _("The recycle bin is empty."), "text": "", "new_url": None}
    if question.search or question.filters:
        text = _("Nothing fits what you asked for. Try fewer words or take away a filter.")
        return {"title": _("Nothing found"), "text": text, "new_url": None}
    may_create = access.allows(actor, "create", view.model)
    text = _("What you add appears here.") if may_create else ""
    new_url = f"{view.path}new/" if may_create else None
    return {"title": _("Nothing here yet"), "text": text, "new_url": new_url}
