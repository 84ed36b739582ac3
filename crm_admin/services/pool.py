"""The pool: customers nobody looks after, taking them from it and putting them back. Source: A5"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, func, select, update

from crm_admin.database import ask, db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.i18n import N_
from crm_admin.models.customers import Assignment, Customer, Part
from crm_admin.models.handovers import LONGEST_REASON
from crm_admin.models.users import User
from crm_admin.services import access, changes, notifications, records
from crm_admin.services.notifications import Message

#: What narrows a list of customers to the pool.
NOBODYS = (("account_manager_id", None),)

_customers, _users = access.table_of(Customer), access.table_of(User)
_HELD = (
    select(func.count())
    .select_from(_customers)
    .where(
        _customers.c.account_manager_id == bindparam("person"), _customers.c.deleted_at.is_(None)
    )
)
_MANAGER = (
    select(_users.c.name)
    .select_from(_customers.join(_users, _users.c.id == _customers.c.account_manager_id))
    .where(_customers.c.id == bindparam("customer"), _customers.c.deleted_at.is_(None))
)


@dataclass
class Taken:
    """What somebody took from the pool, and what they did not get.

    `lost` holds who was quicker, once a customer; `missing` counts those that are not there, for
    all that the actor may know; `beyond` those past the actor's most, which is `most`.
    """

    names: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    missing: int = 0
    beyond: int = 0
    most: int = 0


def may_take(customer: Customer, actor: User) -> bool:
    """Return whether the actor could take this customer now, their number aside."""
    return customer.account_manager_id is None and access.may(customer, actor, "claim")


def openable(ids: Collection[int], actor: User) -> set[int]:
    """Return those of the customers whose page the actor may open."""
    if not ids or not access.allows(actor, "view", Customer):
        return set()
    seen = select(_customers.c.id).where(_customers.c.id.in_(ids), *access.rows(Customer, actor))
    return set(ask(seen).scalars())


def held_by(person_id: int) -> int:
    """Return how many living customers have this account manager."""
    return ask(_HELD, {"person": person_id}).scalar() or 0


def most_of(person: User, companys: int) -> int:
    """Return how many customers a person may have, as they or the company have it; 0: any."""
    return companys if person.customer_limit is None else person.customer_limit


def take(ids: Iterable[int], actor: User, *, most: int, names_manager: bool) -> Taken:
    """Make the actor the account manager of those that nobody looks after; within a transaction.

    Each customer is locked and read again, so that of several who want it one gets it: the others
    find its manager there. Were it otherwise, the index on open assignments would refuse it.

    Args:
        most: how many customers one person may have, by the company; 0 for any number.
        names_manager: whether who is too late is told who was quicker.

    Raises:
        Denied: the actor may take none at all.
    """
    if not access.allows(actor, "claim", Customer):
        raise Denied(N_("You have no right to do this."))
    _alone(actor)
    taken = Taken(most=most_of(actor, most))
    held = held_by(actor.id)
    names_manager = names_manager and access.readable(actor, Customer, "account_manager_id")
    for id in sorted(set(ids)):
        customer = records.claimed(Customer, id, actor, "claim")
        if customer is None or customer.account_manager_id is not None:
            tells = names_manager and customer is not None
            name = ask(_MANAGER, {"customer": id}).scalar() if tells else None
            taken.lost += [name] if name else []
            taken.missing += not name
        elif taken.most and held >= taken.most:
            taken.beyond += 1
        else:
            customer.account_manager_id = actor.id
            records.save(customer, actor, action="claimed")
            held += 1
            taken.names.append(customer.name)
            taken.ids.append(id)
    return taken


def _alone(actor: User) -> None:
    """Let nobody else take customers for the same person until the transaction ends.

    SQLite has locked the database already; PostgreSQL locks the person's row, which leaves those
    who only point at it alone.
    """
    person = select(_users.c.id).where(_users.c.id == actor.id)
    ask(person.with_for_update(key_share=True))


def may_release(customer: Customer, actor: User) -> bool:
    """Return whether the actor may put this customer back into the pool. Source: A5"""
    if customer.account_manager_id is None:
        return False
    own = customer.account_manager_id == actor.id and access.allows(actor, "claim", Customer)
    return own or access.may(customer, actor, "assign")


def release(customer: Customer, reason: str, actor: User, *, manager_id: int | None) -> None:
    """Put a customer back into the pool; within a transaction.

    Args:
        manager_id: who looked after it when the actor decided so.

    Raises:
        Invalid: there is no reason. Denied: no right. Conflict: somebody else looks after it now.
    """
    reason = reason.strip()
    if problems := [*changes.reason_problems(reason, LONGEST_REASON)]:
        raise Invalid(problems)
    records.claim(customer, actor, "view")
    former = customer.account_manager_id
    if former is None or former != manager_id:
        raise Conflict(N_("Somebody else changed who looks after it meanwhile."))
    if not may_release(customer, actor):
        raise Denied(N_("You have no right to do this."))
    last = select(func.max(Assignment.id)).where(
        Assignment.customer_id == customer.id, Assignment.part == Part.ACCOUNT_MANAGER
    )
    ended = db.session.scalar(last)
    customer.account_manager_id = None
    records.save(customer, actor, action="released", reason=reason)
    db.session.execute(update(Assignment).where(Assignment.id == ended).values(end_reason=reason))
    _tell(customer, former, reason, actor)


def _tell(customer: Customer, former: int, reason: str, actor: User) -> None:
    """Tell who looked after the customer, unless they put it back themselves."""
    values = {"by": actor.name, "customer": customer.name, "reason": reason}
    text = N_("%(by)s put %(customer)s back into the pool. Reason: %(reason)s")
    key = f"released:{customer.id}:{customer.version}"
    messages: Sequence[Message] = [Message(former, key, "handover", text, values)]
    notifications.notify_all(messages if former != actor.id else ())
