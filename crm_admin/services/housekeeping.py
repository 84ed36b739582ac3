"""What is forgotten after a time: sessions, tries to sign in, links, mail, forms that were sent."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.accounts import AccountToken, Purpose
from crm_admin.models.configuration import SentForm
from crm_admin.models.outbox import Letter
from crm_admin.models.users import SignInAttempt, UserSession

SESSIONS, TRIES, FORMS = timedelta(days=30), timedelta(days=30), timedelta(days=2)
TOKENS, LETTERS = timedelta(days=2), timedelta(days=30)


def forget_old() -> int:
    """Remove rows past their time, within the caller's transaction; return how many."""
    now = clock.now()
    old: list[Any] = [
        delete(UserSession).where(
            or_(UserSession.expires_at < now - SESSIONS, UserSession.ended_at < now - SESSIONS)
        ),
        delete(SignInAttempt).where(SignInAttempt.tried_at < now - TRIES),
        # Of invitations a user's page tells how they stand.
        delete(AccountToken).where(
            AccountToken.expires_at < now - TOKENS, AccountToken.purpose != Purpose.INVITATION
        ),
        delete(Letter).where(or_(Letter.sent_at < now - LETTERS, Letter.failed_at < now - LETTERS)),
        delete(SentForm).where(SentForm.created_at < now - FORMS),
    ]
    gone: list[Any] = [db.session.execute(one) for one in old]
    return sum(result.rowcount for result in gone)
