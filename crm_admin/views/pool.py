"""The pool: customers nobody looks after, taking them and putting them back. Source: A5

A part of `CustomerView`, which has the rights and rows that it asks for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import abort, current_app, flash, redirect, request
from flask_admin import expose
from wtforms import Form, TextAreaField

from crm_admin.i18n import N_
from crm_admin.models.customers import Customer
from crm_admin.models.handovers import LONGEST_REASON
from crm_admin.models.users import User
from crm_admin.services import access, listing, pool, records
from crm_admin.views import columns, forms, frame, lists, pages, requests
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

KEYS = ("name", "number", "city", "industry", "grade", "pooled_at")
PATH = "/customers/pool/"
MOST_TAKEN = 500
ENTRY = frame.Entry(
    group=N_("Customers"),
    label=N_("Customer pool"),
    icon="inbox",
    path=PATH,
    allowed=lambda actor: access.allows(actor, "claim", Customer),
    order=15,
)


class PoolPages:
    """The pool's own page, and the two ways between it and somebody's customers."""

    path: str
    render: Any
    told: Any
    get_one: Any
    shows: Any
    reads: Any

    @expose("/pool/")
    def pool(self) -> str:
        """Show a page of the customers nobody looks after."""
        actor = requests.actor()
        question = replace(requests.question(), filters=(), within=pool.NOBODYS)
        shown = [columns.column(Customer, key) for key in KEYS if self.shows(key)]
        keys = [column.key for column in shown]
        page = listing.page(Customer, actor, question, keys, "claim")
        last = max(1, -(-min(page.count, listing.COUNTED) // question.size))
        if question.page and not page.rows:  # beyond the end: the last there is
            question = replace(question, page=last - 1)
            page = listing.page(Customer, actor, question, keys, "claim")
        here = lists.arguments(question)
        count, most = pool.held_by(actor.id), pool.most_of(actor, _most())
        return self.render(
            "customers/pool.html",
            view={"name": _("Customer pool"), "list_url": PATH, "icon": ENTRY.icon},
            columns=lists.headings(PATH, self.reads, shown, question, here),
            rows=_rows(actor, page.rows, shown),
            count_text=lists.counted(page.count),
            held_text=_held(count, most),
            page=lists.pager(PATH, here, question, page.count, last),
            search=question.search,
            search_hint=_("Search"),
            hidden_args=[(k, v) for k, v in here if k not in ("search", "page")],
            actions=[{"name": "take", "label": _("Take")}],
            action_url=f"{PATH}take/",
            empty=_empty(question),
            return_url=requests.address(PATH, here),
        )

    @expose("/pool/take/", methods=("POST",))
    def take(self) -> Any:
        """Become the account manager of one or several customers, as far as they are free."""
        asked = [access.key_of(id) for id in request.form.getlist("rowid")[:MOST_TAKEN]]
        ids = {id for id in asked if id is not None}
        names = bool(current_app.config["CLAIM_NAMES_OWNER"])
        taken = pool.Taken()
        with self.told(), records.transaction("form"):
            taken = pool.take(ids, requests.actor(), most=_most(), names_manager=names)
        if asked and taken.missing and not (taken.ids or taken.lost or taken.beyond):
            abort(404)  # as for any customer that is not there
        if not asked:
            flash(_("Please select at least one record."), "warning")
        for text, tone in _told(taken, several=len(asked) > 1):
            flash(text, tone)
        return redirect(requests.back(PATH))

    @expose("/release/", methods=("GET", "POST"))
    def release(self) -> Any:
        """Ask why a customer goes back into the pool, and put it there."""
        actor, customer = requests.actor(), self.get_one(request.values.get("id"))
        if not pool.may_release(customer, actor):
            abort(403)
        form, manager_id = _form(), access.key_of(request.form.get("manager"))
        if request.method == "POST":
            with self.told() as telling, records.transaction("form"):
                telling.form, reason = form, form["reason"].data or ""
                pool.release(customer, reason, actor, manager_id=manager_id)
                flash(_("%(name)s is in the pool again.", name=customer.name), "success")
                sees = access.find(Customer, customer.id, actor) is not None
                return redirect(f"{self.path}details/?id={customer.id}" if sees else self.path)
            customer = self.get_one(request.values.get("id"))
        details = f"{self.path}details/?id={customer.id}"
        return self.render(
            "customers/release.html",
            title=_("Put %(name)s back into the pool", name=customer.name),
            crumbs=[(_("Customers"), self.path), (customer.name, details)],
            form=form,
            id=customer.id,
            manager_id=customer.account_manager_id,
            back=details,
        )

    def pool_buttons(self, record: Customer) -> list[dict[str, Any]]:
        """Return the buttons that take a customer from the pool, or put it back."""
        actor = requests.actor()
        if pool.may_take(record, actor):
            details = f"{self.path}details/?id={record.id}"
            fields = [("rowid", record.id), ("url", details)]
            return [pages.button(_("Take"), f"{PATH}take/", "hand", fields=fields)]
        if pool.may_release(record, actor):
            url = f"{self.path}release/?id={record.id}"
            return [pages.button(_("Back into the pool"), url, "undo-2")]
        return []


def _most() -> int:
    """Return how many customers a person may have, as the company has it."""
    return int(current_app.config["CUSTOMERS_PER_PERSON"])


def _form() -> Form:
    """Return the form that asks why."""
    reason = TextAreaField(
        _("Reason"),
        description=_("The history of the customer keeps it."),
        render_kw={"maxlength": LONGEST_REASON},
    )
    form: Form = type("ReleaseForm", (Form,), {"reason": reason, "Meta": forms.Meta})(request.form)
    form["reason"].flags.required = True
    return form


def _rows(
    actor: User, rows: Sequence[tuple[Any, ...]], shown: list[Column]
) -> list[dict[str, Any]]:
    """Return the rows of the page; a name leads to its customer for who may open it."""
    make = [columns.form_for(Customer, column) for column in shown]
    opened = pool.openable([row[0] for row in rows], actor)
    return [
        {
            "id": row[0],
            "url": f"/customers/details/?id={row[0]}" if row[0] in opened else "",
            "cells": [form(value) for form, value in zip(make, row[1:], strict=True)],
        }
        for row in rows
    ]


def _held(count: int, most: int) -> str:
    """Return how many customers one looks after, and how many one may."""
    if not most:
        return ngettext(
            "You look after %(count)s customer.",
            "You look after %(count)s customers.",
            count,
            count=f"{count:,}",
        )
    said = {"count": f"{count:,}", "most": f"{most:,}"}
    return str(_("You look after %(count)s of at most %(most)s customers.", **said))


def _empty(question: listing.Question) -> dict[str, str]:
    """Return what an empty page says."""
    if question.search:
        return {"title": _("Nothing found"), "text": _("No customer in the pool fits this.")}
    text = _("Customers that nobody looks after appear here.")
    return {"title": _("The pool is empty"), "text": text}


def _told(taken: pool.Taken, *, several: bool) -> list[tuple[str, str]]:
    """Return what to say of what was taken and what was not, each with its tone.

    Of a customer that somebody else looks after nothing is told but their name.
    """
    found: list[tuple[str, str]] = []
    if len(taken.names) == 1:
        found.append((_("You now look after %(name)s.", name=taken.names[0]), "success"))
    elif taken.names:
        said = _("You now look after %(count)s more customers.", count=len(taken.names))
        found.append((said, "success"))
    for name, count in Counter(taken.lost).items():
        text = _("Already looked after by %(name)s.", name=name)
        if several:
            text = _("%(count)s already looked after by %(name)s.", count=count, name=name)
        found.append((text, "error"))
    if taken.missing:
        text = ngettext(
            "%(num)s customer is not in the pool.",
            "%(num)s customers are not in the pool.",
            taken.missing,
        )
        found.append((text, "error"))
    if taken.beyond:
        most = f"{taken.most:,}"
        text = _("You look after %(most)s customers; that is the most you may have.", most=most)
        if taken.names:
            text = _(
                "Only so many: with these you look after %(most)s, the most you may have.",
                most=most,
            )
        found.append((text, "error"))
    return found
