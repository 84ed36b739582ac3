"""Filling in what a record lacks beside the queue, with only those fields."""

from typing import Any

from flask import abort, flash, g, jsonify, redirect, render_template, request

from crm_admin.errors import CrmError, Invalid
from crm_admin.models.base import Record
from crm_admin.services import access, records
from crm_admin.views import cockpit_entries, forms, lacking, requests
from crm_admin.views.words import gettext as _


def answer(page: Any, record: Record, asked: Any) -> Any:
    """Show the form, or save what was filled in and show the entry again."""
    model, actor, said = type(record), requests.actor(), ""
    if not access.may(record, actor, "edit"):
        abort(403)
    screen = cockpit_entries.screen_of(model)
    key = f"{model.__tablename__}-{record.id}"
    offered = cockpit_entries.fixable(screen, record, lacking.of(screen, record))
    if request.method == "POST":
        sent = set(request.form)
        offered = [c for c in screen.writable_columns(record) if c.key in sent]
        form = _form(screen, offered, record, request.form)
        try:
            if screen.valid(form, record):
                with records.transaction("form"):
                    fresh = records.claimed(model, record.id, actor, "edit", whole=True)
                    values = forms.values(form, offered)
                    version = access.key_of(request.form.get("version")) or 0
                    records.change(fresh or abort(404), values, actor, version=version)
                return _saved(asked, key)
        except Invalid as invalid:
            said = _beside(form, screen, invalid)
        except CrmError as refused:
            said = refused.text(_)
        record = access.find(model, record.id, actor, "review", whole=True) or abort(404)
    elif offered:
        form = _form(screen, offered, record, None)
    else:
        return redirect(f"{screen.path}edit/?id={record.id}")
    shown = {
        "form": form,
        "fields": [form[c.key] for c in offered],
        "action": asked.address("fix/"),
        "at": key,
        "version": request.form.get("version") or record.version,
        "back": asked.address(at=key),
        "record_title": str(record)[:120],
        "said": said,
    }
    if "part" in request.values or requests.wants_json():
        return render_template("cockpit/fix.html", **shown)
    return page.render("cockpit/fix_page.html", title=_("Fill in what is missing"), **shown)


def _form(screen: Any, offered: Any, record: Record, data: Any) -> Any:
    """Return the form of these fields; nothing else of the record can be sent by it."""
    g.setdefault("writable_columns", {})[screen.path] = offered
    return screen.form_of(record, data)


def _beside(form: Any, screen: Any, invalid: Invalid) -> str:
    """Put each problem beside its field; return those that have none."""
    shown = {screen.model.column_key(field.name): field for field in form}
    rest = []
    for problem in invalid.problems:
        field = shown.get(screen.model.column_key(problem.field))
        if field is None:
            rest.append(problem.text(_))
        else:
            field.errors = [*field.errors, problem.text(_)]
    return " ".join(rest)


def _saved(asked: Any, key: str) -> Any:
    if "part" in request.values:
        return jsonify({"said": _("Saved."), "at": key})
    flash(_("Saved."), "success")
    return redirect(asked.address(at=key))
