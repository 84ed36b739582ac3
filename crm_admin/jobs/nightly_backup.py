"""The nightly backup, which counts only once it has been tried."""

from datetime import date
from pathlib import Path

from flask import current_app

from crm_admin.i18n import N_
from crm_admin.jobs import job
from crm_admin.models.users import User
from crm_admin.services import backups, records
from crm_admin.services.job_runs import Progress


@job(N_("Nightly backup"), hour=2)
def back_up_nightly(day: date, actor: User, progress: Progress) -> None:
    """Write the day's backup, prove that it restores, and only then remove the oldest.

    Its data is unpacked and asked whether it is whole; its rows and files must be those that were
    there. The last run that ended well is the last good trial of a backup.
    """
    config = current_app.config
    if config["BACKUPS_KEPT"] == 0:
        return
    folder = Path(config["BACKUP_FOLDER"])
    file = backups.nightly(folder, day)
    backups.write(file, Path(config["INSTANCE"]))
    backups.check(file)
    with records.transaction("job back_up_nightly"):
        progress.keep(1, 1)
    backups.rotate(folder, config["BACKUPS_KEPT"])
