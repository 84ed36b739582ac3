"""Sign-ins, kept in the database, so that each can be ended at once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.orm import load_only

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.configuration import ConfigurationStamp
from crm_admin.models.notifications import Notification
from crm_admin.models.users import User, UserSession
from crm_admin.services import configuration, organisation, records

#: How often a session's last use is noted.
NOTED_EVERY = timedelta(minutes=1)


#: The living session of a token, with its user, as far as every page needs them, and the
#: configuration's stamp: asked every time.
_FOUND = (
    select(
        UserSession.id,
        UserSession.seen_at,
        UserSession.viewing_as_id,
        User,
        select(ConfigurationStamp.value).scalar_subquery(),
        select(func.count(Notification.id))
        .where(Notification.user_id == UserSession.user_id, Notification.read_at.is_(None))
        .scalar_subquery(),
    )
    .join(User, User.id == UserSession.user_id)
    .where(
        UserSession.token_hash == bindparam("token"),
        UserSession.ended_at.is_(None),
        UserSession.expires_at > bindparam("now"),
        UserSession.seen_at > bindparam("unused_since"),
        User.is_active,
        User.deleted_at.is_(None),
    )
    .options(
        load_only(
            User.name,
            User.username,
            User.department_id,
            User.is_active,
            User.is_system,
            User.must_change_password,
            User.second_factor_at,
            User.language,
            User.time_zone,
            User.theme,
            User.version,
            User.deleted_at,
        )
    )
)


@dataclass(frozen=True)
class Limits:
    """How long a session lasts unused (`idle`) and at most (`longest`)."""

    idle: timedelta
    longest: timedelta


def open_session(user: User, address: str, agent: str, limits: Limits) -> str:
    """Sign the user in from one browser; return the token its cookie is to hold."""
    token, now = secrets.token_urlsafe(32), clock.now()
    with records.transaction("sign-in"):
        db.session.add(
            UserSession(
                token_hash=_hash(token),
                user_id=user.id,
                seen_at=now,
                expires_at=now + limits.longest,
                address=address[:64],
                agent=agent[:200],
            )
        )
    return token


@dataclass(frozen=True)
class Found:
    """A living session: its id, when its use was last noted, whose it is, and what waits there.

    `viewing_as_id` is as whom they look at the application, if as somebody else.
    """

    id: int
    seen_at: datetime
    viewing_as_id: int | None
    user: User
    unread: int


def find(token: str, limits: Limits) -> Found | None:
    """Return the living session of this token with its user, or None.

    Signing out, deactivation, a new password and time each end a session at the next request.
    """
    now = clock.now()
    asked = {"token": _hash(token), "now": now, "unused_since": now - limits.idle}
    row = db.session.execute(_FOUND, asked).first()
    if row is None:
        return None
    id, seen_at, viewing_as, user, stamp, unread = row
    configuration.remember(stamp)
    return Found(id, seen_at, viewing_as, user, unread)


def whose(token: str) -> int | None:
    """Return whose session this was, also when it has ended."""
    statement = select(UserSession.user_id).where(UserSession.token_hash == _hash(token))
    return db.session.scalar(statement)


def note_use(session: Found) -> bool:
    """Note that the session is in use, once a minute at most; return whether it was noted now.

    It writes in a short transaction of its own, before anything else of the request is read.
    """
    if clock.now() - session.seen_at < NOTED_EVERY:
        return False
    id, now = session.id, clock.now()
    with records.transaction("session"):
        statement = update(UserSession).where(UserSession.id == id)
        db.session.execute(statement.values(seen_at=now))
    return True


def end(actor: User, id: int) -> bool:
    """End one of the actor's own sessions; return whether there was one to end."""
    return _end(actor, UserSession.id == id) > 0


def end_elsewhere(user: User, actor: User, *, id: int | None = None, but: int | None = None) -> int:
    """End one of a user's sessions, or all except `but`, and say so in the history.

    Return how many ended.

    Raises:
        Denied: the user has rights that the actor lacks.
    """
    if actor.id != user.id:
        organisation.check_rank(user, actor)
    ended = _end(user, UserSession.id == id if id is not None else UserSession.id != (but or 0))
    if ended:
        records.note(user, actor, "session ended" if id is not None else "sessions ended", {})
    return ended


def _end(user: User, condition: ColumnElement[bool]) -> int:
    """End those of a user's living sessions for which the condition holds; return how many."""
    now = clock.now()
    living = update(UserSession).where(
        UserSession.user_id == user.id,
        UserSession.ended_at.is_(None),
        UserSession.expires_at > now,
        condition,
    )
    return int(db.session.execute(living.values(ended_at=now)).rowcount)  # type: ignore[attr-defined]


def renew(id: int) -> str:
    """Give a session another token, within a transaction; return it. The old one opens nothing."""
    token = secrets.token_urlsafe(32)
    renewed = update(UserSession).where(UserSession.id == id)
    db.session.execute(renewed.values(token_hash=_hash(token)))
    return token


def of(user: User, limits: Limits) -> Sequence[UserSession]:
    """Return a user's living sessions, the last used first."""
    now: datetime = clock.now()
    statement = select(UserSession).where(
        UserSession.user_id == user.id,
        UserSession.ended_at.is_(None),
        UserSession.expires_at > now,
        UserSession.seen_at > now - limits.idle,
    )
    return db.session.scalars(statement.order_by(UserSession.seen_at.desc())).all()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
