"""The people who sign in, and the sessions they have open."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin.errors import Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Model, Record, field, unique_alive
from crm_admin.models.departments import Department
from crm_admin.models.roles import Role
from crm_admin.models.types import State

user_roles = Table(
    "user_roles",
    Model.metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("role_id", ForeignKey("roles.id"), primary_key=True, index=True),
)


class User(Record):
    """Someone who signs in; the four attributes below are what Flask-Login asks of a user.

    One of them, the system, never signs in: what jobs and commands do is done in its name.
    """

    __tablename__ = "users"
    search_keys = ("name", "username", "job_title", "email", "phone")
    __table_args__ = (unique_alive("username"),)
    singular, plural = N_("User"), N_("Users")
    configures = True
    detail = "department"
    is_authenticated = True
    is_anonymous = False

    username: Mapped[str] = field(label=N_("User name"), help=N_("What they type to sign in."))
    name: Mapped[str] = field(label=N_("Full name"))
    email: Mapped[str | None] = field(label=N_("E-mail"), kind="email")
    phone: Mapped[str | None] = field(label=N_("Phone"), kind="phone")
    job_title: Mapped[str | None] = field(label=N_("Job title"))
    department_id: Mapped[int | None] = field(
        ForeignKey("departments.id"), label=N_("Department"), index=True
    )
    is_active: Mapped[bool] = field(label=N_("May sign in"), default=True)
    customer_limit: Mapped[int | None] = field(
        label=N_("Most customers"),
        help=N_(
            "How many customers they may have when they take one from the pool. Empty: as many as "
            "the company allows; 0: any number."
        ),
    )
    is_system: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_changed_at: Mapped[datetime | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    #: Since when signing in asks for a code as well; none: it does not.
    second_factor_at: Mapped[datetime | None]
    language: Mapped[str | None] = mapped_column()
    time_zone: Mapped[str | None] = mapped_column()
    theme: Mapped[str] = mapped_column(default="system")

    department: Mapped[Department | None] = relationship()
    roles: Mapped[list[Role]] = relationship(
        secondary=user_roles, order_by=Role.id, info={"label": N_("Roles")}
    )

    def problems(self) -> Iterator[Problem]:
        if self.customer_limit is not None and not 0 <= self.customer_limit <= 1_000_000:
            yield Problem("customer_limit", N_("Say a number from 0 to 1,000,000."))

    def locked(self) -> str:
        return N_("This is the system itself; nobody can change it.") if self.is_system else ""

    def get_id(self) -> str:
        """Return the key Flask-Login asks for."""
        return str(self.id)


class UserSession(Model):
    """One sign-in, from one browser. Its cookie holds the token; here only the token's hash is."""

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    address: Mapped[str]
    agent: Mapped[str]
    #: As whom the application is looked at, without changing anything.
    viewing_as_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    user: Mapped[User] = relationship(foreign_keys=[user_id])


class TryKind(State):
    """What somebody tried, which the history of sign-ins tells together with how it went."""

    PASSWORD = "password", N_("Password")
    #: The password was right, and a code was asked for.
    FIRST_STEP = "first_step", N_("Password, first of two steps")
    CODE = "code", N_("One-time code")
    RECOVERY_CODE = "recovery_code", N_("Recovery code")
    #: The password again, by who is signed in.
    CONFIRMATION = "confirmation", N_("Password asked again")
    RESET = "reset", N_("New password by mail")


class SignInAttempt(Model):
    """One try to sign in, kept to slow down guessing and to tell its user of it.

    The name that was typed is kept only as a hash; of a name that nobody has, nothing else is.
    """

    __tablename__ = "sign_in_attempts"

    name_hash: Mapped[str] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(index=True)
    tried_at: Mapped[datetime] = mapped_column(index=True)
    succeeded: Mapped[bool]
    kind: Mapped[TryKind] = mapped_column(default=TryKind.PASSWORD)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    agent: Mapped[str] = mapped_column(default="")
