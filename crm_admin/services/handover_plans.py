"""What a handover would do: which customers, whose they are now, and what goes along with them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from crm_admin.database import ask
from crm_admin.models.base import Record
from crm_admin.models.customers import Customer, Part
from crm_admin.models.users import User
from crm_admin.services import access, listing

#: The most records that one transaction changes, and the most customers that a page hands over.
CHUNK, MOST = 500, 2_000


class Item(NamedTuple):
    """A part with a customer that changes hands: whose it is now, None in the pool."""

    customer_id: int
    part: Part
    from_id: int | None


@dataclass(frozen=True)
class Plan:
    """What a handover would do: the parts, and how many other records go along, by entity."""

    items: Sequence[Item]
    along: Mapping[type[Record], int]

    @property
    def customers(self) -> list[int]:
        """The customers, each once."""
        return list(dict.fromkeys(item.customer_id for item in self.items))

    @property
    def parts(self) -> dict[Part, int]:
        """How many customers there are for each part."""
        counted = Counter(item.part for item in self.items)
        return {part: counted[part] for part in Part if counted[part]}


def may(actor: User, part: Part = Part.ACCOUNT_MANAGER) -> bool:
    """Return whether the actor may say at all who takes this part with customers."""
    assigns = access.allows(actor, "assign", Customer)
    return assigns and access.writable(actor, Customer, f"{part}_id")


def of_customers(actor: User, ids: Collection[int]) -> list[Item]:
    """Return the customers among these whose account manager the actor may choose."""
    if not may(actor):
        return []
    statement = _within(actor, Customer.account_manager_id).where(Customer.id.in_(ids))
    return [Item(id, Part.ACCOUNT_MANAGER, holder) for id, holder in ask(statement)]


def allowed(actor: User, items: Sequence[Item]) -> list[Item]:
    """Return those of the parts with customers that the actor may give to somebody else."""
    ids = {item.customer_id for item in items}
    within = {id for id, _holder in ask(_within(actor, Customer.id).where(Customer.id.in_(ids)))}
    parts = [part for part in Part if may(actor, part)]
    return [item for item in items if item.customer_id in within and item.part in parts]


def of_list(actor: User, question: listing.Question) -> list[Item]:
    """Return those of all customers a list finds, up to one more than can be handed over."""
    living = replace(question, binned=False)
    return of_customers(actor, listing.ids(Customer, actor, living, "assign", MOST + 1))


def of_person(actor: User, person: User) -> list[Item]:
    """Return every part with a customer that a person holds, as far as the actor may assign it."""
    found = []
    for part in Part:
        if may(actor, part):
            column = access.table_of(Customer).c[f"{part}_id"]
            held = _within(actor, column).where(column == person.id)
            found += [Item(id, part, person.id) for id, _holder in ask(held)]
    return sorted(found)


def _within(actor: User, column: Any) -> Select[Any]:
    """Return the select of (id, holder) of the customers the actor sees and may assign."""
    rows = [*access.rows(Customer, actor, "assign"), *access.rows(Customer, actor)]
    return select(access.table_of(Customer).c.id, column).where(*rows).order_by(Customer.id)


def plan(items: Sequence[Item]) -> Plan:
    """Return what handing these over would do."""
    along = {model: sum(counts.values()) for model, counts in _along(items).items()}
    return Plan(items, {model: count for model, count in along.items() if count})


def _along(items: Iterable[Item]) -> dict[type[Record], Counter[int]]:
    """Return {entity: {customer: how many of its records go along}}."""
    found: dict[type[Record], Counter[int]] = {}
    for model in going_along():
        counts, table = Counter[int](), access.table_of(model)
        customer = table.c[model.follows]
        for holder, ids in _by_holder(items).items():
            grouped = select(customer, func.count()).where(
                table.c[model.goes_along] == holder,
                customer.in_(ids),
                table.c.deleted_at.is_(None),
                *while_it_goes(model),
            )
            for id, number in ask(grouped.group_by(customer)):
                counts[id] += number
        found[model] = counts
    return found


def going_along() -> list[type[Record]]:
    """Return the entities whose records get the new owner of their customer."""
    return [
        model
        for model in access.entities().values()
        if model.goes_along and access.target_of(model, model.follows) is Customer
    ]


def while_it_goes(model: type[Record]) -> list[ColumnElement[bool]]:
    """Return the conditions of the records that go along: of tasks, the open ones."""
    if model.goes_along_while is None:
        return []
    key, value = model.goes_along_while
    return [access.table_of(model).c[key] == value]


def _by_holder(items: Iterable[Item]) -> dict[int, set[int]]:
    """Return {person: the customers they have}; what nobody has takes nothing along."""
    found: dict[int, set[int]] = defaultdict(set)
    for item in items:
        if item.from_id is not None:
            found[item.from_id].add(item.customer_id)
    return found


def chunks(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield the items customer by customer, as many as make up CHUNK records."""
    along, chunk, size = _along(items), list[Item](), 0
    for customer_id, own in by_customer(items).items():
        weight = 1 + sum(counts[customer_id] for counts in along.values())
        if chunk and size + weight > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk, size = chunk + own, size + weight
    if chunk:
        yield chunk


def by_customer(items: Iterable[Item]) -> dict[int, list[Item]]:
    """Return {customer: its items}, in the order in which they are locked."""
    found: dict[int, list[Item]] = {}
    for item in sorted(items, key=lambda one: one.customer_id):
        found.setdefault(item.customer_id, []).append(item)
    return found
