"""The nightly check of all records against the rules."""

from datetime import date

from crm_admin.i18n import N_
from crm_admin.jobs import job
from crm_admin.models.users import User
from crm_admin.services import completeness, records, scores
from crm_admin.services.job_runs import Progress

#: Entities are worked through one after the other; the mark counts them in these steps.
_STEP = 2**26


@job(N_("Completeness check"), hour=1)
def check_completeness(day: date, actor: User, progress: Progress) -> None:
    """Look at every record, note what it lacks and what was put right, and keep the day's scores.

    Source: A3
    """
    models = list(completeness.checked_entities())
    while (place := progress.mark // _STEP) < len(models):
        with records.transaction("job check_completeness"):
            chunk = completeness.chunk_after(models[place], progress.mark % _STEP)
            changed = completeness.refresh(chunk, day, actor) if chunk else 0
            mark = place * _STEP + chunk[-1].id if chunk else (place + 1) * _STEP
            progress.keep(mark, changed)
    scored = scores.scored()
    while (place := progress.mark // _STEP - len(models)) < len(scored):
        with records.transaction("job check_completeness"):
            kept = scores.keep(scored[place], day)
            progress.keep((len(models) + place + 1) * _STEP, kept)
