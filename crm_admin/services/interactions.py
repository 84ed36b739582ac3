"""Interactions: what must hold of one that is written down."""

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contacts import Contact
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import records


@records.prepare.register
def _prepare(record: Interaction, actor: User) -> None:
    """Refuse another customer's contact."""
    if record.contact_id is not None and record.customer_id is not None:
        contact = db.session.get(Contact, record.contact_id)
        if contact is not None and contact.customer_id != record.customer_id:
            message = N_("This contact belongs to another customer.")
            raise Invalid([Problem("contact_id", message)])
