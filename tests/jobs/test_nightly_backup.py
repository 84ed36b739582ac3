"""The nightly backup: one a day, tried before the oldest goes."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from crm_admin.errors import CrmError
from crm_admin.jobs import JOBS, run
from crm_admin.models.customers import Customer
from crm_admin.models.job_runs import RunState
from crm_admin.services import backups, job_runs
from tests.fresh import installed
from tests.make import make

DAY = date(2026, 3, 10)


@pytest.fixture
def live(request, tmp_path):
    with installed(tmp_path / "instance", request, BACKUPS_KEPT=3) as app, app.app_context():
        make(Customer, name="Acme")
        yield app


def back_up(day=DAY, **how):
    return run(JOBS["back_up_nightly"], day, **how)


def folder(app):
    return Path(app.config["BACKUP_FOLDER"])


def test_a_day_has_one_backup_that_restores(live):
    assert back_up(scheduled=True).count == 1
    assert back_up(scheduled=True) is None
    [file] = folder(live).iterdir()
    assert file.name == "crm-2026-03-10.crmbackup"
    assert backups.check(file).rows["customers"] == 1


def test_only_the_newest_are_kept(live):
    for day in range(5):
        back_up(DAY + timedelta(days=day))
    assert [p.name for p in backups.kept(folder(live))] == [
        f"crm-2026-03-{n}.crmbackup" for n in (14, 13, 12)
    ]


def test_a_run_again_the_same_day_replaces_the_days_backup(live):
    back_up()
    make(Customer, name="Later Ltd")
    back_up()
    [file] = folder(live).iterdir()
    assert backups.check(file).rows["customers"] == 2


def test_with_none_kept_none_is_made(live):
    live.config["BACKUPS_KEPT"] = 0
    back_up()
    assert not folder(live).exists()


def test_a_backup_that_cannot_be_written_is_shown_and_no_old_one_goes(live):
    for day in range(3):
        back_up(DAY + timedelta(days=day))
    tomorrow = DAY + timedelta(days=3)
    backups.nightly(folder(live), tomorrow).mkdir()
    with pytest.raises((CrmError, OSError)):
        back_up(tomorrow, scheduled=True)
    last = job_runs.last_of(["back_up_nightly"])["back_up_nightly"]
    assert last.state == RunState.FAILED
    assert last.error
    assert len([p for p in folder(live).iterdir() if p.is_file()]) == 3
