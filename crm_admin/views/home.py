"""The first page after signing in: what waits today, and the person's own figures."""

import secrets
from datetime import date, timedelta
from typing import Any

from flask_admin import expose
from flask_babel import format_date

from crm_admin import clock
from crm_admin.errors import filled_in
from crm_admin.i18n import N_
from crm_admin.models.contracts import Contract
from crm_admin.models.tasks import Priority, Task
from crm_admin.models.users import User
from crm_admin.services import access, overview, picklists, tasks, tips
from crm_admin.views import columns, requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext


class Home(Page):
    """The page at "/"."""

    path, label, menu, icon, order = "/", N_("Home"), "", "layout-dashboard", 0
    allowed = {"index": anyone}

    @expose("/")
    def index(self) -> str:
        """Show what waits today. Source: C4"""
        actor, zone = requests.actor(), requests.company_zone()
        today = clock.day_in(zone)
        facts = overview.of(actor, today, requests.zone())
        return self.render(
            "home.html",
            greeting=_greeting(actor.name),
            today_text=format_date(today, "full"),
            figures=_figures(facts, today),
            lists=[_ending(facts, today)] if facts.ending is not None else [],
            tips=[_tip(tip) for tip in tips.of(tips.Day(actor, today, zone, facts))],
            tasks=_tasks(facts.work, actor, today),
            form_key=secrets.token_urlsafe(16),
            chart=_chart(facts, today),
        )


def _greeting(name: str) -> str:
    hour = clock.now().astimezone(requests.zone()).hour
    if hour < 12:
        return str(_("Good morning, %(name)s", name=name))
    if hour < 18:
        return str(_("Good afternoon, %(name)s", name=name))
    return str(_("Good evening, %(name)s", name=name))


def _figures(facts: overview.Overview, today: Any) -> list[dict[str, Any]]:
    """Return the key figures, each with the address of the records behind it."""
    until = (today + timedelta(days=30)).isoformat()
    found: list[dict[str, Any]] = []
    if facts.customers is not None:
        found.append(
            {
                "label": _("My customers"),
                "value": f"{facts.customers:,}",
                "note": _("%(count)s to contact by today", count=facts.to_contact),
                "tone": "warn" if facts.to_contact else "mut",
                "url": "/customers/?account_manager.is=me",
            }
        )
    if facts.ending is not None:
        found.append(
            {
                "label": _("Contracts ending in 30 days"),
                "value": f"{facts.ending[30]:,}",
                "note": _("%(count)s in 90 days", count=facts.ending[90]),
                "tone": "bad" if facts.ending[30] else "mut",
                "url": f"/contracts/?status.is=active&ends_on.from={today}&ends_on.to={until}",
            }
        )
    if facts.interactions is not None:
        found.append(
            {
                "label": _("Interactions this month"),
                "value": f"{facts.interactions:,}",
                "note": _("written by me"),
                "tone": "mut",
                "url": f"/interactions/?author.is=me&happened_at.from={today.replace(day=1)}",
            }
        )
    if facts.sees_completeness:
        found.append(
            {
                "label": _("Completeness"),
                "value": "—" if facts.percent is None else f"{facts.percent} %",
                "note": ngettext(
                    "%(count)s customer is incomplete",
                    "%(count)s customers are incomplete",
                    facts.incomplete,
                    count=facts.incomplete,
                ),
                "tone": "warn" if facts.incomplete else "ok",
                "url": "/customers/?completeness.to=99",
            }
        )
    return found


def _ending(facts: overview.Overview, today: date) -> dict[str, Any]:
    """Return the list of contracts that end soon; an amount stands with its currency."""
    shown = [c for c in columns.labelled(Contract) if c.key in facts.soonest_keys]
    order = [c for k in facts.soonest_keys if k != "currency" for c in shown if c.key == k]
    rows = []
    for id, *values in facts.soonest:
        row = dict(zip(facts.soonest_keys, values, strict=True))
        cells = [columns.shown(c, row[c.key]) if c.target is None else row[c.key] for c in order]
        if row.get("amount") is not None and row.get("currency"):
            place = [c.key for c in order].index("amount")
            cells[place] = f"{cells[place]} {row['currency']}"
        rows.append((f"/contracts/details/?id={id}", cells))
    return {
        "title": _("Contracts that end soon"),
        "all_url": f"/contracts/?status.is=active&ends_on.from={today}&sort=ends_on",
        "columns": [c.text for c in order],
        "rows": rows,
        "empty": _("No contract ends in the next 90 days."),
    }


def _tip(tip: tips.Tip) -> dict[str, Any]:
    """Return a tip (今日提示) as the page shows it."""
    url = tip.url
    if tip.record_id is not None:
        url = f"/{tip.entity}/details/?id={tip.record_id}"
    elif tip.entity:
        url = requests.address(f"/{tip.entity}/", list(tip.asked))
    return {
        "text": filled_in(tip.message, tip.values, _),
        "url": url,
        "tone": tip.tone,
        "when": tip.when.isoformat() if tip.when else "",
    }


def _tasks(day: tasks.Day | None, actor: User, today: date) -> dict[str, Any] | None:
    """Return the tasks that are due (工作任务), each with its button where the user may do it."""
    if day is None:
        return None
    edits = access.allows(actor, "edit", Task) and access.writable(actor, Task, "status")
    mine = "/tasks/?assignee.is=me&status.is=open&sort=due_on"
    kinds = access.readable(actor, Task, "kind")
    return {
        "rows": [
            {
                "key": one.key if edits else "",
                "id": one.id,
                "subject": one.subject,
                "url": f"/tasks/details/?id={one.id}",
                "about": one.customer or "",
                "about_url": f"/customers/details/?id={one.customer_id}" if one.customer else "",
                "kind": picklists.label("task_kinds", one.kind, requests.language())
                if kinds
                else "",
                "urgent": one.priority == Priority.HIGH
                and access.readable(actor, Task, "priority"),
                "late": one.due_on < today,
                "when": one.due_on.isoformat() if one.due_on < today else "",
            }
            for one in day.tasks
        ],
        "total": day.total,
        "overdue": day.overdue,
        "more": max(0, day.total - len(day.tasks)),
        "due_url": f"{mine}&due_on.to={today}",
        "all_url": mine,
        "adds": access.allows(actor, "create", Task),
        "today": today.isoformat(),
    }


def _chart(facts: overview.Overview, today: date) -> dict[str, Any] | None:
    """Return the contracts that end in each of the coming months."""
    if not any(count for _start, _end, count in facts.months):
        return None
    return {
        "title": _("Contracts in force by the month they end"),
        "bars": [
            {
                "label": f"{start:%Y}/1" if start.month == 1 else str(start.month),
                "short": str(start.month),
                "under": f"{start:%Y}" if start.month == 1 else "",
                "value": count,
                "text": f"{count:,}",
                "url": f"/contracts/?status.is=active&ends_on.from={max(start, today)}"
                f"&ends_on.to={end}",
            }
            for start, end, count in facts.months
        ],
    }
