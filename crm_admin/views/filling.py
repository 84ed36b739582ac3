"""Filling in what one record lacks: a form of only the fields that rules miss.

A part of every entity's screen, which has the rights and rows that it asks for.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, flash, g, jsonify, request
from flask_admin import expose
from wtforms import Form

from crm_admin.errors import Conflict
from crm_admin.models.base import Checked, Record
from crm_admin.services import access, completeness, records
from crm_admin.views import form_pages, lacking, requests
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _

#: How many fields one form holds at most.
MOST_FIELDS = 40


class Filling:
    """What a screen does to fill in what a record lacks."""

    model: ClassVar[type[Record]]
    path: str
    render: Any
    told: Any
    get_one: Any
    form_of: Any
    valid: Any
    values: Any
    saved: Any
    writable_columns: Any
    _opened: Any
    _closed: Any
    _shown: Any

    @expose("/fill/", methods=("GET", "POST"))
    def fill_view(self) -> Any:
        """Show the few fields that a record lacks, or save what was filled in. Source: A2

        As a `part` of another page, such as the queue of the cockpit, the form is sent alone, and
        what is saved is only said.
        """
        id, conflict = request.args.get("id"), None
        if request.method != "POST":
            record = self.get_one(id)
            if record.locked():
                return self._shown(record) if not _is_part() else abort(403)
            form = self.filling_form(record, lacking_keys(record), None)
            return self._to_fill(record, form)
        version = access.key_of(request.form.get("version")) or 0
        keys = request.form.get("fields", "").split(",")[:MOST_FIELDS]
        try:
            with self.told() as telling, records.transaction("form"):
                record = self._opened(id)
                telling.form = form = self.filling_form(record, keys, request.form)
                if reason := self._closed(record):
                    flash(_(reason), "error")
                elif self.valid(form, record):
                    records.change(
                        record, self.values(form, record), requests.actor(), version=version
                    )
                    return self.saved(record.id) if not _is_part() else jsonify(said=_("Saved."))
        except Conflict as meanwhile:
            flash(meanwhile.text(_), "warning")
            record = self.get_one(id)
            conflict = form_pages.conflict(self, record, form, version)
            conflict["url"] = here(record, requests.back(""))
        return self._to_fill(record, form, conflict)

    def filling_form(self, record: Record, keys: Sequence[str], data: Any) -> Form:
        """Return the form of those of the fields that this user may write."""
        g.pop("writable_columns", None)
        offered: list[Column] = self.writable_columns(record)
        wanted = {self.model.column_key(key) for key in keys}
        chosen = [column for column in offered if column.column_key in wanted]
        g.writable_columns[self.path] = chosen  # what the form, its checks and values are made of
        form: Form = self.form_of(record, data)
        return form

    def _to_fill(self, record: Record, form: Form, conflict: dict[str, Any] | None = None) -> Any:
        back = requests.back(f"{self.path}details/?id={record.id}")
        shown = form_pages.context(self, form, record, conflict)
        title = _("Fill in what is missing: %(record)s", record=str(record)[:120])
        fill = fill_context(self, record, form, back)
        template = "entity/fill_form.html" if _is_part() else "entity/fill.html"
        return self.render(template, **shown | {"title": title, "fill": fill, "part": _is_part()})


def _is_part() -> bool:
    """Return whether the form stands in another page, which asks for it and sends it by itself."""
    return "part" in request.values


def here(record: Record, back: str) -> str:
    """Return the address where what a record lacks is filled in, and where it leads afterwards."""
    arguments: list[tuple[str, Any]] = [("id", record.id)]
    return requests.address(
        f"/{record.__tablename__}/fill/", arguments + ([("url", back)] if back else [])
    )


def lacking_keys(record: Record) -> list[str]:
    """Return the columns that rules miss in a record."""
    if not isinstance(record, Checked):
        return []
    [lacks] = completeness.lacks([record])
    return [record.column_key(lack.field_key) for lack in lacks if not lack.related]


def fill_context(view: Any, record: Record, form: Form, back: str) -> dict[str, Any]:
    """Return what the small form shows: its fields, each with what the rules say of it.

    What this user cannot fill in here is named too, with where it is done if anywhere.
    """
    lacked = lacking.of(view, record, back=back) or {"percent": 100, "missing": []}
    said: dict[str, list[str]] = {}
    for item in lacked["missing"]:
        words = " ".join(text for text in (item["message"], item["why"]) if text)
        said.setdefault(item["key"], []).append(words)
    shown = {field.name: field for field in form}
    fields = [
        {"field": field, "said": " ".join(filter(None, said.get(view.model.column_key(name), [])))}
        for name, field in ((column.key, shown.get(column.key)) for column in view.fields.values())
        if field is not None
    ]
    inside = {view.model.column_key(field.name) for field in form}
    return {
        "url": here(record, ""),
        "back": back,
        "details_url": f"{view.path}details/?id={record.id}",
        "edit_url": f"{view.path}edit/?id={record.id}",
        "percent": lacked["percent"],
        "fields": fields,
        "field_keys": ",".join(sorted(inside)),
        "others": [item for item in lacked["missing"] if item["key"] not in inside],
        "version": form_pages.version_field(record, None),
    }
