"""What an account has beside its password: a second factor, and links that work once."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.models.types import State


class SecondFactor(Model):
    """The secret that a user's phone makes codes from, sealed.

    `last_step` is the half minute of the last code that was used, so that none works twice.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    sealed_secret: Mapped[str] = mapped_column(Text)
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Model):
    """A code that stands in once for a lost phone; only its hash is kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class Purpose(State):
    """What a token is good for, and for nothing else."""

    RESET = "reset", N_("New password by mail")
    INVITATION = "invitation", N_("Invitation")
    SECOND_STEP = "second_step", N_("Second step of signing in")


class AccountToken(Model):
    """A secret that does one thing once, for one user; only its hash is kept.

    `used_at` says that it did, `ended_at` that it was withdrawn or replaced before.
    """

    __tablename__ = "account_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    purpose: Mapped[Purpose]
    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    mailed: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
