"""Looking at the application as somebody else, to see what they see, without changing anything."""

from sqlalchemy import update

from crm_admin.database import READS_ONLY, db
from crm_admin.errors import Denied
from crm_admin.i18n import N_
from crm_admin.models.users import User, UserSession
from crm_admin.services import access, records

VERB = "view_as"


def may(user: User, actor: User) -> bool:
    """Return whether the actor may look at the application as this user.

    They must hold every right that the user has, also by standing in for somebody, and see all
    records of each kind that the user sees some of: so they see nothing new. What is private to the
    user they are not shown.
    """
    if user.id == actor.id or user.is_system or not user.is_active or user.deleted_at is not None:
        return False
    if access.find(User, user.id, actor, VERB) is None:
        return False
    if not all(access.covers(actor, role) for role in access.held(user)):
        return False
    seen = access.reachable(user, "view", access.entities().values())
    return all(
        access.limit(model, actor) is None
        or (bool(model.private) and access.unlimited(actor, "view", model))
        for model in seen
    )


def begin(session_id: int, user: User, actor: User) -> None:
    """Let one session of the actor's show what the user sees; said in the user's history.

    Source: S5

    Raises:
        Denied: the actor may not look as this user.
    """
    if not may(user, actor):
        raise Denied(N_("You may not look at it as this person."))
    _set(session_id, actor, user.id)
    records.note(user, actor, "viewed as", {})


def end(session_id: int, actor: User) -> None:
    """Let the session be the actor's own again; twice is once."""
    kept = db.session.get(UserSession, session_id)
    if kept is None or kept.user_id != actor.id or kept.viewing_as_id is None:
        return
    if (user := db.session.get(User, kept.viewing_as_id)) is not None:
        records.note(user, actor, "no longer viewed as", {})
    _set(session_id, actor, None)


def _set(session_id: int, actor: User, user_id: int | None) -> None:
    own = (UserSession.id == session_id, UserSession.user_id == actor.id)
    db.session.execute(update(UserSession).where(*own).values(viewing_as_id=user_id))


def viewed(user_id: int, actor: User) -> User | None:
    """Return as whom the actor looks, or None where they may no longer.

    Until the request ends, `records.transaction` refuses whatever is not about the session itself.
    """
    user = db.session.get(User, user_id)
    if user is None or not may(user, actor):
        return None
    db.session().info[READS_ONLY] = True
    return user
