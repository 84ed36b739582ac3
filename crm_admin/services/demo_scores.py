"""Demo data: how complete people's records were in the weeks before, and what reminders led to.

Made after the first nightly check, whose figures the past leads up to.
"""

from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select, update

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.findings import DailyScore, Finding
from crm_admin.services import validation
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_words import Calendar, dice
from crm_admin.services.entity_names import table_of

#: How many days of figures there are, and how many findings somebody was reminded of.
DAYS, REMINDED = 91, 60
_scores, _findings, _customers = table_of(DailyScore), table_of(Finding), table_of(Customer)


def make(calendar: Calendar, staff: Staff, seed: int) -> None:
    """Write what led up to the figures of the reference day, within a transaction."""
    random = dice(seed, calendar.day, "scores")
    kept = db.session.execute(select(_scores).where(_scores.c.day == calendar.day)).mappings().all()
    rows = [row for last in kept for row in _past(random, calendar, dict(last))]
    if rows:
        db.session.connection().execute(insert(_scores), rows)
    _remind(random, calendar, staff)
    _repaired(random, calendar, staff)


def _past(random: Random, calendar: Calendar, last: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a person's figures of the days before, the better the nearer."""
    found, gain = [], dice(last["department_id"], calendar.day).uniform(2, 18)
    for days in range(1, DAYS):
        part = days / DAYS
        records = max(1, round(last["records"] * (1 - 0.12 * part)))
        mean = last["percents"] / last["records"] - gain * part + random.uniform(-0.7, 0.7)
        percents = round(records * min(max(mean, 20), 100))
        share = last["complete"] / last["records"] * (1 - gain * part / 50)
        found.append(
            {
                "day": calendar.before(days),
                "entity": last["entity"],
                "user_id": last["user_id"],
                "department_id": last["department_id"],
                "records": records,
                "complete": min(records, max(0, round(records * share))),
                "percents": percents,
            }
        )
    return found


def _heads(staff: Staff) -> dict[int, int]:
    """Return {seller: who reminds them}."""
    return {seller: staff.heads[place] for place, all in staff.sellers.items() for seller in all}


def _remind(random: Random, calendar: Calendar, staff: Staff) -> None:
    """Let some of what is lacking have been found, seen and reminded of some days ago."""
    heads, manager = _heads(staff), _customers.c.account_manager_id
    lacking = (
        select(_findings.c.id, manager)
        .join(_customers, _customers.c.id == _findings.c.record_id)
        .where(_findings.c.entity == "customers", _findings.c.fixed_at.is_(None))
        .where(manager.in_(heads))
        .order_by(_findings.c.id)
        .limit(REMINDED // 2)
    )
    for id, owner in db.session.execute(lacking).all():
        days = random.randint(2, 9)
        found = days + random.randint(1, 20)
        told = {
            "found_on": calendar.before(found),
            "created_at": calendar.moment(found, 60),
            "seen_at": calendar.moment(days - 1, 600) if random.random() < 0.6 else None,
            "reminded_at": calendar.moment(days, random.randint(510, 560)),
            "reminded_by_id": heads[owner],
        }
        db.session.execute(update(_findings).where(_findings.c.id == id).values(told))


def _repaired(random: Random, calendar: Calendar, staff: Staff) -> None:
    """Add what was lacking once and put right after a reminder."""
    heads, manager = _heads(staff), _customers.c.account_manager_id
    rules = [r for r in validation.rules_of("customers") if r.kind == "required"]
    whole = (
        select(_customers.c.id, manager, _customers.c.created_at)
        .where(_customers.c.completeness == 100, manager.in_(heads))
        .where(_customers.c.deleted_at.is_(None))
        .order_by(_customers.c.id)
        .limit(REMINDED)
    )
    rows = []
    for id, owner, made_at in db.session.execute(whole).all() if rules else ():
        days = random.randint(3, 60)
        reminded = calendar.moment(days, random.randint(510, 560))
        fixed = reminded + timedelta(hours=random.choice((1, 2, 3, 5, 7, 26, 30, 49)))
        found = calendar.moment(days + 3, 60)
        if made_at < found:
            rows.append(
                {
                    "rule_id": random.choice(rules).id,
                    "entity": "customers",
                    "record_id": id,
                    "found_on": calendar.before(days + 3),
                    "created_at": found,
                    "seen_at": fixed - timedelta(minutes=5),
                    "reminded_at": reminded,
                    "reminded_by_id": heads[owner],
                    "fixed_at": fixed,
                    "fixed_by_id": owner,
                }
            )
    if rows:
        db.session.connection().execute(insert(_findings), rows)
