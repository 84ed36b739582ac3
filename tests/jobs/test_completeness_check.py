"""The nightly check: what is lacking is noted once, and what was put right is closed."""

import re
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import event, select

from crm_admin.database import db
from crm_admin.jobs import JOBS, run
from crm_admin.models.customers import Customer
from crm_admin.models.findings import DailyScore, Finding
from crm_admin.models.rules import Rule
from crm_admin.services import completeness, loading, records, scores, validation
from crm_admin.services import findings as services_findings

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)


def check(day=MONDAY):
    return run(JOBS["check_completeness"], day).count


def findings(record):
    db.session.rollback()
    statement = select(Finding).where(
        Finding.entity == record.__tablename__, Finding.record_id == record.id
    )
    return list(db.session.scalars(statement.order_by(Finding.id)))


@pytest.fixture
def customer(app, people):
    """A customer that was loaded with others: what it lacks is left to the next check."""
    with records.transaction("tests"):
        rows = [{"name": "Acme", "account_manager_id": people.ana.id}, {"name": "Pooled"}]
        [id, _other] = loading.load(Customer, rows, people.system)
    return db.session.get(Customer, id)


@contextmanager
def written():
    """Note the tables that the block writes to."""
    tables = []

    def note(connection, cursor, statement, *_):
        if re.match(r"(INSERT|UPDATE|DELETE)\b", statement):
            tables.append(statement.split()[2 if statement.startswith("INSERT") else 1])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield tables
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_what_a_record_lacks_is_noted_once_and_a_second_run_writes_nothing(customer):
    assert not findings(customer)
    assert check() > 0
    noted = findings(customer)
    assert noted
    assert all(f.found_on == MONDAY and f.fixed_at is None for f in noted)
    assert check() == 0
    assert len(findings(customer)) == len(noted)


def test_what_was_put_right_meanwhile_is_closed_in_the_name_of_the_system(customer, people):
    """As when a rule says something else than before: nobody has saved the record."""
    check()
    asked = validation.rules_of("customers")
    [rule] = [r for r in asked if (r.field_key, r.kind) == ("phone", "required")]
    with records.transaction("tests"):
        records.change(db.session.get(Rule, rule.id), {"condition": "grade = 'A'"}, people.dev)
    assert check(TUESDAY) > 0
    [closed] = [f for f in findings(customer) if f.rule_id == rule.id]
    assert closed.fixed_by_id == people.system.id
    assert db.session.get(Customer, customer.id).completeness > 12


def test_what_was_put_right_by_a_save_is_left_as_it_is(customer, people):
    check()
    with records.transaction("tests"):
        records.change(customer, {"phone": "010-62345678"}, people.dev)
    [closed] = [f for f in findings(customer) if f.fixed_at is not None]
    at = closed.fixed_at
    check(TUESDAY)
    [closed] = [f for f in findings(customer) if f.fixed_at is not None]
    assert (closed.fixed_at, closed.fixed_by_id) == (at, people.dev.id)


def test_a_second_run_touches_no_record_and_no_note(customer):
    check()
    with written() as tables:
        check()
    assert set(tables) == {"job_runs"}
    with written() as tables:
        check(TUESDAY)
    assert set(tables) == {"job_runs", "daily_scores"}


def test_each_day_has_one_score_a_person_and_entity(customer, people):
    check()
    check()
    check(TUESDAY)
    db.session.rollback()
    rows = db.session.execute(
        select(DailyScore.day, DailyScore.records, DailyScore.complete, DailyScore.percents).where(
            DailyScore.user_id == people.ana.id, DailyScore.entity == "customers"
        )
    )
    assert sorted(rows) == [(MONDAY, 1, 0, 12), (TUESDAY, 1, 0, 12)]


@pytest.mark.parametrize("breaks", ["findings.refresh", "scores.keep"])
def test_a_run_that_was_killed_is_made_good_by_the_next(customer, people, monkeypatch, breaks):
    """One chunk is done when it happens; the next run does the rest, and nothing twice."""
    monkeypatch.setattr(completeness, "CHUNK", 1)
    module, name = breaks.split(".")
    service = {"findings": services_findings, "scores": scores}[module]
    whole, calls = getattr(service, name), []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(service, name, killed)
    with pytest.raises(KeyboardInterrupt):
        check()
    monkeypatch.setattr(service, name, whole)
    before = len(findings(customer))
    assert before, "what was done before stays"
    check()
    assert len(findings(customer)) == before
    assert {f.record_id for f in db.session.scalars(select(Finding))} >= {customer.id}
    days = db.session.execute(select(DailyScore.entity, DailyScore.user_id)).all()
    assert len(days) == len(set(days)) > 0


def test_a_record_in_the_bin_lacks_nothing(customer, people):
    check()
    with records.transaction("tests"):
        records.delete(customer, people.dev)
    check(TUESDAY)
    assert all(f.fixed_at is not None for f in findings(customer))
