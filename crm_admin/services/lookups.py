"""Choosing among records: which fit what was typed, by names that whoever chooses may know."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from crm_admin.database import ask
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, listing, search


def offered(
    model: type[Record],
    actor: User,
    term: str,
    *,
    offset: int,
    limit: int,
    within: Sequence[tuple[str, int]] = (),
) -> list[tuple[int, str]]:
    """Return (id, label) of the records that fit what was typed and may be chosen, by title.

    `within` narrows them to those whose column holds an id.
    """
    table = access.table_of(model)
    title = listing.title_of(model, table)
    statement = select(table.c.id, title)
    keys = [model.detail] if model.detail and access.readable(actor, model, model.detail) else []
    conditions = access.rows(model, actor, "lookup")
    conditions += [table.c[key] == id for key, id in within]
    if model is User:
        conditions += [table.c.is_system.is_(False), table.c.is_active]
    words = search.words(term)
    sees = access.same_records(model, actor, "view", "lookup")
    values = dict[str, Any]()
    if words and model.search_keys and sees:
        found_by, values = search.condition(model, actor, term)
        conditions.append(found_by)
    else:  # who may only choose it finds it by its names: no telephone is told by trying
        called = [title, table.c.username] if model is User else [title]
        conditions += [
            or_(*(column.icontains(word, autoescape=True) for column in called)) for word in words
        ]
    ordered = statement.where(*conditions).order_by(title, table.c.id)
    found = ask(ordered.offset(offset).limit(limit), values)
    names: dict[int, str] = dict(found.all())
    details = (
        {row[0]: row[1] for row in listing.rows_of(model, list(names), keys, actor)} if keys else {}
    )
    return [
        (id, f"{name} · {details[id]}" if details.get(id) else name) for id, name in names.items()
    ]
