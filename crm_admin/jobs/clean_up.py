"""The nightly clean-up: files and rows that nobody needs any more."""

from datetime import date
from pathlib import Path

from flask import current_app

from crm_admin.i18n import N_
from crm_admin.jobs import job
from crm_admin.models.users import User
from crm_admin.services import housekeeping, large_exports, records
from crm_admin.services.job_runs import Progress


@job(N_("Clean-up"), hour=3, minute=30)
def clean_up(day: date, actor: User, progress: Progress) -> None:
    """Remove ended sessions, old sign-in tries and exports that nobody fetched in time."""
    folder = Path(current_app.config["INSTANCE"]) / "exports"
    for export in list(large_exports.stuck()):
        large_exports.failed(export.id, "stopped")
    with records.transaction("job clean_up"):
        for export in large_exports.outdated():
            (folder / (export.stored_as or "-")).unlink(missing_ok=True)
            export.stored_as = None
        progress.keep(0, housekeeping.forget_old())
