"""What passed with demo customers: contracts, interactions and expenses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from crm_admin.models.contracts import ContractKind, ContractStatus, RenewalPolicy
from crm_admin.models.customers import LifecycleStage
from crm_admin.models.expenses import ExpenseStatus
from crm_admin.services.demo_closing import Closer
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_customers import Profile, Row
from crm_admin.services.demo_words import Calendar, Words, lot
from crm_admin.services.loading import Past

#: How many customers were talked to yesterday: there is something to check in the morning.
YESTERDAY = 0.12
#: Interactions go back so many days.
REMEMBERED = 730
KINDS = lot(
    (ContractKind.SALE, 35), (ContractKind.SERVICE, 35), (ContractKind.SUBSCRIPTION, 20),
    (ContractKind.MEMBERSHIP, 10),
)  # fmt: skip
POLICIES = lot((RenewalPolicy.ASK, 55), (RenewalPolicy.RENEW, 25), (RenewalPolicy.LAPSE, 20))
NOTICE = lot((30, 60), (60, 20), (90, 10), (15, 10))
#: How often the customers of each grade are to be visited, in days; what counts as a visit; and in
#: how many times as long it was done: mostly in time.
CADENCES = {"A": 14, "B": 30, "C": 90, "D": 180}
MET = ("visit", "meeting")
TARDY = lot((0.95, 50), (1.8, 35), (3.0, 15))
#: Amounts in CNY go from the first to the second; other currencies are worth less or more.
AMOUNTS = {
    ContractKind.SALE: (8_000, 400_000), ContractKind.SERVICE: (5_000, 90_000),
    ContractKind.SUBSCRIPTION: (600, 12_000), ContractKind.MEMBERSHIP: (500, 5_000),
}  # fmt: skip
RATES = {"CNY": 1.0, "TWD": 4.4, "HKD": 1.1, "USD": 0.14}
EXPENSES = lot(
    ("travel", 20), ("local_transport", 28), ("accommodation", 12), ("entertainment", 20),
    ("gift", 6), ("exhibition", 3), ("printing", 6), ("communication", 3), ("training", 2),
)  # fmt: skip
#: How a contract stands, by how far its customer has come: (state, ends within these days).
STANDING = {
    LifecycleStage.OPPORTUNITY: lot((("draft", 300, 400), 1)),
    LifecycleStage.CUSTOMER: lot(
        (("ended", -200, -1), 14), (("soon", 5, 90), 24), (("running", 91, 700), 48),
        (("suspended", 30, 300), 4), (("draft", 300, 400), 7), (("overdue", -9, -1), 3),
    ),
    LifecycleStage.LAPSED: lot((("ended", -700, -15), 1)),
}  # fmt: skip
#: How likely contracts are at each stage, and how many interactions there are.
WEIGHTS = {
    LifecycleStage.PROSPECT: (0.0, 0.35), LifecycleStage.OPPORTUNITY: (0.5, 0.9),
    LifecycleStage.CUSTOMER: (2.0, 1.4), LifecycleStage.LAPSED: (1.2, 0.7),
}  # fmt: skip


def weights(random: Random, profile: Profile) -> tuple[float, float, float]:
    """Return a customer's shares of contacts, contracts and interactions."""
    contracts, talks = WEIGHTS[profile.stage]
    young = min(1.0, profile.age / 150)
    contacts = 0.0 if random.random() < 0.03 else random.choice((1, 1, 2, 2, 3, 3, 4, 6))
    talks *= young * random.lognormvariate(0, 0.9)
    if profile.age > 30 and profile.row["grade"]:
        talks = max(talks, 0.15)  # nobody of a grade is left alone for years
    return contacts, contracts * (0.3 + random.random()), talks


def money(random: Random, least: float, most: float, currency: str, step: int = 100) -> Decimal:
    """Return a round amount, small ones oftener than large ones."""
    amount = least * (most / least) ** random.random() * RATES[currency]
    return Decimal(max(step, int(amount) // step * step))


@dataclass
class Dealings:
    """Makes what passes between the company's people and a customer."""

    words: Words
    staff: Staff
    calendar: Calendar
    closer: Closer

    def contracts(self, random: Random, profile: Profile, count: int) -> list[list[Row]]:
        """Return chains of contracts, each the one that follows the last; `count` in all."""
        chains = []
        while count > 0:
            kind = KINDS.draw(random)
            most = 1 if kind is ContractKind.SALE else min(count, 1 + profile.age // 366, 4)
            chain = self._chain(random, profile, kind, random.randint(1, most))
            chains.append(chain)
            count -= len(chain)
        return chains

    def _chain(
        self, random: Random, profile: Profile, kind: ContractKind, length: int
    ) -> list[Row]:
        stage = profile.stage if profile.stage in STANDING else LifecycleStage.OPPORTUNITY
        state, first, last = STANDING[stage].draw(random)
        ends_in = random.randint(first, last)
        if state in ("draft", "suspended"):
            length = 1
        language = profile.language
        title = random.choice(self.words.dealings[language]["titles"][kind.value])
        title = title.format(product=random.choice(self.words.dealings[language]["products"]))
        amount = money(random, *AMOUNTS[kind], profile.currency)
        term = 365 if kind is not ContractKind.SALE else random.choice((90, 180, 365, 730))
        if state == "draft":
            ends_in = term + random.randint(4, 40)
        elif ends_in > term:
            term = 730
        chain = []
        for back in reversed(range(length)):
            status = ContractStatus.RENEWED if back else self._status(random, state)
            last_day = ends_in - back * term
            year = self.calendar.before(-last_day).year
            row = self._contract(random, profile, status, last_day, term)
            row |= {"kind": kind, "title_text": title if length == 1 else f"{title} {year}"}
            row["amount"] = amount if random.random() < 0.97 else None
            amount += amount // 2000 * 100 if length > 1 else 0
            chain.append(row)
        return chain

    @staticmethod
    def _status(random: Random, state: str) -> ContractStatus:
        if state == "ended":
            lost = random.random() < 0.3
            return ContractStatus.TERMINATED if lost else ContractStatus.NOT_RENEWED
        if state in ("draft", "suspended"):
            return ContractStatus(state)
        return ContractStatus.ACTIVE

    def _contract(
        self, random: Random, profile: Profile, status: ContractStatus, ends_in: int, term: int
    ) -> Row:
        """Return a contract whose last day lies so many days after the reference day."""
        draft = status is ContractStatus.DRAFT
        starts_in = ends_in - term + 1
        signed = starts_in - random.randint(0, 20)
        written = min(signed, -1) if not draft else -random.randint(1, 20)
        moment = self.calendar.moment(-written, random.randint(540, 1080))
        owner = profile.row["account_manager_id"] or self.staff.heads[profile.office]
        number = f"HT-{self.calendar.before(-signed).year}-{random.randint(1, 9999):04}"
        return {
            "customer_id": profile.id, "status": status, "currency": profile.currency,
            "signed_on": None if draft or random.random() < 0.04 or signed >= 0
            else self.calendar.before(-signed),
            "starts_on": self.calendar.before(-starts_in),
            "ends_on": self.calendar.before(-ends_in),
            "notice_days": NOTICE.draw(random), "renewal_policy": POLICIES.draw(random),
            "external_number": number if random.random() < 0.1 else None, "owner_id": owner,
            "created_at": moment, "updated_at": moment, "created_by_id": owner,
        }  # fmt: skip

    def meet(self, random: Random, profile: Profile, count: int) -> None:
        """Choose the days of a customer's interactions; the last is when it was last changed."""
        span = min(REMEMBERED, profile.age)
        days = [self._weekday(random, span) for _ in range(count)]
        if days and profile.age > 1 and random.random() < YESTERDAY:
            days[0] = 1
        if days and profile.age > 20 and (often := self._often(random, profile)):
            days[-1] = self._weekday(random, min(often, span))
        profile.days = sorted(days, reverse=True)
        if profile.days:
            moment = self.calendar.moment(profile.days[-1], random.randint(1080, 1140))
            profile.row["updated_at"] = max(moment, profile.row["created_at"])
            profile.row["updated_by_id"] = profile.row["account_manager_id"]

    @staticmethod
    def _often(random: Random, profile: Profile) -> int:
        """Return within how many days somebody was with a customer of a grade; 0 for no matter."""
        often = CADENCES.get(profile.row["grade"] or "")
        if not often or not profile.row["account_manager_id"]:
            return 0
        return int(often * TARDY.draw(random))

    def interactions(self, random: Random, profile: Profile) -> Iterator[Row]:
        """Yield what was talked about on those days, the earliest first."""
        phases, count = self.words.talks["phases"][profile.stage.value], len(profile.days)
        for position, day in enumerate(profile.days):
            phase = 0 if position < count * 0.12 else 1 if position < count * 0.4 else 2
            topic = random.choice(phases[phase])
            row = self._interaction(random, profile, topic, day)
            tries = 20 if position == count - 1 and profile.row["grade"] else 0
            while tries and row["kind"] not in MET:  # the last time somebody went there
                row = self._interaction(random, profile, random.choice(phases[phase]), day)
                tries -= 1
            self.closer.close(random, row, day, profile)
            yield row

    def _weekday(self, random: Random, span: int) -> int:
        day = 1 + int(span * random.random())
        while self.calendar.is_weekend(day) and day > 2:
            day -= 1
        return day

    def _interaction(self, random: Random, profile: Profile, topic: str, days: int) -> Row:
        draw, chance = random.choice, random.random
        said = self.words.talks["topics"][topic][profile.language]
        dealings = self.words.dealings[profile.language]
        contact: Row = draw(profile.contacts) if profile.contacts and chance() < 0.94 else {}
        who = contact.get("name") or dealings["nobody"]
        if contact.get("job_title") and profile.language != "en" and chance() < 0.3:
            who = contact["job_title"] + who
        text, kinds = draw(said["content"])
        kind = draw(kinds)
        put_in = {
            "who": who,
            "product": draw(dealings["products"]),
            "rival": draw(dealings["rivals"]),
            "n": int(3 + 40 * chance() ** 2),
            "amount": f"{int(20 + 2000 * chance() ** 3) * 100:,}",
        }
        content = text.format_map(put_in)
        moment = self.calendar.moment(days, 510 + int(540 * chance()))
        author = self._author(random, profile)
        written = moment + timedelta(minutes=int(1 + 50 * chance()))
        return {
            "customer_id": profile.id, "contact_id": contact.get("id"),
            "kind": kind if chance() < 0.98 else None, "happened_at": moment,
            "place": draw(dealings["places"][kind]) if chance() < 0.92 else None,
            "content": content[0].upper() + content[1:],
            "effect": draw(said["effect"]).format_map(put_in) if chance() < 0.9 else None,
            "next_step": draw(said["next_step"]).format_map(put_in) if chance() < 0.8 else None,
            "author_id": author, "created_at": written, "updated_at": written,
            "created_by_id": author, "updated_by_id": author,
        }  # fmt: skip

    def _author(self, random: Random, profile: Profile) -> int:
        """Return who wrote it down: mostly the account manager."""
        manager, chance = profile.row["account_manager_id"], random.random()
        technician = profile.row["technical_manager_id"]
        if manager and (chance < 0.8 or not technician):
            return int(manager)
        if technician and chance < 0.97:
            return int(technician)
        return random.choice(self.staff.everyone_at(profile.office))

    def expense(self, random: Random, profile: Profile, contracts: Sequence[int]) -> Row | None:
        """Return an expense for a customer, with the steps it went through; None for the pool."""
        claimant = profile.row["account_manager_id"]
        if not claimant:
            return None
        kind = EXPENSES.draw(random)
        age = min(profile.age - 1, int(1 + 400 * random.random() ** 1.5))
        least, most = {"local_transport": (20, 200), "exhibition": (3_000, 20_000)}.get(
            kind, (80, 2_500)
        )
        purpose = random.choice(self.words.dealings[profile.language]["expenses"][kind])
        moment = self.calendar.moment(age, random.randint(540, 650))
        row: Row = {
            "kind": kind if random.random() < 0.96 else None,
            "amount": money(random, least, most, profile.currency, 1)
            + Decimal(random.choice((0, 0, 50, 80))) / 100,
            "currency": profile.currency, "spent_on": self.calendar.before(age),
            "claimant_id": claimant, "customer_id": profile.id,
            "contract_id": random.choice([*contracts, None, None, None]),
            "purpose": purpose.format(customer=profile.row["short_name"] or profile.row["name"]),
            "created_at": moment, "updated_at": moment, "created_by_id": claimant,
            "status": ExpenseStatus.DRAFT,
        }  # fmt: skip
        row["past"] = self._steps(random, row, age, profile.language)
        return row

    def _steps(self, random: Random, row: Row, age: int, language: str) -> list[Past]:
        """Take the claim as far as its age says; return the saves that this took."""
        claimant, decider = row["claimant_id"], self.staff.superiors[row["claimant_id"]]
        past = [Past("created", claimant, row["created_at"], {})]

        def step(status: ExpenseStatus, actor: int, days: int, **changes: Any) -> None:
            at = self.calendar.moment(days, 540 + len(past) * 120 + random.randint(0, 100))
            moments = {k: at for k, v in changes.items() if v is None and k.endswith("_at")}
            before = {"status": row["status"].value}
            row.update(changes | moments | {"status": status, "updated_at": at})
            row["updated_by_id"] = actor
            kept = {k: [None, str(row[k])] for k in changes if not k.endswith("_id")}
            past.append(
                Past(status.value, actor, at, kept | {"status": [before["status"], status]})
            )

        if age < 3 or random.random() < 0.05:
            return past
        days = age - random.randint(0, 2)
        step(ExpenseStatus.SUBMITTED, claimant, days, submitted_at=None)
        if age < 10 and random.random() < 0.6:
            return past
        days -= random.randint(0, min(3, days - 1))
        decided = {"decided_by_id": decider, "decided_at": None}
        if random.random() < 0.08:
            reason = random.choice(self.words.dealings[language]["reasons"])
            step(ExpenseStatus.REJECTED, decider, days, **decided, decision_note=reason)
            return past
        step(ExpenseStatus.APPROVED, decider, days, **decided)
        if age < 30 and random.random() < 0.5:
            return past
        days -= random.randint(0, min(7, days - 1))
        step(ExpenseStatus.PAID, self.staff.cashier, days, paid_on=self.calendar.before(days))
        return past
