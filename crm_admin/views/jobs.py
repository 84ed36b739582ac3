"""The jobs page: what runs by itself, how it went, and a button to run it now."""

from datetime import datetime, time, timedelta
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose

from crm_admin import clock
from crm_admin.i18n import N_
from crm_admin.jobs import JOBS, Job, run
from crm_admin.models.job_runs import JobRun
from crm_admin.models.users import User
from crm_admin.services import access, job_runs, labels, outbox, records
from crm_admin.views import columns, requests
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _


def _may_run(actor: User) -> bool:
    return access.allows(actor, "run", JobRun)


class Jobs(Page):
    """Jobs and their runs, for administrators."""

    path, label, icon = "/jobs/", N_("Jobs"), "timer"
    menu, order = N_("Administration"), 60
    allowed = {"index": _may_run, "run": _may_run, "mail": _may_run}

    @expose("/")
    def index(self) -> str:
        """Show each job with its last and next run, and the latest runs of all."""
        last = job_runs.last_of(list(JOBS))
        silent = job_runs.is_silent()
        banner = _("The scheduler is not running: no reminders go out and nothing is checked.")
        return self.render(
            "jobs.html",
            banner=banner if silent else "",
            jobs=[_job(job, last.get(job.name)) for job in JOBS.values()],
            runs=[_run(one) for one in job_runs.recent()],
            mail=_mail(),
        )

    @expose("/mail/", methods=("POST",))
    def mail(self) -> Any:
        """Try again, or forget, what could not be sent."""
        again = request.form.get("what") == "again"
        with records.transaction("form"):
            count = outbox.try_again() if again else outbox.give_up()
        said = N_("%(count)s messages are tried again.") if again else N_("%(count)s forgotten.")
        flash(_(said, count=count), "success")
        return redirect(self.path)

    @expose("/run/", methods=("POST",))
    def run(self) -> Any:
        """Run a job now for today; the scheduled run of the day is not affected."""
        job = JOBS.get(request.args.get("name", "")) or abort(404)
        try:
            progress = run(job, clock.day_in(requests.company_zone()))
        except Exception:  # what went wrong stands in the run, which the page shows
            flash(_("The job failed. See its run below."), "error")
        else:
            count = progress.count if progress else 0
            flash(_("The job acted on %(count)s records.", count=count), "success")
        return redirect(self.path)


def _mail() -> dict[str, Any]:
    """Return how the outbox stands; no text of a message is shown, only to whom it could not go."""
    post, zone, state = requests.post(), requests.zone(), outbox.state()
    return {
        "is_on": post.server is not None,
        "host": post.server.host if post.server else "",
        "public_url": post.public_url,
        "waiting": state.waiting,
        "last_sent": columns.moment(state.last_sent, zone) if state.last_sent else "",
        "failed": [
            {
                "recipient": one.recipient,
                "subject": one.subject,
                "at": columns.moment(one.failed_at, zone),
                "attempts": one.attempts,
                "error": one.last_error or "",
            }
            for one in state.failed
        ],
    }


def _job(job: Job, last: JobRun | None) -> dict[str, Any]:
    zone = requests.zone()
    return {
        "name": job.name,
        "label": _(job.label),
        "schedule": _("daily at %(time)s", time=f"{job.hour:02}:{job.minute:02}"),
        "description": _(job.description),
        "next": columns.moment(_next(job), zone),
        "last": columns.moment(last.started_at, zone) if last else "",
        "last_state": _state(last) if last else None,
        "last_text": _("%(count)s records", count=last.count) if last else "",
        "run_url": f"/jobs/run/?name={job.name}",
    }


def _next(job: Job) -> datetime:
    """Return when the clock starts the job next."""
    zone, at = requests.company_zone(), time(job.hour, job.minute)
    now = clock.now().astimezone(zone)
    today = datetime.combine(now.date(), at, zone)
    return today if today > now else datetime.combine(now.date() + timedelta(days=1), at, zone)


def _state(one: JobRun) -> dict[str, str]:
    return {"label": _(labels.label_of(one.state)), "tone": one.state.tone}


def _run(one: JobRun) -> dict[str, Any]:
    zone = requests.zone()
    took = one.finished_at - one.started_at if one.finished_at else None
    error = (one.error or "").strip().splitlines()
    return {
        "job": _(JOBS[one.job].label) if one.job in JOBS else one.job,
        "day": one.day.isoformat(),
        "started": columns.moment(one.started_at, zone),
        "seconds": f"{took.total_seconds():.1f}" if took else "",
        "count": f"{one.count:,}",
        "state": _state(one),
        "error": error[-1][:300] if error else "",
    }
