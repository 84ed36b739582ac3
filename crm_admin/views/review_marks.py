"""Verdicts on a record, as its page and the cockpit tell them."""

from typing import Any

from crm_admin.models.base import Record
from crm_admin.services import picklists, reviews
from crm_admin.views import columns, requests
from crm_admin.views.words import gettext as _


def of(record: Record) -> list[dict[str, Any]]:
    """Return the verdicts on a record, the latest first; none for who may not read them."""
    if not reviews.may_read(record, requests.actor()):
        return []
    return [shown(said) for said in reviews.of(record)]


def shown(said: reviews.Said) -> dict[str, Any]:
    """Return one verdict in words."""
    zone = requests.zone()
    return {
        "label": _(said.verdict.label),
        "tone": said.verdict.tone,
        "by": said.by,
        "at": columns.moment(said.at, zone),
        "why": why(said.reason, said.note),
        "fixed": columns.moment(said.fixed_at, zone) if said.fixed_at else "",
        "superseded": said.superseded,
    }


def why(reason: str | None, note: str | None) -> str:
    """Return a reason and what was written beside it, in the present language."""
    named = picklists.label(reviews.REASONS, reason, requests.language()) if reason else ""
    return " · ".join(part for part in (named, note or "") if part)
