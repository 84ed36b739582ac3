"""The same installation in this process: which records to ask for, how many statements it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event, func, select

from app import create_app
from benchmarks.clients import Answer
from benchmarks.instances import Instance
from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.roles import Role
from crm_admin.models.users import User
from crm_admin.services import organisation, records, sessions

COUNTER = "credit_limit"


@dataclass(frozen=True)
class Subjects:
    """What the requests are about."""

    typical: int
    heaviest: int
    rare: str
    #: Who has seen it all, by id.
    writer: int
    common: str = "软件"
    absent: str = "查无此户"


@contextmanager
def opened(instance: Instance) -> Iterator[Flask]:
    """Open the installation in this process, within the application's context."""
    app = create_app(INSTANCE=str(instance.folder), DATABASE_URL="", TIMEZONE="Asia/Shanghai",
                     LANGUAGE="zh_Hans_CN", LOG_LEVEL="WARNING")  # fmt: skip
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def subjects() -> Subjects:
    """Choose a customer with fifteen interactions, the one with most, and what to search for."""
    count = func.count(Interaction.id)
    by_customer = select(Interaction.customer_id, count).group_by(Interaction.customer_id)
    rows = db.session.execute(by_customer.order_by(count.desc())).all()
    heaviest = rows[0][0]
    typical = min(rows, key=lambda row: (abs(row[1] - 15), row[0]))[0]
    rare = db.session.scalar(select(Customer.name).where(Customer.id == typical + 1)) or ""
    writer = organisation.by_username("sun.liping")
    assert writer is not None
    return Subjects(typical, heaviest, rare[:8], writer.id)


def hire(count: int) -> list[str]:
    """Make people of the back office who all see and edit everything; return their user names."""
    system = organisation.system()
    model = organisation.by_username("sun.liping")
    role = organisation.role("back_office")
    assert model is not None and role is not None
    names = [f"editor{number:02}" for number in range(count)]
    with records.transaction("demo"):
        for name in names:
            user = User(username=name, name=name, department_id=model.department_id, roles=[role])
            user.password_hash = model.password_hash
            records.save(user, system)
    return names


def limit(username: str) -> None:
    """Give a user one role: all customers but a few, by a condition, and limits of their fields."""
    system, user = organisation.system(), organisation.by_username(username)
    assert user is not None
    with records.transaction("demo"):
        role = Role(
            code="limited",
            label_en="Limited",
            grants={"customers": {"view": "all", "edit": "own", "export": "all"}},
            conditions={"customers": {"view": "stage != 'lapsed' or account_manager = me"}},
            fields={"customers": {"phone": "masked", "email": "hidden", "industry": "hidden"}},
            field_conditions={"customers": {"phone": "grade = 'A'"}},
        )
        records.save(role, system)
        user.roles = [role]
        records.save(user, system)


def sellers() -> list[tuple[int, str]]:
    """Return (id, user name) of those who sell, and then of their supervisors."""
    order = {"sales": 0, "supervisor": 1}
    users = db.session.scalars(select(User).where(User.is_active).order_by(User.id)).unique()
    found = [(order[r.code], u.id, u.username) for u in users for r in u.roles if r.code in order]
    return [(id, name) for _, id, name in sorted(found)]


class Inside:
    """A test client signed in as somebody; counts the statements of a request."""

    def __init__(self, app: Flask, username: str) -> None:
        from crm_admin.views.signing_in import limits

        user = organisation.by_username(username)
        assert user is not None
        token = sessions.open_session(user, "127.0.0.1", "benchmarks", limits())
        app.config["WTF_CSRF_ENABLED"] = False
        self.client = app.test_client()
        with self.client.session_transaction() as session:
            session["token"] = token

    def ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Answer:
        """Ask in no context but the request's own, and read the answer to its end there."""

        def asked() -> Answer:
            with self.client.open(path, method=method, data=fields) as answer:
                location = answer.headers.get("Location", "")
                return Answer(answer.status_code, answer.get_data(), 0, location)

        return Context().run(asked)

    def statements(self, method: str, path: str, fields: dict[str, Any] | None) -> int:
        """Return how many statements a request sends to the database."""
        seen = 0

        def count(*_: Any) -> None:
            nonlocal seen
            seen += 1

        event.listen(Engine, "before_cursor_execute", count)
        try:
            self.ask(method, path, fields)
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        return seen
