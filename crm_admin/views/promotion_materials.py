"""Promotion material screens, and those of their movements."""

from typing import Any

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.services import access
from crm_admin.views import pages, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.words import gettext as _


class PromotionMaterialView(EntityView):
    """A material's list, form, and the page with its stock and movements."""

    model = PromotionMaterial
    menu = N_("Promotion")
    icon, order = "megaphone", 10

    column_list = (
        "name",
        "code",
        "kind",
        "stock",
        "unit",
        "unit_cost",
        "reorder_level",
        "place",
        "keeper",
    )
    filters = ("kind", "keeper", "stock", "place", "completeness")
    badges = ("kind",)
    subtitle = ("code", "place", "keeper")
    sections = (
        (BASICS, ("code", "name", "kind", "unit", "unit_cost", "reorder_level")),
        (N_("Where it is kept"), ("place", "keeper")),
        (N_("Notes"), ("notes",)),
    )
    related = (
        (
            "material_movements",
            "material_id",
            ("kind", "quantity", "change", "person", "customer", "moved_on"),
        ),
    )

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer the movements that people write down most."""
        if not access.allows(requests.actor(), "create", MaterialMovement):
            return []
        new = f"/material_movements/new/?material={record.id}&kind="
        return [
            pages.button(_("Receive"), new + MovementKind.RECEIVED, "package-plus"),
            pages.button(_("Issue"), new + MovementKind.ISSUED, "package-minus"),
        ]


class MaterialMovementView(EntityView):
    """The movements of all materials: they can be added, and stay."""

    model = MaterialMovement
    menu = N_("Promotion")
    icon, order = "arrow-left-right", 20

    column_list = (
        "material",
        "kind",
        "quantity",
        "change",
        "person",
        "customer",
        "moved_on",
        "created_at",
    )
    filters = ("material", "kind", "person", "customer", "moved_on")
    badges = ("kind",)
    subtitle = ("material", "moved_on")
    sections = (
        (
            N_("Movement"),
            ("material", "kind", "quantity", "moved_on", "person", "customer", "notes"),
        ),
    )
