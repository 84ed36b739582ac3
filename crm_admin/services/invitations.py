"""Invitations: a link by which a new user chooses their own password, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crm_admin import clock
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.accounts import AccountToken, Purpose
from crm_admin.models.types import State
from crm_admin.models.users import User
from crm_admin.services import account_tokens, letters, organisation, records, resets
from crm_admin.services.outbox import Post

HOURS = int(account_tokens.LIFE[Purpose.INVITATION] / timedelta(hours=1))


class InvitationState(State):
    """How an invitation stands."""

    OPEN = "open", N_("Sent, not used yet"), "inf"
    USED = "used", N_("Used"), "ok"
    EXPIRED = "expired", N_("Run out"), "warn"
    WITHDRAWN = "withdrawn", N_("Withdrawn"), "mut"


@dataclass(frozen=True)
class Invitation:
    """A user's last invitation."""

    state: InvitationState
    made_at: datetime
    expires_at: datetime
    was_mailed: bool


def invite(user: User, actor: User, post: Post, address: str) -> str:
    """Invite a user who has no password yet; return the link, or "" where it was mailed.

    An earlier link is worth nothing any more.

    Args:
        address: what the link begins with where no public address is set up. It is shown to the
            actor only: what is mailed begins with the public address.

    Raises:
        Denied: the user has rights that the actor lacks.
        Invalid: the user has a password already, or may not sign in.
    """
    organisation.check_rank(user, actor)
    if user.password_hash is not None:
        raise Invalid([Problem("", N_("This user has a password already."))])
    if not user.is_active:
        raise Invalid([Problem("", N_("This user may not sign in."))])
    mailed = post.sends_links and bool(user.email)
    token = account_tokens.make(user, Purpose.INVITATION, actor, mailed=mailed)
    link = f"{post.public_url or address}/invitation?token={token}"
    records.note(user, actor, "invited", {})
    if mailed:
        letters.send(post, user, "invitation", link=link, hours=HOURS)
    return "" if mailed else link


def withdraw(user: User, actor: User) -> bool:
    """Make an invitation's link worthless; return whether there was one.

    Raises:
        Denied: the user has rights that the actor lacks.
    """
    organisation.check_rank(user, actor)
    if not account_tokens.end(user, Purpose.INVITATION):
        return False
    records.note(user, actor, "invitation withdrawn", {})
    return True


def accept(token: str, new: str, repeated: str) -> User:
    """Give the invited user the password they chose.

    Raises:
        Invalid: the link lives no more, the two differ, or the password is not good enough.
    """
    user = resets.choose(token, Purpose.INVITATION, new, repeated)
    records.note(user, user, "invitation accepted", {})
    return user


def of(user: User) -> Invitation | None:
    """Return the user's last invitation, or None."""
    token = account_tokens.last(user, Purpose.INVITATION)
    if token is None:
        return None
    return Invitation(_state(token), token.created_at, token.expires_at, token.mailed)


def _state(token: AccountToken) -> InvitationState:
    if token.used_at is not None:
        return InvitationState.USED
    if token.ended_at is not None:
        return InvitationState.WITHDRAWN
    if token.expires_at <= clock.now():
        return InvitationState.EXPIRED
    return InvitationState.OPEN
