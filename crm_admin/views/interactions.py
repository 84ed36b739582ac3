"""Interaction screens."""

from crm_admin.i18n import N_
from crm_admin.models.base import Record
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
    mine = "author"
    narrowed = {"contact": "customer"}
    sections = (
        (BASICS, ("customer", "contact", "kind", "happened_at", "place", "author")),
        (N_("What passed"), ("content", "effect", "next_step", "next_step_on")),
    )

    related = (("tasks", "interaction_id", ("subject", "due_on", "status", "assignee")),)

    def start(self, record: Record) -> None:
        """Begin with the customer of the contact that the address names."""
        super().start(record)
        assert isinstance(record, Interaction)
        if record.customer is None and record.contact is not None:
            record.customer = record.contact.customer
