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

    user: Mapped[User] = relationship()


class SignInAttempt(Model):
    """One try to sign in, kept to slow down guessing; the name is kept only as a hash."""

    __tablename__ = "sign_in_attempts"

    name_hash: Mapped[str] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(index=True)
    tried_at: Mapped[datetime] = mapped_column(index=True)
    succeeded: Mapped[bool]
