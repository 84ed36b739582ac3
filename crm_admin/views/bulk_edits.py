"""Changing one field of many records: which one, to what, what it would do, and taking it back.

A part of every entity's screen, which has the rights and rows that it asks for.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request
from flask_admin import expose
from wtforms import Form

from crm_admin.models.base import Record
from crm_admin.services import access, bulk_edits, records
from crm_admin.views import columns, forms, lists, pages, requests
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: How many records a preview shows.
SHOWN = 20


def _transaction() -> Any:
    return records.transaction("bulk-edit")


class BulkEdits:
    """What a screen does to change many of its records at once."""

    model: ClassVar[type[Record]]
    narrowed: ClassVar[dict[str, str]]
    handed_over: ClassVar[tuple[str, ...]]
    path: str
    fields: dict[str, Column]
    render: Any
    told: Any
    _lookup: Any

    def may_bulk_edit(self) -> bool:
        """Return whether the user may change many of these records at once."""
        actor, model = requests.actor(), self.model
        may = all(access.allows(actor, verb, model) for verb in (bulk_edits.VERB, "edit"))
        return may and not model.append_only

    def bulk_button(self, here: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Return the button of the list that changes all it holds, as `list_buttons` does."""
        if not self.may_bulk_edit():
            return []
        url = requests.address(f"{self.path}bulk_edit/", here)
        return [pages.button(_("Change all found"), url, "list-checks")]

    @expose("/bulk_edit/", methods=("GET", "POST"))
    def bulk_edit(self) -> Any:
        """Begin with all that a list finds, or go on with the records that were chosen."""
        if request.method == "POST":
            sent = request.form.get("ids", "").split()[: bulk_edits.MOST + 1]
            return self.bulk_editing([key for id in sent if (key := access.key_of(id))])
        question = lists.asked(self)
        return self.bulk_editing(bulk_edits.of_list(self.model, requests.actor(), question))

    def bulk_editing(self, ids: Sequence[int]) -> Any:
        """Show the next question about these records, or what was done to them."""
        actor, back = requests.actor(), requests.back(self.path)
        if not self.may_bulk_edit():
            abort(404 if self.model.append_only else 403)
        may = bulk_edits.within(self.model, actor, ids)
        ids = [id for id in dict.fromkeys(ids) if id in may]
        if not ids or len(ids) > bulk_edits.MOST:
            flash(_refused(len(ids)), "warning")
            return redirect(back)
        offered = self._offered()
        column = offered.get(request.form.get("field", ""))
        form, value, ready = None, None, False
        if column is not None:
            form = self._value_form(column, typed="typed" in request.form)
            ready = "typed" in request.form and self._right(form, column)
            value = forms.values(form, [column])[column.key] if ready else None
        if ready and column is not None and "confirmed" in request.form:
            return self._carried_out(ids, column, value, back)
        rows = self._preview(ids, column, value) if ready and column is not None else []
        return self.render(
            "entity/bulk_edit.html",
            title=_("Change %(count)s", count=lists.counted(len(ids))),
            crumbs=[(_(self.model.plural), self.path)],
            ids=" ".join(map(str, ids)),
            versions=request.form.get("versions")
            or (bulk_edits.versions(self.model, actor, ids) if ready else ""),
            count=len(ids),
            offered=[(key, one.text) for key, one in offered.items()],
            column=column,
            form=form,
            rows=rows,
            more=max(0, len(ids) - SHOWN),
            ready=ready,
            back=back,
        )

    def _offered(self) -> dict[str, Column]:
        """Return the fields that the user may fill in, in some of the records at least."""
        actor, varies = requests.actor(), access.varying(requests.actor(), self.model)
        return {
            key: column
            for key, column in self.fields.items()
            if key not in self.narrowed
            and key not in self.handed_over
            and not column.given
            and (column.column_key in varies or access.writable(actor, self.model, column.key))
        }

    def _value_form(self, column: Column, *, typed: bool) -> Form:
        """Return the form of the one value."""
        return forms.bound(
            [column],
            request.form if typed else None,
            self.model(),
            zone=requests.zone(),
            language=requests.language(),
            lookups={column.key: self._lookup(column)} if column.target is not None else {},
        )

    def _right(self, form: Form, column: Column) -> bool:
        right = form.validate()
        if column.kind == "money" and (trouble := forms.money_problem(form[column.key])):
            form[column.key].errors = [*form[column.key].errors, trouble]
            right = False
        return bool(right)

    def _preview(
        self, ids: Sequence[int], column: Column, value: Any
    ) -> list[tuple[str, str, str, str]]:
        """Return (title, address, before, after) of the first records."""
        actor, after = requests.actor(), _text(column, value)
        found = bulk_edits.preview(self.model, actor, ids, SHOWN)
        return [
            (
                str(one)[:120],
                f"{self.path}details/?id={one.id}",
                _text(column, getattr(one, column.key))
                if access.readable(actor, self.model, column.key, one)
                else "—",
                after,
            )
            for one in found
        ]

    def _carried_out(self, ids: Sequence[int], column: Column, value: Any, back: str) -> Any:
        outcome = bulk_edits.Outcome()
        with self.told():
            change = bulk_edits.Change(self.model, column.key, requests.actor())
            outcome = bulk_edits.carry_out(change, ids, value, _transaction, _versions())
        return self._said(outcome, back, undo=True)

    def _said(self, outcome: bulk_edits.Outcome, back: str, *, undo: bool) -> Any:
        """Say what was done; where some were refused, or it can be taken back, on a page."""
        said = ngettext(
            "%(count)s record was changed.",
            "%(count)s records were changed.",
            outcome.changed,
            count=f"{outcome.changed:,}",
        )
        flash(str(said), "success" if outcome.changed else "message")
        if not outcome.refused and not (undo and outcome.id):
            return redirect(back)
        return self.render(
            "entity/bulk_edited.html",
            title=_("Changed together"),
            crumbs=[(_(self.model.plural), self.path)],
            same=outcome.same,
            refused=[
                (title, f"{self.path}details/?id={id}", why.text(_))
                for id, title, why in outcome.refused
            ],
            undo_url=f"{self.path}undo_bulk_edit/" if undo and outcome.id else "",
            edit_id=outcome.id,
            back=back,
        )

    @expose("/undo_bulk_edit/", methods=("POST",))
    def undo_bulk_edit(self) -> Any:
        """Take a bulk edit of one's own back, as far as nobody changed the records since."""
        actor, back = requests.actor(), requests.back(self.path)
        outcome, id = None, request.form.get("id")
        with self.told():
            outcome = bulk_edits.undo(id, self.model, actor, _transaction)
            if outcome is None:
                flash(_("This was taken back already."), "warning")
        if outcome is None:
            return redirect(back)
        return self._said(outcome, back, undo=False)


def _versions() -> dict[int, int]:
    """Return {record: its version} as the preview had them."""
    found = (one.partition(":") for one in request.form.get("versions", "").split())
    pairs = [(access.key_of(id), access.key_of(version)) for id, _colon, version in found]
    return {id: version for id, version in pairs if id and version}


def _refused(count: int) -> str:
    if not count:
        return str(_("There is nothing here that you may change."))
    most = f"{bulk_edits.MOST:,}"
    return str(_("These are more than %(count)s records: take a filter.", count=most))


def _text(column: Column, value: Any) -> str:
    """Return a value of the field as people read it."""
    if value is None or value == "":
        return ""
    if column.target is not None:
        return str(value)
    if column.states is not None:
        value = column.states(value)
    return str(columns.shown(column, value))
