"""Corrections: what is said of a closed interaction afterwards, beside it. Source: B2"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from crm_admin.database import ask, db
from crm_admin.errors import Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.interactions import Correction, Interaction
from crm_admin.models.users import User
from crm_admin.services import access, mending, records

LONGEST = 10_000


class Said(NamedTuple):
    """One correction: who wrote it, when, and what."""

    by: str
    at: datetime
    text: str


def may_correct(interaction: Interaction, actor: User) -> bool:
    """Return whether the actor may add one: they see it, and write interactions."""
    writes = access.allows(actor, "create", Interaction)
    return interaction.closed_at is not None and writes and _sees_whole(interaction, actor)


def _sees_whole(interaction: Interaction, actor: User) -> bool:
    return access.readable(actor, Interaction, "content", interaction)


def add(interaction: Interaction, text: str, actor: User) -> None:
    """Add a correction to a closed interaction; it stays as it is, as that does.

    Raises:
        Invalid: nothing is said, or it is not closed. Denied: no right to write interactions.
    """
    records.claim(interaction, actor, "view")
    if interaction.closed_at is None:
        message = N_("It is still open: change it instead of correcting it.")
        raise Invalid([Problem("", message)])
    if not may_correct(interaction, actor):
        raise Denied(N_("You have no right to do this."))
    text = text.strip().replace("\r\n", "\n")
    if not text:
        raise Invalid([Problem("text", N_("Say what is to be corrected."))])
    if len(text) > LONGEST or "\0" in text:
        message = N_("This is longer than %(most)s characters.")
        raise Invalid([Problem("text", message, {"most": LONGEST})])
    db.session.add(Correction(interaction_id=interaction.id, author_id=actor.id, text=text))
    db.session.flush()
    records.note(interaction, actor, "corrected", {})
    mending.fixed(interaction.__tablename__, interaction.id)


def of(interaction: Interaction, actor: User) -> list[Said]:
    """Return the corrections of an interaction, the oldest first, as far as the actor may see.

    They say what its content says: who does not see that, sees none of them.
    """
    if interaction.closed_at is None and not _any(interaction):
        return []
    return (
        of_all([interaction.id]).get(interaction.id, []) if _sees_whole(interaction, actor) else []
    )


def _any(interaction: Interaction) -> bool:
    table = access.table_of(Correction)
    one = select(table.c.id).where(table.c.interaction_id == interaction.id).limit(1)
    return ask(one).scalar() is not None


def of_all(ids: Iterable[int]) -> Mapping[int, list[Said]]:
    """Return {interaction: its corrections, the oldest first} of those that have some."""
    wanted: Sequence[int] = list(ids)
    if not wanted:
        return {}
    kept, users = access.table_of(Correction), access.table_of(User)
    statement = (
        select(kept.c.interaction_id, users.c.name, kept.c.created_at, kept.c.text)
        .join(users, users.c.id == kept.c.author_id)
        .where(kept.c.interaction_id.in_(wanted))
        .order_by(kept.c.id)
    )
    found: dict[int, list[Said]] = {}
    for id, *said in ask(statement):
        found.setdefault(id, []).append(Said(*said))
    return found
