"""What every entity's screens share: rights, row scope, lists, pages, forms and saving.

Flask-Admin has nine routes a view; all pass `_handle_view`, which refuses those without a verb. Its
own queries and writes are never reached: `services/listing` reads, `services/records` writes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from flask import Response, abort, flash, g, has_request_context, redirect, request
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from wtforms import Form

from crm_admin.database import db
from crm_admin.errors import CrmError, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.services import access, history, records
from crm_admin.views import columns, exports, frame, lists, pages, requests, seen
from crm_admin.views.bulk_edits import BulkEdits
from crm_admin.views.entity_forms import EntityForms
from crm_admin.views.filling import Filling
from crm_admin.views.sharing import Sharing
from crm_admin.views.words import gettext as _
from crm_admin.views.words import ngettext

#: The right each of Flask-Admin's routes, and each of ours on every entity, needs.
VERBS = {
    "index_view": "view",
    "details_view": "view",
    "create_view": "create",
    "edit_view": "edit",
    "fill_view": "edit",
    "ajax_lookup": "view",
    "ajax_update": "edit",
    "delete_view": "delete",
    "restore": "restore",
    "export": "export",
    "sharing": "share",
    "share": "share",
    "unshare": "share",
    "bulk_edit": "bulk_edit",
    "undo_bulk_edit": "bulk_edit",
}
MOST_SELECTED = 500
#: The screens of this process by their entities' names.
SCREENS: dict[str, "EntityView"] = {}


def _may(verb: str) -> property:
    """A switch of Flask-Admin's that is on where the user has the right; on at start-up."""
    return property(
        lambda view: not has_request_context() or access.allows(requests.actor(), verb, view.model)
    )


class EntityView(EntityForms, Filling, BulkEdits, Sharing, ModelView):
    """The screens of one entity. A subclass says which columns; the rest follows from the model."""

    model: ClassVar[type[Record]]
    #: The group of the menu it stands in, its picture, and its place; none: not in the menu.
    menu: ClassVar[str] = ""
    icon: ClassVar[str] = "file-text"
    order: ClassVar[int] = 50
    #: Verbs of the routes and the actions a subclass adds; one that is not named here is refused.
    verbs: ClassVar[dict[str, str]] = {}
    actions: ClassVar[dict[str, str]] = {"delete": "delete"}
    #: What the buttons of further actions say, by the action's name.
    action_labels: ClassVar[dict[str, str]] = {}
    #: The columns of the list, what its filters offer, and its order ("-key": largest first).
    column_list: Sequence[str]
    filters: ClassVar[Sequence[str]] = ()
    default_sort: ClassVar[str] = ""
    #: The form and the page: (heading, fields) by section.
    sections: ClassVar[Sequence[tuple[str, Sequence[str]]]]
    #: Related lists on the record's page: (entity, its column that points here, columns shown).
    related: ClassVar[Sequence[tuple[str, str, Sequence[str]]]] = ()
    #: Fields whose words need the whole record, as `in_words` says them in lists and on pages.
    worded: ClassVar[Sequence[str]] = ()
    #: Up to three states shown beside the title, and fields in the line under it.
    badges: ClassVar[Sequence[str]] = ()
    subtitle: ClassVar[Sequence[str]] = ()
    new_in_menu: ClassVar[bool] = False

    can_create, can_edit, can_delete = _may("create"), _may("edit"), _may("delete")
    can_export, can_view_details = _may("export"), _may("view")
    list_template, details_template = "entity/list.html", "entity/details.html"
    column_auto_select_related = False

    def __init__(self) -> None:
        stem = self.model.__tablename__
        self.form_columns = [key for _, keys in self.sections for key in keys]
        self.fields = {key: columns.column(self.model, key) for key in self._all_keys()}
        self.listed = [columns.column(self.model, key) for key in self.column_list]
        self.path = f"/{stem}/"
        super().__init__(self.model, db, endpoint=stem, url=f"/{stem}", name=self.model.plural)
        SCREENS[stem] = self
        if type(self).menu:  # Flask-Admin keeps something else under this name
            frame.add(self._entry())

    def _all_keys(self) -> list[str]:
        known = [key for key in self.form_columns if key in self._labelled_keys()]
        return list(dict.fromkeys(known))

    def _labelled_keys(self) -> set[str]:
        found = columns.labelled(self.model)
        return {c.key for c in found} | {c.column_key for c in found}

    def _entry(self) -> frame.Entry:
        model = self.model
        return frame.Entry(
            group=type(self).menu,
            label=model.plural,
            icon=self.icon,
            path=self.path,
            allowed=lambda actor: access.allows(actor, "view", model),
            new_path=f"{self.path}new/" if self.new_in_menu else "",
            may_create=lambda actor: access.allows(actor, "create", model),
            order=self.order,
        )

    # What Flask-Admin would work out for itself at start-up, and does not need to.

    def scaffold_form(self) -> type[Form]:
        return Form

    def scaffold_list_columns(self) -> list[str]:
        return []

    def _refresh_forms_cache(self) -> None:
        self._create_form_class = self._edit_form_class = self._action_form_class = Form

    def get_list_columns(self) -> list[tuple[str, str]]:
        return [(c.key, c.label) for c in self.listed]

    get_details_columns = get_export_columns = get_list_columns

    # Rights: one door for all routes.

    def is_accessible(self) -> bool:
        return requests.is_signed_in() and access.allows(requests.actor(), "view", self.model)

    def _handle_view(self, name: str, **arguments: Any) -> Any:
        if not requests.is_signed_in():
            abort(401)
        verb = {**VERBS, **self.verbs}.get(name)
        if name == "action_view":
            action = request.form.get("action", "")
            verb = "bulk_edit" if action == "bulk_edit" else self.actions.get(action)
        if verb is None:
            abort(403)
        if not access.allows(requests.actor(), "view", self.model) and name != "ajax_lookup":
            abort(404)
        if not access.allows(requests.actor(), verb, self.model) and name != "ajax_lookup":
            abort(403)
        g.verb = verb
        return None

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)  # Flask-Admin's own hides a TypeError behind another

    def get_one(self, id: Any, *, to_change: bool = False) -> Any:
        """Return the record as far as the route's verb reaches; out of reach is not there.

        With `to_change`, within a transaction, it is locked until that ends.
        """
        actor, verb = requests.actor(), g.get("verb", "view")
        read = records.claimed if to_change else access.find
        found = read(self.model, id, actor, verb, whole=True)
        if found is None:
            # Who may see it may know that they lack the right; who may not, learns nothing.
            abort(403 if access.find(self.model, id, actor) is not None else 404)
        return found

    def reads(self, key: str, record: Record | None = None) -> bool:
        """Return whether the user may see a field whole, in this record or in all."""
        return access.readable(requests.actor(), self.model, key, record)

    def shows(self, key: str) -> bool:
        """Return whether the user may see a field, or a part of it, in some records at least."""
        actor = requests.actor()
        varies = self.model.column_key(key) in access.varying(actor, self.model)
        return varies or access.shown(actor, self.model, key)

    # The list.

    @expose("/")
    def index_view(self) -> str:
        """Show one page of the list."""
        return self.render(self.list_template, **lists.context(self))

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Response:
        """Send what the list shows, all pages of it, as a file."""
        return exports.answer(self, export_type)

    # One record.

    @expose("/details/")
    def details_view(self) -> str:
        """Show a record with all that belongs to it."""
        record = self.get_one(request.args.get("id"))
        shown = pages.context(self, record) | self.more_context(record)
        page, id, lacks = (
            self.render(self.details_template, **shown),
            record.id,
            shown["completeness"],
        )
        if lacks and lacks["missing"]:
            seen.by_owner(self.model, [id])
        return page

    def more_context(self, record: Record) -> dict[str, Any]:
        """Return what the template of this entity's page shows beyond the shared one."""
        return {}

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Return the buttons of a record's page that only this entity has."""
        return []

    def extra_tabs(self, record: Record) -> list[dict[str, Any]]:
        """Return further tabs of a record's page that only this entity has."""
        return []

    # Deleting and taking back.

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:
        """Move one record to the recycle bin."""
        record = self.get_one(request.form.get("id"))
        here = f"{self.path}details/?id={record.id}"
        with self.told(), records.transaction("form"):
            with _naming(record):
                records.delete(record, requests.actor())
            flash(_("Moved to the recycle bin."), "success")
            here = requests.back(self.path)
        return redirect(here)

    @expose("/restore/", methods=("POST",))
    def restore(self) -> Any:
        """Take one record out of the recycle bin."""
        actor, id = requests.actor(), request.form.get("id")
        record = access.find(self.model, id, actor, "restore", binned=True) or abort(404)
        with self.told(), records.transaction("form"):
            records.restore(record, actor)
            flash(_("Restored."), "success")
        return redirect(requests.back(f"{self.path}?bin=1"))

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """Do one thing with all the selected records, or with none of them."""
        ids = dict.fromkeys(request.form.getlist("rowid")[:MOST_SELECTED])
        if request.form["action"] == "bulk_edit":
            return self.bulk_editing([key for id in ids if (key := access.key_of(id))])
        chosen = [self.get_one(id) for id in ids]
        answer = self.act(request.form["action"], chosen)
        if answer is not None:
            return answer
        if not chosen:
            flash(_("Please select at least one record."), "warning")
        with self.told(), records.transaction("form"):
            for record in chosen:
                with _naming(record):
                    records.delete(record, requests.actor())
            if chosen:
                said = ngettext(
                    "%(count)s record moved to the recycle bin.",
                    "%(count)s records moved to the recycle bin.",
                    len(chosen),
                    count=len(chosen),
                )
                flash(said, "success")
        return redirect(requests.back(self.path))

    def act(self, action: str, chosen: list[Record]) -> Any:
        """Answer an action that only this entity has, done with the selected records; else None."""
        return None

    def in_words(self, record: Record, key: str) -> str | None:
        """Return one of the `worded` fields as people read it, None where its value is hidden."""
        return None

    def row_title(self, record: Record) -> str:
        """Return what names a record in a list whose fields are `worded`."""
        return str(record)

    def list_buttons(self, here: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Return the buttons of the list that only this entity has.

        Args:
            here: the arguments that ask for the records the list holds.
        """
        return []

    def list_tabs(self, here: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Return addresses of the list that many people ask for: label, url and active each."""
        return []

    def row_action(self) -> dict[str, str]:
        """Return the name, label, icon and url of the button that rows have; nothing: none."""
        return {}

    def row_keys(self, ids: Sequence[int]) -> dict[int, str]:
        """Return {record: what its button sends} of the rows of a page that have the button."""
        return {}

    def is_searchable(self) -> bool:
        """Return whether the list can be searched."""
        return bool(self.model.search_keys)

    def change_history(self, record: Record) -> Sequence[history.Entry]:
        """Return who changed what in a record, as far as the user may see it."""
        return history.of(record, requests.actor())


@contextmanager
def _naming(record: Record) -> Iterator[None]:
    """Let what refuses the block say which of several records it is about."""
    title = str(record)[:120]
    try:
        yield
    except CrmError as refused:
        said = {"record": title, "reason": refused.text(_)}
        raise Invalid([Problem("", N_("%(record)s: %(reason)s"), said)]) from refused


#: Names of the entities' headings that several screens share.
BASICS, MORE = N_("Basics"), N_("More")
