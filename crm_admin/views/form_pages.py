"""A record's form: its sections, what is wrong in it, and what somebody else saved meanwhile."""

import secrets
from typing import Any

from flask import request
from wtforms import Form, HiddenField

from crm_admin.models.base import Record
from crm_admin.services import history
from crm_admin.views import columns, lacking, pages, requests
from crm_admin.views.words import gettext as _


def context(
    view: Any, form: Form, record: Record, conflict: dict[str, Any] | None
) -> dict[str, Any]:
    """Return what the template of a form shows."""
    is_new = record.id is None
    details = f"{view.path}details/?id={record.id}"
    return {
        "view": {"name": _(view.model.plural), "list_url": view.path},
        "record": None if is_new else pages.named(record),
        "title": (
            _("New: %(kind)s", kind=_(view.model.singular))
            if is_new
            else _("Edit %(record)s", record=str(record)[:120])
        ),
        "sections": _form_sections(view, form),
        "form": form,
        "problems": [
            {
                "label": field.label.text,
                "message": " ".join(map(str, field.errors)),
                "field_id": field.id,
            }
            for field in form
            if field.errors
        ],
        "conflict": conflict,
        "completeness": None if is_new else _form_completeness(view, form, record),
        "cancel_url": requests.back(view.path if is_new else details),
        "hidden_fields": [] if is_new else [version_field(record, conflict)],
        "form_key": request.form.get("form_key") or secrets.token_urlsafe(16),
        "return_url": requests.back(""),
    }


def version_field(record: Record, conflict: dict[str, Any] | None) -> Any:
    """Return the hidden field that says which version of the record the person has read."""
    sent = request.form.get("version") if conflict is None else None
    data = {"version": sent or record.version}
    holder = type("Version", (Form,), {"version": HiddenField()})
    return holder(data=data)["version"]


def _form_sections(view: Any, form: Form) -> list[dict[str, Any]]:
    """Return the form's fields by section; fields that are not there for this user leave no gap."""
    found = []
    for heading, keys in view.sections:
        fields = [
            form[view.model.form_key(key)] for key in keys if view.model.form_key(key) in form
        ]
        if fields:
            found.append({"label": _(heading) if heading else "", "fields": fields})
    return found


def _form_completeness(view: Any, form: Form, record: Record) -> dict[str, Any] | None:
    lacked = lacking.of(view, record)
    if lacked is None:
        return None
    ids = {view.model.column_key(field.name): field.id for field in form}
    for missing in lacked["missing"]:
        missing["field_id"] = ids.get(missing["key"], "")
    return lacked


def conflict(view: Any, record: Record, form: Form, version: int) -> dict[str, Any]:
    """Return what somebody else changed since `version`, beside what was typed here."""
    entries = history.of(record, requests.actor(), after_version=version)
    if not entries:
        return {}  # a stamp or a preference: nothing that a form shows
    language, zone = requests.language(), requests.zone()
    fields = {view.model.column_key(f.name): f for f in form}
    changes = {}
    for entry in reversed(entries):
        for key, _old, new in entry.changes:
            field = fields.get(key)
            current = getattr(field, "current", None) if field is not None else None
            typed = (
                current[1] if current else getattr(field, "data", "") if field is not None else ""
            )
            names = pages.named_records(view.model, entry).get(key, {})
            theirs = names.get(new) or columns.plain(view.model, key, new, language, zone)
            changes[key] = {
                "label": columns.label_of(view.model, key),
                "theirs": theirs,
                "yours": "" if typed is None else str(typed),
            }
    return {
        "by": entries[0].by,
        "at": columns.moment(entries[0].at, zone),
        "changes": list(changes.values()),
        "url": f"{view.path}edit/?id={record.id}",
    }
