"""The recycle bin of all entities."""

from flask_admin import expose

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.users import User
from crm_admin.services import access, bin
from crm_admin.views import columns, lists, requests
from crm_admin.views.page import Page
from crm_admin.views.words import gettext as _


def _may_restore(actor: User) -> bool:
    return bool(access.reachable(actor, "restore", access.entities().values()))


class RecycleBin(Page):
    """What was deleted and can come back."""

    path, label, icon = "/recycle-bin/", N_("Recycle bin"), "trash-2"
    menu, order = N_("Supervision"), 90
    allowed = {"index": _may_restore}

    @expose("/")
    def index(self) -> str:
        """Show what is in the bin, by entity."""
        language, zone = requests.language(), requests.zone()

        def title(model: type[Record], text: str) -> str:
            column = columns.column(model, model.title_key())
            return str(columns.formatter(column, language, zone)(text))[:120]

        groups = [
            {
                "label": _(group.model.plural),
                "count_text": lists.counted(group.count),
                "items": [
                    {
                        "id": id,
                        "title": title(group.model, text),
                        "deleted_at": columns.moment(at, zone),
                        "by": by,
                        "restore_url": f"/{group.model.__tablename__}/restore/?url=/recycle-bin/",
                    }
                    for id, text, at, by in group.rows
                ],
            }
            for group in bin.groups(requests.actor())
        ]
        return self.render("recycle_bin.html", groups=groups)
