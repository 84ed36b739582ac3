"""What the demo company gives away: promotion materials and the movements of their stock."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from crm_admin.models.promotion_materials import MovementKind
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_words import Calendar, Words

Row = dict[str, Any]

#: The first stock came so many days before the reference day.
BEGINNING = 720


def materials(words: Words, staff: Staff, calendar: Calendar) -> Iterator[Row]:
    """Yield the materials as they were before anything moved."""
    moment = calendar.moment(BEGINNING + 5, 600)
    for code, name, kind, unit, cost, reorder_level, office in words.materials:
        keeper = staff.technicians[office][-1]
        yield {
            "code": code, "name": name, "kind": kind, "unit": unit, "unit_cost": Decimal(cost),
            "reorder_level": reorder_level, "keeper_id": keeper, "created_at": moment,
            "updated_at": moment, "created_by_id": keeper,
            "place": {"TP": "台北倉庫"}.get(office, "总部仓库" if office == "BJ" else "分公司仓库"),
        }  # fmt: skip


def movements(
    random: Random,
    words: Words,
    staff: Staff,
    calendar: Calendar,
    ids: Sequence[int],
    customers: Sequence[int],
    count: int,
) -> Iterator[Row]:
    """Yield movements from the first delivery on; none takes more than is there."""
    stock = dict.fromkeys(ids, 0)
    levels = {id: row[5] for id, row in zip(ids, words.materials, strict=True)}
    offices = {id: row[6] for id, row in zip(ids, words.materials, strict=True)}
    days = sorted((random.randint(1, BEGINNING - 1) for _ in range(count)), reverse=True)
    first = [(BEGINNING, id) for id in ids]
    for day, id in [*first, *((day, random.choice(ids)) for day in days)]:
        level, there = levels[id], stock[id]
        row: Row = {"material_id": id, "moved_on": calendar.before(day)}
        if there <= level * (0.3 + random.random()) or day == BEGINNING:
            row |= {"kind": MovementKind.RECEIVED, "quantity": level * random.randint(3, 6)}
            stock[id] += row["quantity"]
        elif random.random() < 0.05:
            found = max(0, there - random.choice((0, 0, 1, 2, 5)))
            row |= {"kind": MovementKind.COUNTED, "quantity": found}
            stock[id] = found
        else:
            row |= _out_or_back(random, staff.everyone_at(offices[id]), customers, level, there)
            back = row["kind"] is MovementKind.RETURNED
            stock[id] += row["quantity"] if back else -row["quantity"]
        moment = calendar.moment(day, random.randint(540, 1080))
        row |= {"created_at": moment, "updated_at": moment}
        row["created_by_id"] = staff.technicians[offices[id]][-1]
        yield row


def _out_or_back(
    random: Random, people: Sequence[int], customers: Sequence[int], level: int, there: int
) -> Row:
    """Return a movement to or from a person, or to a customer."""
    quantity = random.randint(1, max(1, min(there, level // 4)))
    person, chance = random.choice(people), random.random()
    if chance < 0.08:
        few = max(1, quantity // 4)
        return {"kind": MovementKind.RETURNED, "quantity": few, "person_id": person}
    if chance < 0.55 and customers:
        customer = random.choice(customers)
        given = max(1, quantity // 2)
        return {
            "kind": MovementKind.GIVEN,
            "quantity": given,
            "customer_id": customer,
            "person_id": person,
        }
    return {"kind": MovementKind.ISSUED, "quantity": quantity, "person_id": person}
