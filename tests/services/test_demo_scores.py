"""The past that demo data has: figures of weeks, and reminders with what they led to."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.jobs import JOBS, run
from crm_admin.models.findings import DailyScore, Finding
from crm_admin.services import demo, demo_scores, organisation, records
from crm_admin.services.demo_words import Calendar

DAY, ZONE = date(2026, 3, 2), ZoneInfo("Asia/Shanghai")


def test_figures_lead_up_to_the_first_check_and_reminders_to_repairs(app, people):
    plan = demo.Plan(60, DAY, ZONE)
    folder = Path(__file__).parents[2] / "config" / "demo"
    staff = demo.make(plan, folder, "no secret here", organisation.system(), lambda *_: None)
    run(JOBS["check_completeness"], DAY)
    with records.transaction("demo"):
        demo_scores.make(Calendar(DAY, ZONE), staff, 1)
    days = select(func.count(DailyScore.day.distinct()), func.min(DailyScore.day))
    assert db.session.execute(days).one() == (
        demo_scores.DAYS,
        DAY - timedelta(days=demo_scores.DAYS - 1),
    )
    for score in db.session.scalars(select(DailyScore)):
        assert 0 <= score.complete <= score.records
        assert 0 <= score.percents <= 100 * score.records
    reminded = db.session.scalars(select(Finding).where(Finding.reminded_at.is_not(None))).all()
    assert any(finding.fixed_at is None for finding in reminded)
    repaired = [finding for finding in reminded if finding.fixed_at]
    assert repaired
    assert all(f.found_at < f.reminded_at < f.fixed_at and f.fixed_by_id for f in repaired)
