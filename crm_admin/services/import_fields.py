"""The columns a file may have: fields by their name, their labels and what else they are called."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import inspect

from crm_admin.i18n import N_
from crm_admin.models.base import Customizable, Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import access
from crm_admin.services.changes import CUSTOM
from crm_admin.services.import_values import in_all_languages, plain

#: What `flask import` reads, by the word it is asked with.
ENTITIES: dict[str, type[Record]] = {
    "customers": Customer,
    "contacts": Contact,
    "contracts": Contract,
    "users": User,
}
#: What a customer's row says of its primary contact begins with this.
CONTACT = "contact."
#: Given by the system, but a file may name a record by it.
NUMBER = "number"
_OF_CONTACT = (
    *("name", "gender", "department", "job_title", "decision_part"),
    *("phone", "mobile", "email", "im", "birthday", "notes"),
)
_GAPS = re.compile(r"[\s_\-*:.()/]+")

#: {entity: {field: other names}}
Aliases = Mapping[str, Mapping[str, list[str]]]


def read_aliases(file: Path) -> Aliases:
    """Return the other names under which files have the fields."""
    with file.open("rb") as text:
        return tomllib.load(text)


def short(name: str) -> str:
    """Return a column's name as names are compared: small letters, without gaps."""
    return _GAPS.sub("", plain(name).casefold())


def fields(model: type[Record]) -> dict[str, str]:
    """Return {field: its label} of all that a file may hold for an entity."""
    found = {
        key: column.info["label"]
        for key, column in inspect(model).columns.items()
        if column.info.get("label") and (key == NUMBER or not column.info.get("given"))
    }
    if model is User:
        found["roles"] = N_("Roles")
    if model is Customer:
        columns = inspect(Contact).columns
        found |= {CONTACT + key: columns[key].info["label"] for key in _OF_CONTACT}
    return found


def owner_of(model: type[Record], field: str) -> tuple[type[Record], str]:
    """Return the entity a field of a row belongs to, and its key there."""
    if field.startswith(CONTACT):
        return Contact, field.removeprefix(CONTACT)
    return model, field


def named(model: type[Record], name: str, aliases: Aliases) -> str | None:
    """Return the field that a mapping file or a column names, or None."""
    if name.startswith(CUSTOM) and issubclass(model, Customizable):
        return name
    for tier in tiers(model, aliases):
        if field := tier.get(short(name)):
            return field
    return None


def tiers(model: type[Record], aliases: Aliases) -> list[dict[str, str]]:
    """Return {short name: field} three times, the surest first: names, labels, others."""
    keys: dict[str, str] = {}
    said: dict[str, str] = {}
    for field, label in fields(model).items():
        part, key = owner_of(model, field)
        prefix = CONTACT if field.startswith(CONTACT) else ""
        for way in {key, part.form_key(key)}:
            keys.setdefault(short(prefix + way), field)
        if not prefix:
            for way in in_all_languages(label):
                said.setdefault(short(way), field)
    others = {
        short(name): field
        for field, names in aliases.get(model.__tablename__, {}).items()
        for name in names
    }
    return [keys, said, others]


def label_of(model: type[Record], field: str) -> str:
    """Return what people call a field."""
    part, key = owner_of(model, field)
    return str(access.field_info(part, key).get("label") or fields(model).get(field, field))


def relation_of(model: type[Record], field: str) -> type[Record] | None:
    """Return the entity that a field points at, or None for plain fields."""
    part, key = owner_of(model, field)
    column = inspect(part).columns.get(key)
    if column is None or not column.foreign_keys:
        return None
    return access.target_of(part, key)


def relations(model: type[Record], used: Iterator[str]) -> dict[str, type[Record]]:
    """Return {field: the entity it points at} of those among the used fields that point."""
    found = ((field, relation_of(model, field)) for field in used)
    return {field: target for field, target in found if target is not None}
