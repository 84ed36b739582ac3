"""Demo data: a company with its customers, and two years of what passed between them.

The same number, day and seed make the same data. Customers are made some hundreds at a time, each
lot with all that belongs to it in one transaction, so that any number fits into memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import Interaction
from crm_admin.models.promotion_materials import MaterialMovement, PromotionMaterial
from crm_admin.models.tasks import Repeat, Task
from crm_admin.models.users import User
from crm_admin.services import (
    demo_calendar,
    demo_company,
    demo_dealings,
    demo_reviews,
    demo_stock,
    demo_tasks,
    demo_words,
    records,
)
from crm_admin.services.demo_closing import Closer
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_customers import Customers, Profile
from crm_admin.services.demo_dealings import Dealings
from crm_admin.services.demo_words import Calendar, Words, dice, shares
from crm_admin.services.loading import load

#: How many customers one transaction holds.
BATCH = 500
#: For each customer so many; the heaviest has one in a hundred interactions.
CONTACTS, CONTRACTS, INTERACTIONS, EXPENSES = 2.5, 1, 15, 0.25
MOST_OF_ONE, LEAST_OF_HEAVIEST = 15_000, 40
SOURCE = "demo"

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What is asked for: how many customers, around which day, by which dice."""

    count: int
    day: date
    zone: ZoneInfo
    seed: int = 1

    @property
    def of_heaviest(self) -> int:
        """How many interactions the heaviest customer has."""
        whole = int(self.count * INTERACTIONS)
        return min(whole // 2, MOST_OF_ONE, max(LEAST_OF_HEAVIEST, whole // 100))


def is_empty() -> bool:
    """Return whether there are no customers yet, those in the recycle bin included."""
    return db.session.scalar(select(Customer.id).limit(1)) is None


def make(plan: Plan, folder: Path, password: str, actor: User, tell: Tell) -> Staff:
    """Fill the database as planned; return who works at the company.

    Args:
        folder: where the vocabularies are.
        password: that of all the company's people.
        tell: told after every step how many customers are done, of how many.
    """
    words = demo_words.read(folder)
    calendar = Calendar(plan.day, plan.zone)
    with records.transaction(SOURCE):
        staff = demo_company.settle(words, password, actor)
    tell(0, plan.count)
    story = _Story(plan, words, staff, calendar, actor)
    for first in range(0, plan.count, BATCH):
        with records.transaction(SOURCE):
            story.batch(first, min(BATCH, plan.count - first))
        tell(min(first + BATCH, plan.count), plan.count)
    with records.transaction(SOURCE):
        story.stock()
        story.desks()
        demo_reviews.make(dice(plan.seed, plan.day, "reviews"), staff, calendar)
    with records.transaction(SOURCE):
        demo_calendar.settle(actor, staff, calendar, plan.seed)
    return staff


class _Story:
    """The loading of one plan, batch by batch."""

    def __init__(
        self, plan: Plan, words: Words, staff: Staff, calendar: Calendar, actor: User
    ) -> None:
        self.plan, self.words, self.staff, self.calendar = plan, words, staff, calendar
        self.actor = actor
        self.customers = Customers(words, staff, calendar)
        self.dealings = Dealings(words, staff, calendar, Closer(calendar, actor.id))
        self.tasks = demo_tasks.Tasks(words, staff, calendar)
        self.receivers: list[int] = []

    def batch(self, first: int, count: int) -> None:
        """Make some customers with all that belongs to them."""
        random = dice(self.plan.seed, self.plan.day, first)
        profiles = [self.customers.one(random, heaviest=first + n == 0) for n in range(count)]
        weights = [demo_dealings.weights(random, profile) for profile in profiles]
        contacts, contracts, talks = self._counts(first, count, weights)
        for profile, talk in zip(profiles, talks, strict=True):
            self.dealings.meet(random, profile, talk)
        ids = load(Customer, (profile.row for profile in profiles), self.actor)
        for profile, id in zip(profiles, ids, strict=True):
            profile.id = id
        self.customers.remember(profiles)
        self.receivers = (self.receivers + ids[:50])[:2000]
        self._contacts(dice(random.random()), profiles, contacts)
        signed = self._contracts(dice(random.random()), profiles, contracts)
        rows = dice(random.random())
        said = (row for p in profiles for row in self.dealings.interactions(rows, p))
        load(Interaction, said, self.actor)
        self._expenses(dice(random.random()), profiles, signed, first)
        wanted = dice(random.random())
        todo = (
            t for p in profiles for t in self.tasks.of_customer(wanted, p, signed.get(p.id, []))
        )
        load(Task, todo, self.actor)

    def _counts(
        self, first: int, count: int, weights: Sequence[tuple[float, float, float]]
    ) -> list[list[int]]:
        """Return how many contacts, contracts and interactions each customer has."""

        def upto(per: float, heavy: int = 0) -> int:
            """Return how many there are for these customers, so that batches add up."""
            whole = int(self.plan.count * per) - heavy
            return whole * (first + count) // self.plan.count - whole * first // self.plan.count

        people, signed, talks = (list(shares) for shares in zip(*weights, strict=True))
        heavy = self.plan.of_heaviest
        if first == 0:
            people[0] = 8
            talks[0] = 0 if count > 1 else 1
        found = [
            shares(people, upto(CONTACTS)),
            shares(signed, upto(CONTRACTS)),
            shares(talks, upto(INTERACTIONS, heavy)),
        ]
        found[2][0] += heavy if first == 0 else 0
        return found

    def _contacts(self, random: Random, profiles: Sequence[Profile], counts: Sequence[int]) -> None:
        rows = [
            (profile, row)
            for profile, count in zip(profiles, counts, strict=True)
            for row in self.customers.contacts(random, profile, count)
        ]
        ids = load(Contact, (row for _, row in rows), self.actor)
        for id, (profile, row) in zip(ids, rows, strict=True):
            profile.contacts.append(row | {"id": id})

    def _contracts(
        self, random: Random, profiles: Sequence[Profile], counts: Sequence[int]
    ) -> dict[int, list[int]]:
        """Load contracts, those that follow others after them; return {customer: contracts}."""
        chains = [
            chain
            for profile, count in zip(profiles, counts, strict=True)
            for chain in self.dealings.contracts(random, profile, count)
        ]
        signed: dict[int, list[int]] = {}
        last: dict[int, int] = {}
        for place in range(max(map(len, chains), default=0)):
            going = [n for n, chain in enumerate(chains) if len(chain) > place]
            rows = [chains[n][place] | {"predecessor_id": last.get(n)} for n in going]
            for n, id in zip(going, load(Contract, rows, self.actor), strict=True):
                last[n] = id
                signed.setdefault(chains[n][place]["customer_id"], []).append(id)
        return signed

    def _expenses(
        self,
        random: Random,
        profiles: Sequence[Profile],
        signed: dict[int, list[int]],
        first: int,
    ) -> None:
        wanted = int((first + len(profiles)) * EXPENSES) - int(first * EXPENSES)
        old = [p for p in profiles if p.age > 5]
        chosen = random.choices(old, k=wanted) if old else []
        rows = (self.dealings.expense(random, p, signed.get(p.id, [])) for p in chosen)
        load(Expense, (row for row in rows if row), self.actor)

    def desks(self) -> None:
        """Give everybody what they are to do at their desks, unless they have it."""
        known = select(Task.id).where(Task.customer_id.is_(None), Task.repeat != Repeat.NEVER)
        if db.session.scalar(known.limit(1)) is None:
            random = dice(self.plan.seed, self.plan.day, "desks")
            load(Task, self.tasks.of_everybody(random), self.actor)

    def stock(self) -> None:
        """Make the materials and all that moved."""
        known = set(db.session.scalars(select(PromotionMaterial.code)))
        if known:
            return
        rows = demo_stock.materials(self.words, self.staff, self.calendar)
        ids = load(PromotionMaterial, rows, self.actor)
        random = dice(self.plan.seed, self.plan.day, "stock")
        count = max(150, self.plan.count // 10)
        moved = demo_stock.movements(
            random, self.words, self.staff, self.calendar, ids, self.receivers, count
        )
        load(MaterialMovement, moved, self.actor)
