"""The recycle bin: what was deleted, as far as the actor may take it back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, history, listing
from crm_admin.services.listing import Question

SHOWN = 20


@dataclass(frozen=True)
class Group:
    """The latest deleted records of one entity: (id, title, when, by whom)."""

    model: type[Record]
    count: int
    rows: Sequence[tuple[int, str, datetime, str]]


def groups(actor: User) -> Iterator[Group]:
    """Yield what is in the bin, entity by entity; empty ones are left out."""
    for entity, model in access.entities().items():
        if entity == "attachments" or not access.allows(actor, "restore", model):
            continue
        asked = Question(binned=True, sort="deleted_at", descending=True, size=SHOWN)
        page = listing.page(
            model, actor, asked, [model.title_key(), "deleted_at", "updated_by_id"], "restore"
        )
        if page.rows:
            names = history.names(User, {row[3] for row in page.rows if row[3]})
            rows = [(id, str(t or f"#{id}"), at, names.get(by, "")) for id, t, at, by in page.rows]
            yield Group(model, page.count, rows)
