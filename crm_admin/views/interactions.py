"""Interaction screens."""

from crm_admin.i18n import N_
from crm_admin.models.interactions import Interaction
from crm_admin.views.base import BASICS, EntityView


class InteractionView(EntityView):
    """What passed with customers: list, page and form."""

    model = Interaction
    menu = N_("Customers")
    icon, order, new_in_menu = "message-square", 30, True

    column_list = ("content", "customer", "contact", "kind", "happened_at", "place", "author")
    filters = ("customer", "kind", "happened_at", "author", "place", "completeness")
    subtitle = ("customer", "contact", "happened_at", "author")
    badges = ("kind",)
    narrowed = {"contact": "customer"}
    sections = (
        (BASICS, ("customer", "contact", "kind", "happened_at", "place", "author")),
        (N_("What passed"), ("content", "effect", "next_step")),
    )
