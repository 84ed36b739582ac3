"""What is forgotten after a time: sessions, tries to sign in, forms that were sent."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.configuration import SentForm
from crm_admin.models.users import SignInAttempt, UserSession

SESSIONS, TRIES, FORMS = timedelta(days=30), timedelta(days=30), timedelta(days=2)


def forget_old() -> int:
    """Remove rows past their time, within the caller's transaction; return how many."""
    now = clock.now()
    old: list[Any] = [
        delete(UserSession).where(
            or_(UserSession.expires_at < now - SESSIONS, UserSession.ended_at < now - SESSIONS)
        ),
        delete(SignInAttempt).where(SignInAttempt.tried_at < now - TRIES),
        delete(SentForm).where(SentForm.created_at < now - FORMS),
    ]
    gone: list[Any] = [db.session.execute(one) for one in old]
    return sum(result.rowcount for result in gone)
