"""Picklists: the business's own vocabularies, as rows that administrators edit."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, relationship

from crm_admin.i18n import N_
from crm_admin.models.base import Labelled, Record, field, unique_alive


class Picklist(Labelled, Record):
    """A named list of choices; columns name it by its code."""

    __tablename__ = "picklists"
    search_keys = ("code", "label_en", "label_zh_hans", "label_zh_hant")
    __table_args__ = (unique_alive("code"),)
    singular, plural = N_("Picklist"), N_("Picklists")
    configures = True

    code: Mapped[str] = field(label=N_("Code"), help=N_("Columns refer to it; it never changes."))


class PicklistItem(Labelled, Record):
    """One choice. Records keep its code, so its labels can change at any time."""

    __tablename__ = "picklist_items"
    search_keys = ("code", "label_en", "label_zh_hans", "label_zh_hant")
    __table_args__ = (unique_alive("picklist_id", "code"),)
    singular, plural = N_("Picklist item"), N_("Picklist items")
    configures = True

    picklist_id: Mapped[int] = field(ForeignKey("picklists.id"), label=N_("Picklist"), index=True)
    code: Mapped[str] = field(label=N_("Code"), help=N_("Records keep it; it never changes."))
    position: Mapped[int] = field(label=N_("Order"), default=0)
    colour: Mapped[str | None] = field(label=N_("Colour"), kind="tone")
    is_active: Mapped[bool] = field(
        label=N_("Offered"), default=True, help=N_("Old records keep a choice no longer offered.")
    )

    picklist: Mapped[Picklist] = relationship()
