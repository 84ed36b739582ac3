"""Contracts that run out: who is told, when, once; and which of them end."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.jobs import JOBS, run
from crm_admin.models.contracts import Contract, ContractStatus, RenewalPolicy
from crm_admin.models.notifications import Notification
from crm_admin.services import records
from tests.make import make

TODAY = date(2026, 3, 10)
START = date(2020, 1, 1)


def contract(people, *, ends_on, **values):
    values = {
        "status": ContractStatus.ACTIVE,
        "notice_days": 30,
        "owner_id": people.ana.id,
    } | values
    return make(Contract, starts_on=START, ends_on=ends_on, **values)


def warn(day=TODAY):
    return run(JOBS["warn_of_renewals"], day).count


def end(day=TODAY):
    return run(JOBS["end_contracts"], day).count


def told(record, kind="renewal"):
    """Return whom the contract's notices went to."""
    db.session.rollback()
    statement = select(Notification.user_id).where(
        Notification.record_id == record.id, Notification.key.startswith(f"{kind}:")
    )
    return list(db.session.scalars(statement))


@pytest.mark.parametrize(
    ("days", "notice", "due"),
    [
        (31, 30, False),
        (30, 30, True),
        (1, 30, True),
        (0, 30, True),
        (-1, 30, False),
        (0, 0, True),
        (1, 0, False),
        (90, 90, True),
        (91, 90, False),
        (3650, 3650, True),
    ],
    ids=[
        "a day too early",
        "the first day of its notice",
        "the day before the last",
        "the last day",
        "ended yesterday",
        "no notice, on the last day",
        "no notice, the day before",
        "a longer notice",
        "a day before a longer notice",
        "ten years ahead",
    ],
)
def test_an_owner_is_warned_from_the_notice_to_the_last_day(app, people, days, notice, due):
    record = contract(people, ends_on=TODAY + timedelta(days=days), notice_days=notice)
    assert warn() == int(due)
    assert told(record) == [people.ana.id] * due


@pytest.mark.parametrize(
    ("today", "ends_on", "due"),
    [
        ("2028-01-30", "2028-02-29", True),
        ("2028-01-29", "2028-02-29", False),
        ("2027-01-29", "2027-02-28", True),
        ("2027-12-02", "2028-01-01", True),
        ("2027-12-01", "2028-01-01", False),
    ],
)
def test_thirty_days_are_thirty_days_over_leap_days_and_years(app, people, today, ends_on, due):
    record = contract(people, ends_on=date.fromisoformat(ends_on))
    warn(date.fromisoformat(today))
    assert bool(told(record)) is due


@pytest.mark.parametrize("status", [s for s in ContractStatus if s is not ContractStatus.ACTIVE])
def test_only_an_active_contract_runs_out(app, people, status):
    record = contract(people, ends_on=TODAY + timedelta(days=10), status=status)
    ended = contract(people, ends_on=TODAY - timedelta(days=1), status=status)
    assert warn() == end() == 0
    assert told(record) == told(ended, "ended") == []


def test_each_contract_is_told_of_once_however_often_the_job_runs(app, people):
    record = contract(people, ends_on=TODAY + timedelta(days=20))
    assert [warn(TODAY + timedelta(days=n)) for n in (0, 0, 1, 20)] == [1, 0, 0, 0]
    assert len(told(record)) == 1


def test_a_new_end_or_another_notice_is_told_of_again(app, people):
    record = contract(people, ends_on=TODAY + timedelta(days=20))
    warn()
    with records.transaction("tests"):
        records.change(record, {"ends_on": TODAY + timedelta(days=25)}, people.dev)
    assert (warn(), warn()) == (1, 0)
    with records.transaction("tests"):
        records.change(record, {"notice_days": 40}, people.dev)
    assert (warn(), warn()) == (1, 0)


def test_a_contract_in_the_bin_runs_out_for_nobody(app, people):
    record = contract(people, ends_on=TODAY)
    with records.transaction("tests"):
        records.delete(record, people.dev)
    assert warn() == 0


def test_more_contracts_than_one_chunk_are_all_told_of(app, people):
    customer = make(Contract, starts_on=START, ends_on=TODAY).customer_id
    rows = [
        {
            "number": f"N-{n}",
            "title_text": f"T{n}",
            "customer_id": customer,
            "kind": "sale",
            "status": "active",
            "starts_on": START,
            "ends_on": TODAY + timedelta(days=5),
            "remind_on": TODAY - timedelta(days=25),
            "notice_days": 30,
            "renewal_policy": "ask",
            "owner_id": people.ana.id,
            "currency": "CNY",
            "version": 1,
        }
        for n in range(1203)
    ]
    with records.transaction("tests"):
        db.session.execute(Contract.__table__.insert(), rows)
    assert warn() == 1203
    assert warn() == 0


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (RenewalPolicy.LAPSE, ContractStatus.NOT_RENEWED),
        (RenewalPolicy.ASK, ContractStatus.ACTIVE),
        (RenewalPolicy.RENEW, ContractStatus.ACTIVE),
    ],
)
@pytest.mark.parametrize("days", [1, 400], ids=["yesterday", "long ago"])
def test_an_ended_contract_follows_its_policy_and_its_owner_is_told_once(
    app, people, policy, status, days
):
    record = contract(people, ends_on=TODAY - timedelta(days=days), renewal_policy=policy)
    assert end() == int(policy is RenewalPolicy.LAPSE)
    assert end() == 0
    db.session.rollback()
    assert record.status == status
    assert told(record, "ended") == [people.ana.id]


def test_a_contract_runs_on_its_last_day(app, people):
    record = contract(people, ends_on=TODAY, renewal_policy=RenewalPolicy.LAPSE)
    assert end() == 0
    assert record.status == ContractStatus.ACTIVE
    assert end(TODAY + timedelta(days=1)) == 1
