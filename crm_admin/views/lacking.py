"""What a record lacks, as its pages say it: each with the way to fill it in."""

from typing import Any

from crm_admin.models.base import Checked, Record
from crm_admin.services import access, completeness, references, validation
from crm_admin.views import requests
from crm_admin.views.words import gettext as _


def of(view: Any, record: Record, back: str = "") -> dict[str, Any] | None:
    """Return how complete the record is and what it lacks, or None where no rule looks at it.

    Args:
        back: where filling something in leads afterwards.

    Source: A2
    """
    rules = validation.rules_of(view.model.__tablename__)
    if not isinstance(record, Checked) or not rules:
        return None
    actor = requests.actor()
    [lacks] = completeness.lacks([record])
    may_edit = not record.locked() and access.may(record, actor, "edit")
    missing = [
        {
            "label": _(lack.label),
            "url": _mend(view, record, lack, may_edit, back),
            "message": lack.problem.text(_) if lack.kind not in ("required", "related") else "",
            "why": lack.why,
            "key": view.model.column_key(lack.field_key),
            "kind": lack.kind,
            "related": bool(lack.related),
        }
        for lack in completeness.shown_to(actor, view.model, lacks)
    ]
    fillable = may_edit and any(not m["related"] and m["url"] for m in missing)
    return {
        "percent": completeness.percent_of(record, lacks),
        "missing": missing,
        "fill_url": f"{view.path}fill/?id={record.id}" if fillable else None,
    }


def _mend(
    view: Any, record: Record, lack: completeness.Lack, may_edit: bool, back: str
) -> str | None:
    """Return the address where what is lacking can be filled in, if the user may."""
    actor, arguments = requests.actor(), [("url", back)] if back else []
    if lack.related:
        other = access.model_of(lack.related)
        if other is None or not access.allows(actor, "create", other):
            return None
        key = references.key_to(view.model, other)
        asked = [(other.form_key(key), record.id), *arguments]
        return requests.address(f"/{lack.related}/new/", asked)
    if not (may_edit and access.writable(actor, view.model, lack.field_key, record)):
        return None
    field = view.model.form_key(lack.field_key)
    return f"{view.path}fill/?id={record.id}#{field}"
