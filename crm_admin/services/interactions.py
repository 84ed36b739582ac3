"""Interactions: what must hold of one that is written down."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contacts import Contact
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import changes, next_steps, records

#: Clocks differ a little.
AHEAD = timedelta(minutes=15)


@records.prepare.register
def _prepare(record: Interaction, actor: User) -> None:
    """Refuse another customer's contact, and what has not happened yet. Source: B6"""
    if record.contact_id is not None and record.customer_id is not None:
        contact = db.session.get(Contact, record.contact_id)
        if contact is not None and contact.customer_id != record.customer_id:
            message = N_("This contact belongs to another customer.")
            raise Invalid([Problem("contact_id", message)])
    if "happened_at" in changes.of(record) and record.happened_at > clock.now() + AHEAD:
        message = N_("This moment is still to come. Plans belong under “Next step”.")
        raise Invalid([Problem("happened_at", message)])


@records.follow_up.register
def _follow_up(record: Interaction, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Let the task of its next step follow."""
    next_steps.follow(record, changed, actor)
