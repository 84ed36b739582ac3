"""Interactions: who wrote one down, and what passed with a customer before."""

from collections.abc import Sequence

from sqlalchemy.orm import joinedload

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import access, records


@records.prepare.register
def _prepare(record: Interaction, actor: User) -> None:
    """Refuse another customer's contact."""
    if record.contact_id is not None and record.customer_id is not None:
        contact = db.session.get(Contact, record.contact_id)
        if contact is not None and contact.customer_id != record.customer_id:
            message = N_("This contact belongs to another customer.")
            raise Invalid([Problem("contact_id", message)])


def latest(customer: Customer, actor: User, limit: int) -> Sequence[Interaction]:
    """Return the last interactions with a customer that the actor may see. Source: B6"""
    statement = (
        access.visible(Interaction, actor)
        .where(Interaction.customer_id == customer.id)
        .options(joinedload(Interaction.author).load_only(User.name))
        .order_by(Interaction.happened_at.desc(), Interaction.id.desc())
    )
    return access.fetch(statement.limit(limit))
