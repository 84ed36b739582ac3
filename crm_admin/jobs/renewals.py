"""Contracts that run out: their owners are warned, and those that ended change their state."""

from datetime import date

from crm_admin.i18n import N_
from crm_admin.jobs import job
from crm_admin.models.users import User
from crm_admin.services import contracts, records
from crm_admin.services.job_runs import Progress


@job(N_("Renewal notices"), hour=6)
def warn_of_renewals(day: date, actor: User, progress: Progress) -> None:
    """Tell each owner, once, of a contract that ends within its notice days. Source: H2"""
    while True:
        with records.transaction("job warn_of_renewals"):
            due = contracts.due_after(day, progress.mark)
            if not due:
                return
            progress.keep(due[-1].id, contracts.warn_owners(due))


@job(N_("Ended contracts"), hour=0, minute=10)
def end_contracts(day: date, actor: User, progress: Progress) -> None:
    """Turn contracts past their end into not renewed, where their policy says so. Source: H3"""
    while True:
        with records.transaction("job end_contracts"):
            ended = contracts.ended_after(day, progress.mark)
            if not ended:
                return
            progress.keep(ended[-1].id, contracts.end(ended, actor))
