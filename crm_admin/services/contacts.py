"""Contacts: a customer has one primary contact at most."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import records


@records.follow_up.register
def _follow_up(record: Contact, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Let the primary contact that was just written, or restored, be the only one.

    The customer's row is locked, so that of two at the same time the later one stays.
    """
    if not record.is_primary or record.deleted_at is not None:
        return
    customer = select(Customer.id).where(Customer.id == record.customer_id)
    db.session.execute(customer.with_for_update(key_share=True))  # others may still point at it
    others = records.alive(Contact).where(
        Contact.customer_id == record.customer_id,
        Contact.id != record.id,
        Contact.is_primary,
    )
    for other in db.session.scalars(others):
        other.is_primary = False
        records.save(other, actor, action="changed")
