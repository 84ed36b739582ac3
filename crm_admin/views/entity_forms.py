"""The forms of an entity: making and changing its records, and choosing among others'.

A part of `EntityView`, which has the rights, rows and columns that it asks for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Response, abort, flash, g, json, redirect, request
from flask_admin import expose
from werkzeug.exceptions import NotFound
from wtforms import Form

from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.services import access, lookups, records
from crm_admin.views import form_pages, forms, requests
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _


@dataclass
class Telling:
    """Where a refusal is told: beside the fields of this form, once there is one."""

    form: Form | None = None


class EntityForms:
    """What a screen does with forms; a subclass says which fields."""

    model: ClassVar[type[Record]]
    filters: ClassVar[Any]
    #: Fields whose choices belong to the record of another field: a contact to its customer.
    narrowed: ClassVar[dict[str, str]] = {}
    #: Fields that change hands by a page of their own, once they say somebody: with a reason.
    handed_over: ClassVar[tuple[str, ...]] = ()
    #: The field that a new record's form begins with its user in.
    mine: ClassVar[str] = ""
    create_template = edit_template = "entity/form.html"
    path: str
    fields: dict[str, Column]
    get_one: Any
    reads: Any
    render: Any

    def writable_columns(self, record: Record) -> list[Column]:
        """Return the columns of the form that this user may fill in."""
        known: dict[str, list[Column]] = g.setdefault("writable_columns", {})
        if (found := known.get(self.path)) is None:
            actor, model = requests.actor(), self.model
            own = record if access.varying(actor, model) else None
            taken = {k for k in self.handed_over if record.id and getattr(record, k) is not None}
            offered = [column for key, column in self.fields.items() if key not in taken]
            found = [c for c in offered if access.writable(actor, model, c.key, own)]
            known[self.path] = found
        return found

    def more_fields(self, record: Record) -> dict[str, Any]:
        """Return further unbound fields of the form that are no columns."""
        return {}

    def more_values(self, form: Form) -> dict[str, Any]:
        """Return what was filled into the further fields, as `records.change` takes it."""
        return {}

    def form_of(self, record: Record, data: Any) -> Form:
        """Return the form of a record, without the fields this user may not write."""
        offered = self.writable_columns(record)
        form = forms.bound(
            offered,
            data,
            record,
            zone=requests.zone(),
            language=requests.language(),
            lookups={c.key: self._lookup(c) for c in offered if c.target is not None},
            more=self.more_fields(record),
        )
        fields: dict[str, Any] = {field.name: field for field in form}
        for key, other in self.narrowed.items():
            field = fields.get(key)
            if field is not None and other in fields:
                field.within = other
            elif field is not None and record.id:  # what it is narrowed by is not asked for here
                within = getattr(record, self.model.column_key(other))
                field.lookup_url += f"&within={within}"
        return form

    def _lookup(self, column: Column) -> tuple[str, str | None]:
        target = column.target
        assert target is not None
        may_create = target is Customer and access.allows(requests.actor(), "create", target)
        create_url = f"/{target.__tablename__}/new/" if may_create else None
        return f"{self.path}ajax/lookup/?name={column.key}", create_url

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Show an empty form, or make a record from one that was filled in."""
        record, form = self.model(), None
        if request.method == "POST":
            with self.told() as telling, records.transaction("form"):
                self.start(record)
                telling.form = form = self.form_of(record, request.form)
                if self.valid(form, record):
                    key = request.form.get("form_key", "").replace("\0", "")[:64]
                    values = self.values(form, record)
                    id, made = records.create_once(record, values, requests.actor(), key)
                    if made:
                        self.written(id)
                    return self.saved(id, is_new=True) if made else self._made_before(id)
            record = self.model()  # what was tried is no record
        else:
            self.start(record)
            form = self.form_of(record, None)
        return self.render(self.create_template, **form_pages.context(self, form, record, None))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Show a record's form, or save one that was filled in."""
        id, conflict = request.args.get("id"), None
        if request.method != "POST":
            record = self.get_one(id)
            form = self.form_of(record, None)
            return self._shown(record) if record.locked() else self._edited(record, form)
        version = access.key_of(request.form.get("version")) or 0
        try:
            with self.told() as telling, records.transaction("form"):
                record = self._opened(id)
                telling.form = form = self.form_of(record, request.form)
                if reason := self._closed(record):  # since then; what was typed stays to copy
                    flash(_(reason), "error")
                elif self.valid(form, record):
                    values = self.values(form, record)
                    records.change(record, values, requests.actor(), version=version)
                    self.written(record.id)
                    return self.saved(record.id)
        except Conflict as meanwhile:
            flash(meanwhile.text(_), "warning")
            record = self.get_one(id)
            conflict = form_pages.conflict(self, record, form, version)
        return self._edited(record, form, conflict)

    def _opened(self, id: Any) -> Any:
        """Return the record of a form that was sent, locked; or from the bin, for who sees that."""
        try:
            return self.get_one(id, to_change=True)
        except NotFound:
            binned = access.find(
                self.model, id, requests.actor(), "restore", binned=True, whole=True
            )
            if binned is None:
                raise
            return binned

    def _closed(self, record: Record) -> str:
        """Return why a record cannot be changed any more, or "" where it can."""
        if record.deleted_at is not None:
            return N_("It was moved to the recycle bin meanwhile; restore it to save this.")
        return record.locked()

    def _made_before(self, id: int) -> Any:
        """Lead to the record that the same form has made: nothing more is made or changed."""
        flash(_("This form was sent before; this is the record it made."), "message")
        return redirect(f"{self.path}details/?id={id}")

    def _edited(self, record: Record, form: Form, conflict: dict[str, Any] | None = None) -> Any:
        context = form_pages.context(self, form, record, conflict)
        return self.render(self.edit_template, **context)

    def _shown(self, record: Record) -> Any:
        """Lead to the page of a record that cannot be changed: it says why."""
        return redirect(f"{self.path}details/?id={record.id}")

    def start(self, record: Record) -> None:
        """Fill in what the address names for a new record, as far as the user may see it."""
        if self.mine and access.writable(requests.actor(), self.model, self.mine):
            setattr(record, self.mine, requests.actor())
        for column in self.fields.values():
            asked = request.args.get(column.key) if request.method == "GET" else None
            if asked and column.target is not None:
                found = access.find(column.target, asked, requests.actor(), "lookup")
                setattr(record, column.key, found)
            elif asked and column.kind in ("text", "state", "choice"):
                known = column.states is None or asked in list(column.states)
                setattr(record, column.key, asked[:200] if known else None)

    def values(self, form: Form, record: Record) -> dict[str, Any]:
        """Return what was filled in, as `records.change` takes it."""
        return forms.values(form, self.writable_columns(record)) | self.more_values(form)

    def valid(self, form: Form, record: Record) -> bool:
        """Return whether all that was typed can be read; say beside the field what cannot."""
        right = form.validate()
        for column in self.writable_columns(record):
            if column.kind == "money" and (trouble := forms.money_problem(form[column.key])):
                form[column.key].errors = [*form[column.key].errors, trouble]
                right = False
        return bool(right)

    def written(self, id: int) -> None:
        """Do what else the form asks for, in the same transaction; a refusal keeps all unsaved."""

    def saved(self, id: int, *, is_new: bool = False) -> Any:
        """Say that it is saved and go on: stay in the form, else to where it was opened from."""
        flash(_("Saved."), "success")
        if "_continue_editing" in request.form:
            return redirect(requests.address(f"{self.path}edit/", [("id", id)]))
        if is_new and "_add_another" in request.form:
            return redirect(request.full_path if request.query_string else f"{self.path}new/")
        return redirect(requests.back(f"{self.path}details/?id={id}"))

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Response:
        """Answer the records that fit what was typed, as [id, title] pairs."""
        column = self.fields.get(request.args.get("name", ""))
        if column is None or column.target is None or not self._may_choose(column):
            abort(404)
        offset, limit = (request.args.get(k, 0, type=int) for k in ("offset", "limit"))
        other, id = self.narrowed.get(column.key, ""), access.key_of(request.args.get("within"))
        target_key = column.target.column_key(other) if other else ""
        if target_key and not access.readable(requests.actor(), column.target, target_key):
            target_key = ""
        pairs = lookups.offered(
            column.target,
            requests.actor(),
            request.args.get("query", "")[:80],
            within=((target_key, id),) if target_key and id else (),
            offset=min(max(0, offset), 10_000),
            limit=min(max(1, limit or 10), 50),
        )
        return Response(json.dumps(pairs), mimetype="application/json")

    def _may_choose(self, column: Column) -> bool:
        """Return whether the user fills this field in, or asks for it in a filter."""
        actor = requests.actor()
        writes = any(access.allows(actor, verb, self.model) for verb in ("create", "edit"))
        asks = column.key in self.filters and access.allows(actor, "view", self.model)
        fills = writes and access.writable(actor, self.model, column.key)
        return fills or (asks and self.reads(column.key))

    @contextmanager
    def told(self) -> Iterator[Telling]:
        """Tell the user why the block was refused, beside its field where there is a form.

        A conflict is told by whoever shows the form again; without a form it is told here.
        """
        telling = Telling()
        try:
            yield telling
        except Invalid as invalid:
            shown = {self.model.column_key(f.name): f for f in telling.form or ()}
            for problem in invalid.problems:
                if field := shown.get(self.model.column_key(problem.field)):
                    field.errors = [*field.errors, problem.text(_)]
                else:
                    flash(problem.text(_), "error")
        except Denied as refused:
            flash(refused.text(_), "error")
        except Conflict as meanwhile:
            if telling.form is not None and "version" in request.form:
                raise
            flash(meanwhile.text(_), "error")
