"""Contact screens."""

from crm_admin.i18n import N_
from crm_admin.models.contacts import Contact
from crm_admin.views.base import BASICS, EntityView


class ContactView(EntityView):
    """A contact's list, page and form."""

    model = Contact
    menu = N_("Customers")
    icon, order, new_in_menu = "users", 20, True

    column_list = ("name", "customer", "job_title", "phone", "mobile", "email", "is_primary")
    filters = ("customer", "decision_part", "is_primary", "job_title", "birthday", "completeness")
    badges = ("decision_part",)
    subtitle = ("customer", "job_title")
    sections = (
        (
            BASICS,
            (
                "customer",
                "name",
                "gender",
                "department",
                "job_title",
                "decision_part",
                "is_primary",
            ),
        ),
        (N_("How to reach them"), ("phone", "mobile", "email", "im", "birthday")),
        (N_("Notes"), ("notes",)),
    )
    related = (
        ("interactions", "contact_id", ("content", "kind", "happened_at", "author")),
        ("tasks", "contact_id", ("subject", "due_on", "status", "priority", "assignee")),
    )
