"""Customer screens."""

from typing import Any

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.services import customers, labels
from crm_admin.views import columns, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.words import gettext as _


class CustomerView(EntityView):
    """A customer's list, form, and the page that shows all there is about it. Source: A1"""

    model = Customer
    menu = N_("Customers")
    icon, order, new_in_menu = "building-2", 10, True

    column_list = (
        "name",
        "grade",
        "stage",
        "city",
        "phone",
        "account_manager",
        "completeness",
        "industry",
        "number",
    )
    filters = (
        "stage",
        "grade",
        "category",
        "industry",
        "city",
        "account_manager",
        "next_contact_on",
        "completeness",
        "phone",
        "source",
        "segment",
        "created_at",
    )
    default_sort = ""
    badges = ("stage", "grade")
    subtitle = ("number", "industry", "city", "account_manager")
    sections = (
        (
            BASICS,
            (
                "name",
                "short_name",
                "external_number",
                "category",
                "industry",
                "grade",
                "stage",
                "source",
                "credit_code",
                "parent",
            ),
        ),
        (
            N_("How to reach them"),
            (
                "phone",
                "fax",
                "email",
                "website",
                "country",
                "province",
                "city",
                "district",
                "postal_code",
                "address",
            ),
        ),
        (
            N_("Who looks after them"),
            ("account_manager", "technical_manager", "chief_representative", "next_contact_on"),
        ),
        (N_("Credit and value"), ("credit_rating", "credit_limit", "segment")),
        (N_("Notes"), ("notes",)),
    )
    related = (
        ("contacts", "customer_id", ("name", "job_title", "phone", "mobile", "email")),
        ("contracts", "customer_id", ("title_text", "number", "status", "ends_on", "amount")),
        ("expenses", "customer_id", ("number", "kind", "status", "spent_on", "amount")),
    )

    def extra_tabs(self, record: Record) -> list[dict[str, Any]]:
        """Show who looked after the customer, and when it came to each stage. Source: A6, A9"""
        assert isinstance(record, Customer)
        zone = requests.zone()
        parts = [
            (
                "",
                [
                    _(labels.label_of(part)),
                    name,
                    columns.moment(start, zone),
                    columns.moment(end, zone),
                ],
            )
            for part, _id, name, start, end in customers.assignments(record)
            if self.reads(f"{part}_id")
        ]
        stages = [
            ("", [_(labels.label_of(stage)), columns.moment(since, zone)])
            for stage, since in customers.stages(record)
            if self.reads("stage") and self.reads("stage_since")
        ]
        return [
            _facts(
                "assignments",
                _("Looked after by"),
                [_("Part"), _("Person"), _("From"), _("Until")],
                parts,
            ),
            _facts("stages", _("Stages"), [_("Lifecycle stage"), _("Since")], stages),
        ]


def _facts(key: str, label: str, headings: list[str], rows: list[Any]) -> dict[str, Any]:
    """Return a tab of facts that are no records of their own."""
    return {
        "key": key,
        "label": label,
        "count_text": str(len(rows)),
        "columns": headings,
        "rows": rows,
        "all_url": None,
        "new_url": None,
        "empty": _("Nothing here yet"),
    }
