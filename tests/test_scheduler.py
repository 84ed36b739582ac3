"""Which runs are due at a moment, and what a failing job may not stop."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from crm_admin import clock, scheduler
from crm_admin.database import db
from crm_admin.jobs import JOBS, Job
from crm_admin.models.job_runs import JobRun, RunState
from crm_admin.services import job_runs, records

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def job(hour=6, minute=0, bounded=False, work=lambda day, actor, progress: None, name="tried"):
    return Job(name, name, hour, minute, bounded, work)


def ran(*days, name="tried", state=RunState.DONE):
    """Note that the clock ran the job for these days."""
    for day in days:
        progress = job_runs.claim(name, day, scheduled=True)
        if state is RunState.DONE:
            job_runs.finish(progress)


def at(text, zone=SHANGHAI):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def due(what, now):
    return [day.isoformat() for day in scheduler.due(what, now, 7)]


@pytest.mark.parametrize(
    ("bounded", "last", "now", "days"),
    [
        (False, None, "2026-03-10 05:59", []),
        (False, None, "2026-03-10 06:00", ["2026-03-10"]),
        (True, None, "2026-03-10 23:59", ["2026-03-10"]),
        (False, "2026-03-10", "2026-03-10 23:00", []),
        (False, "2026-03-10", "2026-03-11 05:59", []),
        (False, "2026-03-10", "2026-03-11 06:00", ["2026-03-11"]),
        (False, "2026-03-07", "2026-03-10 05:00", ["2026-03-09"]),
        (False, "2026-03-07", "2026-03-10 07:00", ["2026-03-10"]),
        (True, "2026-03-07", "2026-03-10 05:00", ["2026-03-08", "2026-03-09"]),
        (True, "2026-03-07", "2026-03-10 07:00", ["2026-03-08", "2026-03-09", "2026-03-10"]),
        (False, "2026-03-01", "2026-03-11 07:00", ["2026-03-11"]),
        (True, "2026-03-01", "2026-03-11 07:00", [f"2026-03-{d:02}" for d in range(4, 12)]),
        (True, "2026-02-27", "2026-03-01 07:00", ["2026-02-28", "2026-03-01"]),
        (True, "2028-02-28", "2028-03-01 07:00", ["2028-02-29", "2028-03-01"]),
        (True, "2026-12-31", "2027-01-01 07:00", ["2027-01-01"]),
    ],
    ids=[
        "first day, too early",
        "first day, on time",
        "first day, nothing is owed from before",
        "done today",
        "next day, too early",
        "next day",
        "off 3 days, before the hour",
        "off 3 days: a state follows its date, once",
        "off 3 days, before the hour, day by day",
        "off 3 days, day by day",
        "off 10 days: a state, once",
        "off 10 days: seven past days and today",
        "over a month's end",
        "over a leap day",
        "over a year's end",
    ],
)
def test_due_are(app, bounded, last, now, days):
    if last:
        ran(date.fromisoformat(last))
    assert due(job(bounded=bounded), at(now)) == days


@pytest.mark.parametrize(
    ("utc", "days"),
    [
        ("2026-03-29 00:59", []),  # 01:59 before the hour that is left out
        ("2026-03-29 01:00", ["2026-03-29"]),  # 03:00 after it
        ("2026-10-24 23:59", []),  # 01:59
        ("2026-10-25 00:30", ["2026-10-25"]),  # 02:30 for the first time
        ("2026-10-25 01:30", ["2026-10-25"]),  # 02:30 once more
    ],
)
def test_a_job_at_half_past_two_is_due_once_on_the_nights_the_clock_is_changed(app, utc, days):
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone(BERLIN)
    ran(now.date() - timedelta(days=1))
    assert due(job(hour=2, minute=30), now) == days
    ran(*map(date.fromisoformat, days))
    assert due(job(hour=2, minute=30), now) == []


def test_a_day_that_failed_or_was_cut_off_stays_due(app):
    ran(date(2026, 3, 9))
    ran(date(2026, 3, 10), state=RunState.RUNNING)
    assert due(job(), at("2026-03-10 07:00")) == ["2026-03-10"]


def test_runs_by_hand_stand_for_no_scheduled_one(app):
    job_runs.finish(job_runs.claim("tried", date(2026, 3, 10), scheduled=False))
    assert due(job(), at("2026-03-10 07:00")) == ["2026-03-10"]


@pytest.fixture
def jobs():
    """The jobs there are, to be replaced by the test's own."""
    kept = dict(JOBS)
    JOBS.clear()
    yield JOBS
    JOBS.clear()
    JOBS.update(kept)


def runs():
    db.session.rollback()
    return {r.job: r for r in db.session.scalars(select(JobRun))}


def fail(day, actor, progress):
    raise ValueError("no such thing")


def test_a_job_that_fails_is_shown_and_keeps_no_other_from_running(app, jobs):
    acted = []
    jobs["a"] = job(hour=0, name="a", work=fail)
    jobs["b"] = job(hour=0, name="b", work=lambda *_: acted.append(1))
    scheduler.look(app, SHANGHAI)
    found = runs()
    assert (found["a"].state, found["b"].state) == (RunState.FAILED, RunState.DONE)
    assert "ValueError: no such thing" in found["a"].error
    scheduler.look(app, SHANGHAI)
    assert acted == [1]


@pytest.mark.parametrize(
    ("tries", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (2000, 60)]
)
def test_a_failed_job_is_tried_again_after_pauses_that_grow(app, jobs, tries, minutes):
    jobs["a"] = job(hour=0, name="a", work=fail)
    scheduler.look(app, SHANGHAI)

    def failed(ago):
        with records.transaction("tests"):
            db.session.execute(update(JobRun).values(tries=tries, finished_at=clock.now() - ago))
        scheduler.look(app, SHANGHAI)
        return runs()["a"].tries

    pause = timedelta(minutes=minutes)
    assert failed(pause - timedelta(seconds=10)) == tries
    assert failed(pause + timedelta(seconds=10)) == tries + 1


def test_a_failed_job_that_works_again_is_done_and_its_error_is_gone(app, jobs):
    jobs["a"] = job(hour=0, name="a", work=fail)
    scheduler.look(app, SHANGHAI)
    jobs["a"] = job(hour=0, name="a")
    with records.transaction("tests"):
        before = clock.now() - timedelta(minutes=2)
        db.session.execute(update(JobRun).values(finished_at=before))
    scheduler.look(app, SHANGHAI)
    assert (runs()["a"].state, runs()["a"].error) == (RunState.DONE, None)


def test_nobody_waits_for_what_a_clock_that_was_wrong_has_noted(app, jobs):
    jobs["a"] = job(hour=0, name="a", work=fail)
    scheduler.look(app, SHANGHAI)
    for values in ({"finished_at": clock.now() + timedelta(days=400)}, {"state": RunState.RUNNING}):
        with records.transaction("tests"):
            db.session.execute(
                update(JobRun).values(lease_until=clock.now() + timedelta(days=400), **values)
            )
        before = runs()["a"].tries
        scheduler.look(app, SHANGHAI)
        assert runs()["a"].tries == before + 1


def test_a_run_is_one_holders_until_its_lease_is_over(app):
    first = job_runs.claim("tried", date(2026, 3, 10), scheduled=True)
    assert job_runs.claim("tried", date(2026, 3, 10), scheduled=True) is None
    with records.transaction("tests"):
        db.session.execute(update(JobRun).values(lease_until=clock.now() - timedelta(seconds=1)))
    second = job_runs.claim("tried", date(2026, 3, 10), scheduled=True)
    assert second is not None
    assert not job_runs.renew(first)
    with pytest.raises(job_runs.Conflict), records.transaction("tests"):
        first.keep(5, 1)
    job_runs.finish(first, error="too late to say so")
    assert runs()["tried"].state == RunState.RUNNING
    assert job_runs.renew(second)
