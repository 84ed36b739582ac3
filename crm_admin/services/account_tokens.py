"""Links and steps that work once: each token is for one user and one purpose, and runs out."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.accounts import AccountToken, Purpose
from crm_admin.models.users import User

#: How long each lives. A code must follow its password soon; an invitation may lie over a weekend.
LIFE = {
    Purpose.RESET: timedelta(minutes=30),
    Purpose.INVITATION: timedelta(hours=72),
    Purpose.SECOND_STEP: timedelta(minutes=10),
}


def make(user: User, purpose: Purpose, actor: User | None = None, *, mailed: bool = False) -> str:
    """Return a new token of 256 bits, within a transaction; the last one of the purpose ends.

    The token itself is kept nowhere. A second step replaces no other: each browser has its own.
    """
    token, now = secrets.token_urlsafe(32), clock.now()
    if purpose != Purpose.SECOND_STEP:
        end(user, purpose)
    db.session.add(
        AccountToken(
            user_id=user.id,
            purpose=purpose,
            token_hash=_hash(token),
            expires_at=now + LIFE[purpose],
            mailed=mailed,
            created_by_id=actor and actor.id,
        )
    )
    db.session.flush()
    return token


def owner(token: str, purpose: Purpose) -> User | None:
    """Return whose living token this is, or None: also for one who may no longer sign in."""
    statement = (
        select(User)
        .join(AccountToken, AccountToken.user_id == User.id)
        .where(
            AccountToken.token_hash == _hash(token),
            AccountToken.purpose == purpose,
            AccountToken.used_at.is_(None),
            AccountToken.ended_at.is_(None),
            AccountToken.expires_at > clock.now(),
            User.is_active,
            User.is_system.is_(False),
            User.deleted_at.is_(None),
        )
    )
    return db.session.scalar(statement)


def use(token: str, purpose: Purpose) -> User | None:
    """Use a token up, within a transaction; return whose it was, or None where it does not live.

    Of two who use it at the same moment one gets None.
    """
    user = owner(token, purpose)
    if user is None:
        return None
    unused = update(AccountToken).where(
        AccountToken.token_hash == _hash(token), AccountToken.used_at.is_(None)
    )
    used = db.session.execute(unused.values(used_at=clock.now()))
    return user if used.rowcount else None  # type: ignore[attr-defined]


def end(user: User, purpose: Purpose) -> bool:
    """End a user's living tokens of a purpose; return whether there was one."""
    return _end(AccountToken.user_id == user.id, AccountToken.purpose == purpose)


def end_all(user: User) -> bool:
    """End all of a user's tokens, as when their password has changed."""
    return _end(AccountToken.user_id == user.id)


def end_everybodys() -> None:
    """End all tokens there are: a backup holds some that were used since it was made."""
    _end()


def _end(*conditions: ColumnElement[bool]) -> bool:
    living = update(AccountToken).where(
        AccountToken.used_at.is_(None), AccountToken.ended_at.is_(None), *conditions
    )
    return bool(db.session.execute(living.values(ended_at=clock.now())).rowcount)  # type: ignore[attr-defined]


def last(user: User, purpose: Purpose) -> AccountToken | None:
    """Return the last token of a purpose that was made for a user, living or not."""
    statement = select(AccountToken).where(
        AccountToken.user_id == user.id, AccountToken.purpose == purpose
    )
    return db.session.scalar(statement.order_by(AccountToken.id.desc()).limit(1))


def made_since(user: User, purpose: Purpose, since: datetime) -> int:
    """Return how many tokens of a purpose were made for a user since then."""
    statement = select(AccountToken.id).where(
        AccountToken.user_id == user.id,
        AccountToken.purpose == purpose,
        AccountToken.created_at > since,
    )
    return len(db.session.scalars(statement).all())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
