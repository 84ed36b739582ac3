"""Interactions: what must hold of one that is written down, and what a new one begins with."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, select

from crm_admin import clock
from crm_admin.database import WRITES, ask, db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import access, changes, listing, next_steps, records, zones

#: Clocks differ a little.
AHEAD = timedelta(minutes=15)
#: How many of the last ones are in view while a new one is written.
LAST = 6


@records.prepare.register
def _prepare(record: Interaction, actor: User) -> None:
    """Refuse another customer's people, and what has not happened yet; note the day of writing.

    What a file brings was written down elsewhere, on whatever day: nobody has to close it.
    Source: B2, B6
    """
    if record.contact_id is not None and record.customer_id is not None:
        contact = db.session.get(Contact, record.contact_id)
        if contact is not None and contact.customer_id != record.customer_id:
            message = N_("This contact belongs to another customer.")
            raise Invalid([Problem("contact_id", message)])
    changed = changes.of(record)
    if changed.keys() & {"guests", "customer_id"} and any(
        guest.customer_id != record.customer_id for guest in record.guests
    ):
        raise Invalid([Problem("guests", N_("Somebody of these belongs to another customer."))])
    at = record.happened_at  # where it is missing, that is said with all else that is
    if "happened_at" in changed and at is not None and at > clock.now() + AHEAD:
        message = N_("This moment is still to come. Plans belong under “Next step”.")
        raise Invalid([Problem("happened_at", message)])
    if record.id is None and record.written_on is None:
        brought = str(db.session.info.get(WRITES, "")).startswith("import")
        record.written_on = None if brought else zones.today()


@records.follow_up.register
def _follow_up(record: Interaction, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Let the task of its next step follow."""
    next_steps.follow(record, changed, actor)


#: What is shown of the last ones; the day and who said it come first.
SHOWN = ("happened_at", "author", "kind", "content", "effect", "next_step")


def last_with(customer: Customer, actor: User) -> list[dict[str, Any]]:
    """Return the last interactions with a customer, by anyone the actor may see, newest first.

    Each is {"id": id, field: value} of those of `SHOWN` that the actor sees whole. Source: B6
    """
    if not access.allows(actor, "view", Interaction):
        return []
    if not access.readable(actor, Interaction, "customer_id"):
        return []
    keys = [key for key in SHOWN if access.readable(actor, Interaction, key)]
    found = listing.related(Interaction, actor, "customer_id", customer.id, keys, LAST)
    return [{"id": row[0], **dict(zip(keys, row[1:], strict=True))} for row in found]


def begin(record: Interaction, actor: User) -> None:
    """Fill in what most likely holds of a new interaction with a customer.

    The kind and the place are those of the actor's last one with them, else the place is where the
    customer is; the contact is the primary one. Only what the actor may see and fill in.
    """
    customer = record.customer
    if customer is None:
        return
    before = ask(_own_last(), {"customer": customer.id, "author": actor.id}).one_or_none()
    kind, place = before if before is not None else (None, None)
    if record.kind is None and _may_fill(actor, "kind"):
        record.kind = kind
    if record.place is None and _may_fill(actor, "place"):
        seen = [k for k in ("city", "address") if access.readable(actor, Customer, k, customer)]
        there = " ".join(filter(None, (getattr(customer, key) for key in seen)))
        record.place = (place or there)[:200] or None
    if record.contact is None and _may_fill(actor, "contact_id"):
        record.contact = primary_contact(customer, actor)


def primary_contact(customer: Customer, actor: User) -> Contact | None:
    """Return the customer's primary contact, else its only one, as far as the actor may choose."""
    theirs = access.visible(Contact, actor, "lookup").where(Contact.customer_id == customer.id)
    found = access.fetch(theirs.order_by(Contact.is_primary.desc(), Contact.id).limit(2))
    if not found or not access.readable(actor, Contact, "customer_id"):
        return None
    return found[0] if len(found) == 1 or found[0].is_primary else None


def _may_fill(actor: User, key: str) -> bool:
    seen = access.readable(actor, Interaction, key)
    return seen and access.writable(actor, Interaction, key)


def _own_last() -> Select[Any]:
    table = access.table_of(Interaction)
    mine = (table.c.customer_id == bindparam("customer"), table.c.author_id == bindparam("author"))
    statement = select(table.c.kind, table.c.place).where(*mine, table.c.deleted_at.is_(None))
    return statement.order_by(table.c.happened_at.desc(), table.c.id.desc()).limit(1)
