"""Contacts: a customer has one primary contact at most."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.users import User
from crm_admin.services import records


@records.follow_up.register
def _follow_up(record: Contact, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Let the newly primary contact take the place of the one before."""
    if not record.is_primary or not changed.keys() & {"is_primary", "customer_id"}:
        return
    others = records.alive(Contact).where(
        Contact.customer_id == record.customer_id,
        Contact.id != record.id,
        Contact.is_primary,
    )
    for other in db.session.scalars(others):
        other.is_primary = False
        records.save(other, actor, action="changed")


def primary_of(customer_id: int) -> Contact | None:
    """Return a customer's primary contact, else its first, or None where it has none."""
    statement = select(Contact).where(
        Contact.customer_id == customer_id, Contact.deleted_at.is_(None)
    )
    return db.session.scalar(statement.order_by(Contact.is_primary.desc(), Contact.id).limit(1))
