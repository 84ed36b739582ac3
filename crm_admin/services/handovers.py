"""Handing customers over to somebody else, with a reason, and what goes along with them.

Contacts and what else follows a customer goes along by itself, since rights follow the customer.
What has an owner of its own and names it in `goes_along`, as contracts do, gets the new one.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from crm_admin.database import ask, db
from crm_admin.errors import CrmError, Invalid, Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.customers import Assignment, Customer, Part
from crm_admin.models.handovers import LONGEST_REASON, HandedOver, Handover
from crm_admin.models.users import User
from crm_admin.services import access, changes, handover_plans, notifications, records
from crm_admin.services.handover_plans import Item
from crm_admin.services.notifications import Message

_TO_ONE = N_("%(by)s handed %(customer)s over to you. Reason: %(reason)s")
_TO_MANY = N_("%(by)s handed %(count)s customers over to you. Reason: %(reason)s")
_FROM_ONE = N_("%(by)s handed %(customer)s over from you to %(to)s. Reason: %(reason)s")
_FROM_MANY = N_("%(by)s handed %(count)s of your customers over to %(to)s. Reason: %(reason)s")
_GONE = N_("This record is no longer there.")


_assignments = access.table_of(Assignment)
#: Done for every customer, so it is put together once.
_EXPLAIN = (
    update(_assignments)
    .where(
        _assignments.c.customer_id == bindparam("customer"),
        _assignments.c.part.in_(bindparam("parts", expanding=True)),
        _assignments.c.until_at.is_(None),
    )
    .values(reason=bindparam("why"), handover_id=bindparam("act"))
)


class Refusal(NamedTuple):
    """A customer that stays where it is, and why; without a name for who may not see it."""

    customer: str
    problem: Problem


@dataclass
class Outcome:
    """What a handover did: how many customers, what went along, and what was refused."""

    handover_id: int | None = None
    customers: int = 0
    along: Counter[type[Record]] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add what another transaction of the same act did."""
        self.handover_id = other.handover_id
        self.customers += other.customers
        self.along += other.along
        self.refused += other.refused

    def failed(self, customers: int, error: CrmError) -> None:
        """Note that a transaction was refused as a whole, unless it was the first of all.

        Raises:
            CrmError: it was; so nothing has happened.
        """
        if not self.customers:
            raise error
        said = {"count": customers, "reason": Label(error.text())}
        message = N_("%(count)s customers: %(reason)s")
        self.refused.append(Refusal("", Problem("", message, said)))


_NOT_YOURS = N_("What you may only as a deputy, you cannot take yourself.")


def check(items: Sequence[Item], to: User | None, reason: str, actor: User) -> None:
    """Refuse a person who cannot look after customers, and a handover without a reason.

    Raises:
        Invalid: what is wrong, beside "to" or "reason".
    """
    problems = []
    if to is None or not access.may(to, actor, "lookup"):
        problems.append(Problem("to", N_("Please choose somebody.")))
    elif to.is_system or not to.is_active or to.deleted_at is not None:
        problems.append(Problem("to", N_("%(name)s may not sign in."), {"name": to.name}))
    elif not access.allows(to, "view", Customer):
        problems.append(Problem("to", N_("%(name)s may not see customers."), {"name": to.name}))
    elif to.id == actor.id and not _theirs_to_keep(items, actor):
        problems.append(Problem("to", _NOT_YOURS))
    elif items and all(item.from_id == to.id for item in items):
        problems.append(Problem("to", N_("%(name)s looks after them already."), {"name": to.name}))
    problems += changes.reason_problems(reason, LONGEST_REASON)
    if problems:
        raise Invalid(problems)


def _theirs_to_keep(items: Sequence[Item], actor: User) -> bool:
    """Return whether the actor may assign all of these by rights of their own, not as a deputy."""
    if all(one.person.id == actor.id for one in access.grants_of(actor, "assign", Customer)):
        return True
    customers = (db.session.get(Customer, item.customer_id) for item in items)
    return all(one is None or access.may_as_self(one, actor, "assign") for one in customers)


def hand_over(items: Sequence[Item], to: User, reason: str, actor: User, source: str) -> Outcome:
    """Give the parts to another person, at most CHUNK records a transaction. Source: A6

    What somebody else has changed since the items were read stays and is named among the refused;
    a customer goes with all that goes along, or not at all.

    Raises:
        Invalid: nobody can be given them; see `check`.
    """
    outcome, reason = Outcome(), reason.strip()
    check(items, to, reason, actor)
    for chunk in handover_plans.chunks(items):
        part = Outcome(outcome.handover_id)
        try:
            with records.transaction(source):
                check(chunk, to, reason, actor)  # rights may be others by now
                _Act(part, to, reason, actor).do(chunk)
        except CrmError as error:
            outcome.failed(len({item.customer_id for item in chunk}), error)
        else:
            outcome.add(part)
    return outcome


class _Act:
    """The handing over of one chunk, within its transaction."""

    def __init__(self, outcome: Outcome, to: User, reason: str, actor: User) -> None:
        self.outcome, self.to, self.reason, self.actor = outcome, to, reason, actor
        self.lost: dict[int, list[Customer]] = defaultdict(list)
        self.moved: list[dict[str, Any]] = []

    def do(self, chunk: Sequence[Item]) -> None:
        """Hand over what is still as it was read, note it, and tell those concerned."""
        grouped = handover_plans.by_customer(chunk)
        found = {c.id: c for c in _locked_customers(list(grouped), self.actor)}
        along = _locked_along(grouped, {item.from_id for item in chunk})
        done: list[Customer] = []
        if self.outcome.handover_id is None:
            self.outcome.handover_id = _begin(self.to, self.reason, self.actor)
        for customer_id, items in grouped.items():
            customer = found.get(customer_id)
            if customer is None:
                self.outcome.refused.append(Refusal("", Problem("", _GONE)))
            elif wanted := self._unchanged(customer, items):
                done += self._hand_over(customer, wanted, along.get(customer_id, []))
        self._note()
        if done:
            self._tell(done)

    def _unchanged(self, customer: Customer, items: list[Item]) -> list[Item]:
        """Return the parts that still are whose they were; refuse the others."""
        wanted = []
        for item in items:
            holder = getattr(customer, f"{item.part}_id")
            if holder == self.to.id:
                message, said = N_("%(name)s looks after it already."), {"name": self.to.name}
            elif holder != item.from_id:
                message, said = N_("Somebody else changed who looks after it meanwhile."), {}
            elif not handover_plans.may(self.actor, item.part):
                message, said = N_("You may not change this."), {}
            else:
                wanted.append(item)
                continue
            self.outcome.refused.append(Refusal(customer.name, Problem("", message, said)))
        return wanted

    def _hand_over(
        self, customer: Customer, items: list[Item], others: list[Record]
    ) -> list[Customer]:
        """Give one customer and what goes along to the new person; nothing where it is refused."""
        moved, gone = [], list[Record]()
        own = {item.from_id for item in items if item.from_id is not None}
        try:
            with db.session.begin_nested():
                for item in items:
                    moved.append(_moved(customer, customer.id, f"{item.part}_id", item.from_id))
                    setattr(customer, f"{item.part}_id", self.to.id)
                self._save(customer)
                _explain(customer.id, [i.part for i in items], self.reason, self.outcome)
                for other in others:
                    key = other.goes_along
                    if (holder := getattr(other, key)) in own:
                        moved.append(_moved(other, customer.id, key, holder))
                        setattr(other, key, self.to.id)
                        self._save(other)
                        gone.append(other)
        except CrmError as refused:
            reason = Problem("", refused.message, refused.values)
            self.outcome.refused.append(Refusal(customer.name, reason))
            return []
        self.moved += moved
        self.outcome.customers += 1
        self.outcome.along.update(map(type, gone))
        for id in own:
            self.lost[id].append(customer)
        return [customer]

    def _save(self, record: Record) -> None:
        records.save(record, self.actor, action="handed over", reason=self.reason)

    def _note(self) -> None:
        """Keep what was whose, so that it can be taken back; forget an act that did nothing."""
        if self.moved:
            id = self.outcome.handover_id
            rows = [{"handover_id": id, **one} for one in self.moved]
            db.session.execute(insert(HandedOver), rows)
        elif not self.outcome.customers:
            db.session.delete(db.session.get_one(Handover, self.outcome.handover_id))
            self.outcome.handover_id = None

    def _tell(self, done: list[Customer]) -> None:
        """Tell the new person and the former ones, but nobody of what they did themselves."""
        key = f"handover:{self.outcome.handover_id}:{done[0].id}"
        shared = {"by": self.actor.name, "to": self.to.name, "reason": self.reason}
        told = {self.to.id: (done, _TO_ONE, _TO_MANY)}
        told |= {id: (theirs, _FROM_ONE, _FROM_MANY) for id, theirs in self.lost.items()}
        notifications.notify_all(
            Message(
                user_id=id,
                key=f"{key}:{id}",
                kind="handover",
                message=one if len(theirs) == 1 else many,
                values=shared | {"count": len(theirs), "customer": theirs[0].name},
                entity="customers" if id == self.to.id else None,
                record_id=theirs[0].id if id == self.to.id and len(theirs) == 1 else None,
            )
            for id, (theirs, one, many) in told.items()
            if id != self.actor.id
        )


def _begin(to: User, reason: str, actor: User) -> int:
    handover = Handover(by_id=actor.id, to_id=to.id, reason=reason)
    db.session.add(handover)
    db.session.flush()
    return handover.id


def _moved(record: Record, customer_id: int, key: str, holder: int | None) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "entity": record.__tablename__,
        "record_id": record.id,
        "field_key": key,
        "from_id": holder,
    }


def _explain(customer_id: int, parts: list[Part], reason: str, outcome: Outcome) -> None:
    """Write beside the open assignments why they came to be, and in which act."""
    asked = {"customer": customer_id, "parts": parts}
    ask(_EXPLAIN, asked | {"why": reason, "act": outcome.handover_id})


def _locked_customers(ids: list[int], actor: User) -> Sequence[Customer]:
    """Read the customers again, locked in one order, as far as the actor sees and may assign."""
    rows = [*access.rows(Customer, actor, "assign"), *access.rows(Customer, actor)]
    return records.locked(select(Customer).where(Customer.id.in_(ids), *rows), Customer)


def _locked_along(ids: Collection[int], holders: Collection[int | None]) -> dict[int, list[Record]]:
    """Return {customer: its living records that belong to one of these people}, locked."""
    found: dict[int, list[Record]] = defaultdict(list)
    for model in handover_plans.going_along():
        table = access.table_of(model)
        theirs = select(model).where(
            table.c[model.follows].in_(ids),
            table.c[model.goes_along].in_([holder for holder in holders if holder]),
            table.c.deleted_at.is_(None),
            *handover_plans.while_it_goes(model),
        )
        for record in records.locked(theirs, model):
            found[getattr(record, model.follows)].append(record)
    return found
