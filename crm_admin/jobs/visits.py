"""Visits that are due: account managers are told, and for top grades chief representatives."""

from datetime import date

from crm_admin.i18n import N_
from crm_admin.jobs import job
from crm_admin.models.users import User
from crm_admin.services import cadences, records
from crm_admin.services.job_runs import Progress


@job(N_("Visits due"), hour=6, minute=30)
def tell_of_visits(day: date, actor: User, progress: Progress) -> None:
    """Tell who looks after a customer, once, that a visit was due by today. Source: A13, C9"""
    while True:
        with records.transaction("job tell_of_visits"):
            due = cadences.due_after(day, progress.mark)
            if not due:
                return
            progress.keep(due[-1].id, cadences.tell(due))
