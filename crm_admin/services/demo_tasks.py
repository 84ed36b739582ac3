"""What the demo company's people are to do: for their customers, and at their desks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from crm_admin.models.tasks import Priority, Repeat, TaskStatus
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_customers import Profile, Row
from crm_admin.services.demo_words import Calendar, Words, lot

PRIORITIES = lot((Priority.NORMAL, 70), (Priority.HIGH, 18), (Priority.LOW, 12))
#: How many tasks a customer has: one in so many has none.
COUNTS = lot((0, 35), (1, 35), (2, 20), (3, 10))
#: (state, due in so many days, from and to).
STANDING = lot(
    ((TaskStatus.DONE, -200, -1), 52), ((TaskStatus.OPEN, -6, -1), 10),
    ((TaskStatus.OPEN, 0, 0), 12), ((TaskStatus.OPEN, 1, 30), 22),
    ((TaskStatus.DROPPED, -120, -5), 4),
)  # fmt: skip
#: How far ahead a series goes on, at most.
AHEAD = {Repeat.WEEKLY: 7, Repeat.MONTHLY: 28, Repeat.WORKING_DAYS: 1, Repeat.YEARLY: 300}
NINE = 9 * 60


@dataclass
class Tasks:
    """Makes the tasks of the company's people."""

    words: Words
    staff: Staff
    calendar: Calendar

    def of_customer(self, random: Random, profile: Profile, contracts: list[int]) -> Iterator[Row]:
        """Yield what its account manager is to do for a customer, or has done."""
        manager = profile.row["account_manager_id"]
        for _ in range(COUNTS.draw(random) if manager else 0):
            kind, subject, result = random.choice(self.words.tasks[profile.language]["customer"])
            status, first, last = STANDING.draw(random)
            due_in = max(random.randint(first, last), 1 - profile.age)
            called = profile.row["short_name"] or profile.row["name"]
            contact: Row = random.choice(profile.contacts) if profile.contacts else {}
            row = self._row(random, manager, status, due_in, result)
            yield row | {
                "subject": subject.format(customer=called)[:200],
                "kind": kind,
                "customer_id": profile.id,
                "contact_id": contact.get("id") if kind in ("call", "visit", "mail") else None,
                "contract_id": random.choice(contracts)
                if contracts and kind == "documents"
                else None,
            }

    def of_everybody(self, random: Random) -> Iterator[Row]:
        """Yield what each person is to do at their desk, over and over."""
        spoken = {place["office"]: place.get("language", "hans") for place in self.words.places}
        people = [
            (person, spoken.get(office, "hans"))
            for office in self.staff.heads
            for person in self.staff.everyone_at(office)
        ]
        people += [(id, "hans") for id in (self.staff.general_manager, self.staff.cashier) if id]
        for person, language in people:
            for repeat, kind, subject, result in self.words.tasks[language]["person"]:
                if random.random() < 0.35:
                    continue
                series = Repeat(repeat)
                due_in = random.randint(-2, AHEAD.get(series, 10))
                row = self._row(random, person, TaskStatus.OPEN, due_in, result)
                yield row | {"subject": subject, "kind": kind, "repeat": series}

    def _row(
        self, random: Random, person: int, status: TaskStatus, due_in: int, result: str
    ) -> dict[str, Any]:
        """Return a task of a person's, due so many days after the reference day."""
        written = self.calendar.moment(max(1, -due_in) + random.randint(0, 9), NINE + 20)
        done = self.calendar.moment(max(1, -due_in), random.randint(NINE, 17 * 60))
        is_done = status is TaskStatus.DONE
        changed = done if is_done else written
        reminded = random.random() < 0.3
        return {
            "assignee_id": person, "status": status, "priority": PRIORITIES.draw(random),
            "due_on": self.calendar.day + timedelta(days=due_in),
            "remind_at": self.calendar.moment(-due_in, NINE) if reminded and due_in > 0 else None,
            "result": result if is_done and random.random() < 0.8 else None,
            "done_at": done if is_done else None, "done_by_id": person if is_done else None,
            "created_at": min(written, changed), "updated_at": changed, "created_by_id": person,
        }  # fmt: skip
