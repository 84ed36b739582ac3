"""What a new installation starts with: roles, picklists, rules, the system and an administrator."""

import tomllib
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crm_admin import i18n
from crm_admin.database import db
from crm_admin.i18n import N_
from crm_admin.models.configuration import NumberSeries
from crm_admin.models.departments import Department
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.models.roles import ADMINISTRATOR, Role
from crm_admin.models.rules import Rule
from crm_admin.models.users import User
from crm_admin.services import numbers, organisation, passwords, records

_LABELS = {"en": "label_en", "zh_hans": "label_zh_hans", "zh_hant": "label_zh_hant"}


def prepare(folder: Path, password: str | None = None, language: str = "en") -> str | None:
    """Add what is missing of what is shipped; return the first administrator's password if new.

    Args:
        folder: where roles.toml, rules.toml and picklists/*.toml are.
        password: the administrator's, else a random one.
        language: the company's, in which the first department and user are named.
    """
    i18n.use_language(language)
    with records.transaction("setup"):
        system = db.session.scalar(select(User).where(User.is_system))
        is_new = system is None
        if system is None:
            system = User(username="system", name="System", is_system=True, is_active=False)
            records.save(system, system_itself(system), action="created")
        _add_series()
        _add_roles(folder / "roles.toml", system)
        for file in sorted((folder / "picklists").glob("*.toml")):
            _add_picklist(file, system)
        if is_new:
            _add_rules(folder / "rules.toml", system)
        return _add_administrator(system, password)


def system_itself(system: User) -> User:
    """Return the system as the actor of its own making: written at once, so that it has an id."""
    system.created_by_id = None
    db.session.add(system)
    db.session.flush()  # the history names it by its id
    return system


def _add_series() -> None:
    known = set(db.session.scalars(select(NumberSeries.entity)))
    db.session.add_all(
        NumberSeries(entity=entity, next_number=1) for entity in numbers.prefixes().keys() - known
    )


def _add_roles(file: Path, system: User) -> None:
    known = set(db.session.scalars(select(Role.code)))
    for code, row in _read(file).items():
        if code not in known:
            labels = {_LABELS[k]: v for k, v in row["label"].items()}
            records.save(Role(code=code, grants=row["grants"], **labels), system)


def _add_picklist(file: Path, system: User) -> None:
    """Add a shipped picklist unless one of its code exists; its items are then the company's."""
    content = _read(file)
    if db.session.scalar(select(Picklist.id).where(Picklist.code == file.stem)):
        return
    picklist = Picklist(code=file.stem, **{_LABELS[k]: v for k, v in content["label"].items()})
    records.save(picklist, system)
    for position, item in enumerate(content["items"]):
        labels = {_LABELS[k]: item[k] for k in _LABELS if k in item}
        row = PicklistItem(
            picklist_id=picklist.id,
            code=item["code"],
            position=(position + 1) * 10,
            colour=item.get("colour"),
            **labels,
        )
        records.save(row, system)


def _add_rules(file: Path, system: User) -> None:
    for row in _read(file)["rules"]:
        records.save(Rule(**row), system)


def _add_administrator(system: User, password: str | None) -> str | None:
    """Make the user `admin` in the first department where nobody can administer."""
    if organisation.administrators():
        return None
    department = db.session.scalar(records.alive(Department).order_by(Department.id).limit(1))
    if department is None:
        department = Department(code="HQ", name=i18n.say(N_("Headquarters")), kind="headquarters")
        records.save(department, system)
    role = organisation.role(ADMINISTRATOR)
    user = User(username="admin", name=i18n.say(N_("Administrator")), department_id=department.id)
    user.roles = [role] if role else []
    records.save(user, system)
    chosen = password or passwords.generate()
    passwords.set_password(user, chosen, system)
    user.must_change_password = False
    return chosen


def _read(file: Path) -> dict[str, Any]:
    with file.open("rb") as text:
        return tomllib.load(text)
