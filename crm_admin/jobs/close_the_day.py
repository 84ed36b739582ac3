"""The end of the day: what is still open is listed to supervisors and, where it is set, closed."""

from datetime import date

from crm_admin.i18n import N_
from crm_admin.jobs import job
from crm_admin.models.users import User
from crm_admin.services import closing, records
from crm_admin.services.job_runs import Progress


@job(N_("End of the day"), hour=0, minute=5)
def close_the_day(day: date, actor: User, progress: Progress) -> None:
    """List what is still open of the days before, and close it if that is set. Source: B3"""
    with records.transaction("job close_the_day"):
        progress.keep(progress.mark, closing.list_to_supervisors(day))
    while closing.closes_at_midnight():
        with records.transaction("job close_the_day"):
            left = closing.open_after(day, progress.mark)
            if not left:
                return
            progress.keep(left[-1].id, closing.close_for(left, actor, day))
