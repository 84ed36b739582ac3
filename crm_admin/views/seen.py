"""Noting that the owner of a record has had before them what it lacks."""

from collections.abc import Sequence
from contextlib import suppress

from crm_admin.errors import Conflict
from crm_admin.models.base import Record
from crm_admin.services import findings, records
from crm_admin.views import requests


def by_owner(model: type[Record], ids: Sequence[int]) -> None:
    """Note that those of the records that are the actor's own were shown, if that is news.

    It writes in a short transaction of its own, once what was read for the page is no longer
    needed; nobody waits twice for it. Source: A3
    """
    if requests.views_as():
        return
    if unseen := findings.unseen(requests.actor(), model, ids):
        with suppress(Conflict), records.transaction("session"):
            findings.see(unseen)
