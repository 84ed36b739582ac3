"""Searching customers, contacts and contracts at once, by any part of what they are known by."""

from typing import Any

from flask import redirect, request
from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.services import access, listing
from crm_admin.services.listing import Question
from crm_admin.views import lists, requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.words import gettext as _

#: Where it looks, with the picture of each and the fields beside a title.
_PLACES: tuple[tuple[type[Record], str, tuple[str, ...]], ...] = (
    (Customer, "building-2", ("number", "city", "phone", "account_manager")),
    (Contact, "users", ("customer", "job_title", "mobile")),
    (Contract, "file-text", ("number", "customer", "ends_on")),
)
SHOWN = 8


class Search(Page):
    """The page of results."""

    path, label = "/search/", N_("Search")
    allowed = {"index": anyone}

    @expose("/")
    def index(self) -> Any:
        """Show what was found; one single hit is opened at once. Source: A21"""
        words = request.args.get("query", "").strip().replace("\0", "")[:100]
        groups = [g for place in _PLACES if words and (g := _found(words, *place))]
        hits = [item for group in groups for item in group["items"]]
        if len(hits) == 1:
            return redirect(hits[0]["url"])
        return self.render("search.html", query=words, groups=groups, empty="")


def _found(words: str, model: type[Record], icon: str, keys: tuple[str, ...]) -> Any:
    """Return what was found in one entity, or None."""
    actor = requests.actor()
    if not access.allows(actor, "view", model):
        return None
    shown = [k for k in keys if access.readable(actor, model, k)]
    asked = Question(search=words, size=SHOWN)
    page = listing.page(model, actor, asked, [model.title, *shown])
    if not page.count:
        return None
    path = f"/{model.__tablename__}/"
    return {
        "label": _(model.plural),
        "icon": icon,
        "count_text": lists.counted(page.count),
        "all_url": requests.address(path, [("search", words)]) if page.count > SHOWN else None,
        "items": [
            {
                "title": row[1],
                "url": f"{path}details/?id={row[0]}",
                "detail": " · ".join(str(value) for value in row[2:] if value),
            }
            for row in page.rows
        ],
    }
