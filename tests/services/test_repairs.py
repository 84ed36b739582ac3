"""What reminders led to, in records that the reader sees."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from crm_admin import clock
from crm_admin.database import ask
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.models.interactions import Interaction
from crm_admin.models.rules import Rule
from crm_admin.models.users import User
from crm_admin.services import crm_use, records, reminders, repairs, zones
from tests.make import make
from tests.services.test_reviews import stand_in

NOW = clock.now()
SINCE = NOW - timedelta(days=90)


def tell(record, field, ago, **values):
    """Say of the finding about a field that somebody was reminded so many hours ago."""
    table = Finding.__table__
    from crm_admin.services import validation

    [rule] = [
        r for r in validation.rules_of("customers") if (r.field_key, r.kind) == (field, "required")
    ]
    statement = update(table).where(table.c.record_id == record.id, table.c.rule_id == rule.id)
    values["reminded_at"] = NOW - timedelta(hours=ago)
    with records.transaction("tests"):
        ask(statement.values(values))


@pytest.fixture
def firms(people):
    """A customer of Ana's and one of Cho's, of which three and one thing were reminded of."""
    mine = make(Customer, name="Mine", account_manager_id=people.ana.id)
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    repaired = {"fixed_by_id": people.ana.id}
    tell(mine, "phone", 30, fixed_at=NOW - timedelta(hours=28), **repaired)
    tell(mine, "fax", 30, fixed_at=NOW - timedelta(hours=24), **repaired)
    tell(mine, "address", 30)
    tell(theirs, "phone", 30, fixed_at=NOW, fixed_by_id=people.cho.id)
    return mine, theirs


def figures(actor, since=SINCE):
    found = repairs.after_reminders(actor, Customer, since)
    return found.reminded, found.repaired, found.median


def test_reminders_are_counted_with_the_median_time_to_the_repair(firms, people):
    assert figures(people.ben) == (3, 2, timedelta(hours=4))
    assert figures(people.dev) == (4, 3, timedelta(hours=6))
    assert repairs.after_reminders(people.ben, Customer, SINCE).percent == 66


def test_who_sees_none_of_the_records_is_told_nothing(firms, people):
    assert figures(people.cho) == (1, 1, timedelta(hours=30))
    assert figures(people.ben, NOW - timedelta(hours=2)) == (0, 0, None)


def test_what_was_closed_with_its_rule_is_no_repair(firms, people):
    from crm_admin.database import db
    from crm_admin.services import validation

    asked = validation.rules_of("customers")
    [rule] = [r for r in asked if (r.field_key, r.kind) == ("address", "required")]
    with records.transaction("tests"):
        records.change(db.session.get(Rule, rule.id), {"is_active": False}, people.dev)
    assert figures(people.ben) == (2, 2, timedelta(hours=4))


@pytest.mark.parametrize(
    ("who", "repaired"), [("ana", 1), ("ben", 0), ("eve", 0), ("ivy", 1), ("system", 0)]
)
def test_what_others_put_right_is_no_repair_of_who_was_reminded(who, repaired, people):
    """Who fills it in for them makes the record complete; the figure says what they did."""
    people.ivy = make(User, username="ivy", name="Ivy")
    stand_in(people.ivy, people.ana)
    talk = make(Interaction, customer=make(Customer, name="Acme", account_manager_id=people.ana.id),
                author=people.ana, content="Talked")  # fmt: skip
    with records.transaction("tests"):
        reminders.remind(reminders.lacking_in(talk), people.ben)
    before = talk.completeness
    needed = {
        "contact_id": make(Contact, customer_id=talk.customer_id).id,
        "kind": "visit",
        "place": "Their office",
        "effect": "They liked it",
        "next_step": "Send an offer",
        "next_step_on": zones.today(),
    }
    with records.transaction("tests"):
        for key, value in needed.items():
            setattr(talk, key, value)
        records.save(talk, getattr(people, who))
    assert talk.completeness == 100 > before
    done = {one.lacking: one.done for one in reminders.received(people.ana, zones.today())}
    [use] = crm_use.of({people.ana.id: ("Ana", None)}, zones.today())
    assert (use.reminders, use.repaired) == (2, repaired)  # the other: it is still open
    if who != "system":  # jobs put nothing right; the next save by a person notes it
        assert done == {"missing": True, "open": False}
    found = repairs.after_reminders(people.dev, Interaction, SINCE)
    assert found.reminded > 0
    assert (found.repaired > 0) is bool(repaired)
