"""Opening a closed interaction again: off unless it is set, and then by two people with a reason.

One asks, another agrees. The database lets the change through only where both are on record; once
it is closed again, that needs two people again.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select

from crm_admin.database import db, setting
from crm_admin.errors import Conflict, Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.interactions import (
    LONGEST_REASON,
    Interaction,
    Reopening,
    ReopeningAnswer,
)
from crm_admin.models.users import User
from crm_admin.services import access, changes, notifications, records

VERB = "reopen"
_OFF = N_("Here, what is closed is not opened again.")


def is_on() -> bool:
    """Return whether closed interactions can be opened again at all."""
    return bool(setting("REOPENING"))


class Asked(NamedTuple):
    """A wish to open an interaction that nobody has answered yet."""

    id: int
    by_id: int
    by: str
    reason: str


def pending(interaction: Interaction) -> Asked | None:
    """Return the wish that waits for an answer, or None."""
    if interaction.closed_at is None or not is_on():
        return None
    answered = select(ReopeningAnswer.id).where(ReopeningAnswer.reopening_id == Reopening.id)
    statement = select(Reopening).where(
        Reopening.interaction_id == interaction.id,
        Reopening.closed_at == interaction.closed_at,
        ~answered.exists(),
    )
    kept = db.session.scalar(statement.order_by(Reopening.id).limit(1))
    if kept is None:
        return None
    return Asked(kept.id, kept.asked_by_id, kept.asked_by.name, kept.reason)


def may_ask(interaction: Interaction, actor: User) -> bool:
    """Return whether the actor may ask for it to be opened now."""
    closed = is_on() and interaction.closed_at is not None
    return closed and access.may(interaction, actor, "edit") and pending(interaction) is None


def may_answer(interaction: Interaction, actor: User) -> bool:
    """Return whether the actor may answer the wish that waits: it is not their own."""
    wish = pending(interaction)
    return wish is not None and wish.by_id != actor.id and access.may(interaction, actor, VERB)


def request(interaction: Interaction, reason: str, actor: User) -> None:
    """Ask for a closed interaction to be opened again, and tell who may agree.

    Raises:
        Denied: it is switched off. Invalid: without a reason, or it is not closed.
    """
    if not is_on():
        raise Denied(_OFF)
    records.claim(interaction, actor, "edit")
    if interaction.closed_at is None:
        raise Invalid([Problem("", N_("It is open already."))])
    if pending(interaction) is not None:
        raise Invalid([Problem("", N_("Somebody has asked for it already."))])
    if problems := [*changes.reason_problems(reason, LONGEST_REASON)]:
        raise Invalid(problems)
    wish = Reopening(
        interaction_id=interaction.id,
        closed_at=interaction.closed_at,
        closed_late=interaction.closed_late,
        asked_by_id=actor.id,
        reason=reason.strip(),
    )
    db.session.add(wish)
    db.session.flush()
    records.note(interaction, actor, "reopening asked", {changes.REASON: [None, wish.reason]})
    notifications.notify_all(
        notifications.Message(
            user_id=user.id,
            key=f"reopening:{wish.id}:{user.id}:inbox",
            kind="reopening",
            message=N_("%(person)s asks to open a closed interaction again."),
            values={"person": actor.name},
            entity="interactions",
            record_id=interaction.id,
        )
        for user in _who_may_agree(interaction, actor)
    )


def _who_may_agree(interaction: Interaction, asker: User) -> Iterator[User]:
    staff = select(User).where(
        User.is_active, User.is_system.is_(False), User.deleted_at.is_(None), User.id != asker.id
    )
    for user in db.session.scalars(staff.order_by(User.id)).all():
        if access.allows(user, VERB, Interaction) and access.may(interaction, user, VERB):
            yield user


def answer(interaction: Interaction, actor: User, *, agreed: bool) -> None:
    """Open the interaction that somebody else asked for, or leave it closed.

    Raises:
        Denied: it is switched off, or the actor asked for it. Conflict: nobody asks for it now.
    """
    if not is_on():
        raise Denied(_OFF)
    if not access.allows(actor, VERB, Interaction):
        raise Denied(N_("You have no right to do this."))
    records.claim(interaction, actor, VERB)
    wish = pending(interaction)
    if wish is None:
        raise Conflict(N_("Nobody asks for this to be opened any more."))
    if wish.by_id == actor.id:
        raise Denied(N_("Somebody else must agree: it takes two."))
    db.session.add(ReopeningAnswer(reopening_id=wish.id, by_id=actor.id, agreed=agreed))
    db.session.flush()  # the database asks for it at the next line
    if agreed:
        interaction.closed_at, interaction.closed_by_id = None, None
        interaction.closed_late = False
        records.save(interaction, actor, action="reopened", reason=wish.reason)
    else:
        why = {changes.REASON: [None, wish.reason]}
        records.note(interaction, actor, "reopening refused", why)
    _tell_asker(interaction, wish, agreed)


def _tell_asker(interaction: Interaction, wish: Asked, agreed: bool) -> None:
    message = N_("The interaction was opened again, as you asked. Close it when it is right.")
    refused = N_("The interaction you asked to open again stays closed.")
    notifications.notify_all(
        [
            notifications.Message(
                user_id=wish.by_id,
                key=f"reopening:{wish.id}:answer:inbox",
                kind="reopening",
                message=message if agreed else refused,
                entity="interactions",
                record_id=interaction.id,
            )
        ]
    )
