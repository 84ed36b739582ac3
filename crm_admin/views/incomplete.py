"""One's own incomplete records, worked through one after the other."""

from typing import Any

from flask import request
from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, incomplete, listing
from crm_admin.views import filling, lists, requests, seen
from crm_admin.views.base import SCREENS
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _

SIZE = 20
WORST, EASIEST = "worst", "easiest"


class Incomplete(Page):
    """What one's own records lack, and the few fields to fill in. Source: A2, A3"""

    path, label, icon = "/completeness/mine/", N_("My incomplete records"), "list-checks"
    menu, order = "", 10
    allowed = {"index": lambda actor: bool(incomplete.own_entities(actor))}

    @expose("/")
    def index(self) -> str:
        """Show one's own incomplete records of an entity, one of them open to be filled in."""
        actor = requests.actor()
        offered = incomplete.own_entities(actor)
        counts = {model: incomplete.own_count(actor, model) for model in offered}
        model = _asked(offered, counts)
        order = EASIEST if request.args.get("order") == EASIEST else WORST
        last = max(1, -(-counts[model] // SIZE))
        number = min(requests.question().page, last - 1)
        rows = incomplete.own_page(
            actor, model, easiest=order == EASIEST, offset=number * SIZE, limit=SIZE
        )
        here = [("entity", model.__tablename__), ("order", order)]
        place = here + ([("page", str(number + 1))] if number else [])
        question = listing.Question(page=number, size=SIZE)
        ids = [row.id for row in rows]
        page = self.render(
            "incomplete.html",
            rows=[self._row(row, place) for row in rows],
            open=self._open(actor, model, rows, place),
            entities=[
                (_(m.plural), counts[m], self._address([("entity", m.__tablename__), here[1]]),
                 m is model)
                for m in offered
            ],
            orders=[
                (label, self._address([here[0], ("order", key)]), key == order)
                for key, label in ((WORST, _("Worst first")), (EASIEST, _("Easiest first")))
            ],
            page=lists.pager(self.path, here, question, counts[model], last) | {"size_urls": []},
        )  # fmt: skip
        seen.by_owner(model, ids)
        return str(page)

    def _address(self, arguments: list[tuple[str, Any]]) -> str:
        return requests.address(self.path, arguments)

    def _row(self, one: incomplete.Row, place: list[tuple[str, Any]]) -> dict[str, Any]:
        return {
            "id": one.id,
            "title": one.title,
            "url": self._address([*place, ("open", one.id)]),
            "details_url": f"/{one.model.__tablename__}/details/?id={one.id}",
            "percent": one.percent,
            "missing": [_(lack.label) for lack in one.lacks],
        }

    def _open(
        self, actor: User, model: type[Record], rows: Any, place: list[tuple[str, Any]]
    ) -> dict[str, Any] | None:
        """Return the record that is open, with its form and what comes after it; or None.

        The one that the address names; else the first, unless it asks for none (`open=0`).
        """
        asked = request.args.get("open", "")
        ids = [row.id for row in rows]
        if not ids or asked == "0":
            return None
        id = access.key_of(asked)
        position = ids.index(id) if id in ids else 0
        screen = SCREENS[model.__tablename__]
        record = access.find(model, ids[position], actor, "edit", whole=True)
        if record is None or record.locked():
            return {"id": ids[position], "fill": None}
        after = ids[position + 1] if position + 1 < len(ids) else (ids[0] if position else 0)
        back = self._address([*place, *([("open", after)] if after else [])])
        form = screen.filling_form(record, filling.lacking_keys(record), None)
        return {
            "id": record.id,
            "title": str(record)[:120],
            "fill": filling.fill_context(screen, record, form, back),
            "skip_url": back,
            "close_url": self._address([*place, ("open", 0)]),
        }


def _asked(offered: list[type[Record]], counts: dict[type[Record], int]) -> type[Record]:
    """Return the entity that the address names, else the first of which something is incomplete."""
    asked = request.args.get("entity", "")
    named = [model for model in offered if model.__tablename__ == asked]
    return next(iter([*named, *(model for model in offered if counts[model]), *offered]))
