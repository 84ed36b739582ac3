"""The nightly check: what is lacking is noted once, and what was put right is closed."""

import re
from datetime import date

import pytest
from sqlalchemy import event, select

from crm_admin.database import db
from crm_admin.jobs import JOBS, run
from crm_admin.models.customers import Customer
from crm_admin.models.findings import Finding
from crm_admin.services import records
from tests.make import make

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
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


def test_what_a_record_lacks_is_noted_once_and_a_second_run_writes_nothing(customer):
    assert check() > 0
    noted = findings(customer)
    assert noted
    assert all(f.found_on == MONDAY and f.fixed_at is None for f in noted)
    assert check(TUESDAY) == 0
    assert len(findings(customer)) == len(noted)


def test_what_was_put_right_is_closed_and_what_is_lacking_again_is_a_new_note(customer, people):
    check()
    before = len(findings(customer))
    with records.transaction("tests"):
        records.change(customer, {"phone": "010-62345678"}, people.dev)
    check(TUESDAY)
    closed = [f for f in findings(customer) if f.fixed_at is not None]
    assert len(closed) >= 1
    with records.transaction("tests"):
        records.change(customer, {"phone": None}, people.dev)
    check(date(2026, 3, 11))
    assert len(findings(customer)) == before + len(closed)


def test_a_second_run_touches_no_record_and_no_note(customer):
    check()
    written = []

    def note(connection, cursor, statement, *_):
        if re.match(r"(INSERT|UPDATE|DELETE)\b", statement):
            written.append(statement.split()[2 if statement.startswith("INSERT") else 1])

    event.listen(db.engine, "before_cursor_execute", note)
    check(TUESDAY)
    event.remove(db.engine, "before_cursor_execute", note)
    assert set(written) == {"job_runs"}


def test_a_record_in_the_bin_lacks_nothing(customer, people):
    check()
    with records.transaction("tests"):
        records.delete(customer, people.dev)
    check(TUESDAY)
    assert all(f.fixed_at is not None for f in findings(customer))
