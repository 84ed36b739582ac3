"""Taking a handover back: everything goes to whom it came from, unless it changed since."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import CrmError, Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.customers import Assignment, Customer
from crm_admin.models.handovers import HandedOver, Handover
from crm_admin.models.users import User
from crm_admin.services import access, notifications, records
from crm_admin.services.handover_plans import CHUNK
from crm_admin.services.handovers import Outcome, Refusal
from crm_admin.services.notifications import Message

_BACK = N_("%(by)s took back a handover to %(to)s; customers: %(count)s.")
_CHANGED = N_("Somebody else changed who looks after it since.")


class Moved(NamedTuple):
    """One field that went over, and whose the record was."""

    entity: str
    record_id: int
    key: str
    from_id: int | None

    @property
    def model(self) -> type[Record]:
        """The entity of the record."""
        return access.entities()[self.entity]


#: {customer: what went over with it}.
Chunk = dict[int, list[Moved]]


def find(id: Any, actor: User) -> Handover | None:
    """Return a handover the actor made, or any for who may assign every customer; else None."""
    key = access.key_of(id)
    found = db.session.get(Handover, key) if key is not None else None
    return found if found is not None and opens(found.by_id, actor) else None


def opens(by_id: int | None, actor: User) -> bool:
    """Return whether the actor may see and undo what this person handed over."""
    own = by_id == actor.id and access.allows(actor, "assign", Customer)
    return own or all(access.unlimited(actor, verb, Customer) for verb in ("assign", "view"))


def people(handover: Handover) -> tuple[User, User]:
    """Return who handed over, and to whom."""
    return db.session.get_one(User, handover.by_id), db.session.get_one(User, handover.to_id)


def counts(handover: Handover) -> dict[type[Record], int]:
    """Return how many records of each entity went over, customers first."""
    counted = (
        select(HandedOver.entity, func.count(HandedOver.record_id.distinct()))
        .where(HandedOver.handover_id == handover.id)
        .group_by(HandedOver.entity)
    )
    found = {access.entities()[entity]: n for entity, n in db.session.execute(counted)}
    return dict(sorted(found.items(), key=lambda pair: pair[0] is not Customer))


def customers(handover: Handover, actor: User, limit: int) -> Sequence[tuple[int, str]]:
    """Return (id, name) of customers that went over, as far as the actor still sees them."""
    ids = select(HandedOver.customer_id).where(HandedOver.handover_id == handover.id)
    seen = select(Customer.id, Customer.name).where(
        Customer.id.in_(ids), *access.rows(Customer, actor)
    )
    found = db.session.execute(seen.order_by(Customer.name, Customer.id).limit(limit))
    return [(id, name) for id, name in found]


def take_back(handover: Handover, actor: User, source: str) -> Outcome:
    """Give everything back as one act; what somebody else has changed since stays. Source: A6

    Raises:
        Denied: the handover is not the actor's to undo. Invalid: it was taken back before.
    """
    id, outcome, first = handover.id, Outcome(), True
    for chunk in _chunks(id):
        part = Outcome(id)
        try:
            with records.transaction(source):
                [held] = records.locked(select(Handover).where(Handover.id == id), Handover)
                if find(id, actor) is None:
                    raise Denied(N_("You have no right to do this."))
                if first and held.undone_at is not None:
                    raise Invalid([Problem("", N_("This was taken back before."))])
                back = _Back(held, actor, part)
                back.do(chunk)
                if part.customers:
                    held.undone_at, held.undone_by_id = clock.now(), actor.id
                back.tell(min(chunk))
        except CrmError as error:
            outcome.failed(len(chunk), error)
        else:
            outcome.add(part)
        first = False
    return outcome


def _chunks(id: int) -> Iterator[Chunk]:
    """Yield {customer: what went over with it}, up to CHUNK fields at once."""
    moved = select(
        HandedOver.customer_id,
        HandedOver.entity,
        HandedOver.record_id,
        HandedOver.field_key,
        HandedOver.from_id,
    ).where(HandedOver.handover_id == id)
    grouped: Chunk = defaultdict(list)
    for row in db.session.execute(moved.order_by(HandedOver.customer_id)):
        grouped[row.customer_id].append(
            Moved(row.entity, row.record_id, row.field_key, row.from_id)
        )
    chunk, size = Chunk(), 0
    for customer_id, fields in grouped.items():
        if chunk and size + len(fields) > CHUNK:
            yield chunk
            chunk, size = {}, 0
        chunk[customer_id], size = fields, size + len(fields)
    if chunk:
        yield chunk


class _Back:
    """The taking back of one chunk, within its transaction."""

    def __init__(self, handover: Handover, actor: User, outcome: Outcome) -> None:
        self.handover, self.actor, self.outcome = handover, actor, outcome
        self.found: dict[type[Record], dict[int, Any]] = {}
        self.lost, self.regained = 0, Counter[int]()

    def do(self, chunk: Chunk) -> None:
        """Give back what is as the handover left it; refuse the rest, customer by customer."""
        models = {moved.model for fields in chunk.values() for moved in fields}
        self.found = {m: {record.id: record for record in _locked(m, chunk)} for m in models}
        unchanged = _unchanged(self.handover, chunk)
        for customer_id, fields in chunk.items():
            keys = {moved.key for moved in fields if moved.model is Customer}
            if customer_id not in self.found[Customer] or not keys <= unchanged[customer_id]:
                self._refuse(customer_id, Problem("", _CHANGED))
                continue
            if not all(self._reaches(moved) for moved in fields if moved.model is Customer):
                self._refuse(customer_id, Problem("", N_("You have no right to do this.")))
                continue
            try:
                with db.session.begin_nested():
                    done = [moved for moved in fields if self._give_back(moved)]
            except CrmError as refused:
                self._refuse(customer_id, Problem("", refused.message, refused.values))
                continue
            self.lost += 1
            self.outcome.customers += 1
            self.outcome.along.update(m.model for m in done if m.model is not Customer)
            holders = {m.from_id for m in fields if m.model is Customer}
            self.regained.update(holder for holder in holders if holder is not None)

    def _reaches(self, moved: Moved) -> bool:
        """Return whether the customer is the actor's to assign, or would be, once given back.

        Who handed over as a deputy, takes nothing back when their days are over.
        """
        if access.may(self.found[Customer][moved.record_id], self.actor, "assign"):
            return True
        own = access.grants_of(self.actor, "assign", Customer)
        return moved.from_id is not None and any(
            not grant.when and access.reaches_person(grant, moved.from_id) for grant in own
        )

    def _refuse(self, customer_id: int, problem: Problem) -> None:
        customer = self.found[Customer].get(customer_id)
        seen = customer is not None and access.may(customer, self.actor)
        self.outcome.refused.append(Refusal(str(customer) if seen else "", problem))

    def _give_back(self, moved: Moved) -> bool:
        """Give one field back, if it still names who it was handed to; return whether it was."""
        record = self.found[moved.model].get(moved.record_id)
        if record is None or getattr(record, moved.key) != self.handover.to_id:
            return False
        if (kept := record.goes_along_while) and getattr(record, kept[0]) != kept[1]:
            return False  # what was done meanwhile stays with who did it
        setattr(record, moved.key, moved.from_id)
        records.save(record, self.actor, action="handed back", reason=self.handover.reason)
        return True

    def tell(self, mark: int) -> None:
        """Tell those who have customers again, and the one who has them no longer."""
        to = people(self.handover)[1]
        told = {to.id: self.lost, **self.regained} if self.lost else {}
        notifications.notify_all(
            Message(
                user_id=id,
                key=f"handed back:{self.handover.id}:{mark}:{id}",
                kind="handover",
                message=_BACK,
                values={"by": self.actor.name, "to": to.name, "count": count},
                entity="customers" if id in self.regained else None,
            )
            for id, count in told.items()
            if id != self.actor.id
        )


def _locked(model: type[Record], chunk: Chunk) -> Sequence[Any]:
    """Return the living records of an entity that a chunk names, locked."""
    ids = {m.record_id for fields in chunk.values() for m in fields if m.model is model}
    return records.locked(records.alive(model).where(model.id.in_(ids)), model)


def _unchanged(handover: Handover, ids: Collection[int]) -> dict[int, set[str]]:
    """Return {customer: fields that still are as the handover left them}."""
    opened = select(Assignment.customer_id, Assignment.part).where(
        Assignment.customer_id.in_(ids),
        Assignment.handover_id == handover.id,
        Assignment.until_at.is_(None),
    )
    found: dict[int, set[str]] = defaultdict(set)
    for customer_id, part in db.session.execute(opened):
        found[customer_id].add(f"{part}_id")
    return found
