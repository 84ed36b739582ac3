"""Customer screens."""

from typing import Any

from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.customers import Customer
from crm_admin.services import customers, handovers_back, labels
from crm_admin.views import columns, frame, requests
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.handovers import HandoverPages
from crm_admin.views.pool import ENTRY, PoolPages
from crm_admin.views.words import gettext as _


class CustomerView(HandoverPages, PoolPages, EntityView):
    """A customer's list, form, and the page that shows all there is about it. Source: A1"""

    model = Customer
    menu = N_("Customers")
    icon, order, new_in_menu = "building-2", 10, True
    verbs = {
        "hand_over": "assign",
        "handover": "assign",
        "take_back": "assign",
        "pool": "claim",
        "take": "claim",
        "release": "view",
    }
    actions = {"delete": "delete", "hand_over": "assign"}
    handed_over = ("account_manager",)
    action_labels = {"hand_over": N_("Hand over")}

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
        ("tasks", "customer_id", ("subject", "due_on", "status", "priority", "assignee")),
        ("expenses", "customer_id", ("number", "kind", "status", "spent_on", "amount")),
    )

    def __init__(self) -> None:
        super().__init__()
        frame.add(ENTRY)

    def buttons(self, record: Record) -> list[dict[str, Any]]:
        """Offer to hand the customer over, to take it, or to put it back into the pool."""
        assert isinstance(record, Customer)
        return [*self.handover_buttons(record), *self.pool_buttons(record)]

    def extra_tabs(self, record: Record) -> list[dict[str, Any]]:
        """Show who looked after the customer, and when it came to each stage. Source: A6, A9"""
        assert isinstance(record, Customer)
        zone = requests.zone()
        parts = [
            _assigned(one) for one in customers.assignments(record) if self.reads(f"{one.part}_id")
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
                [_("Part"), _("Person"), _("From"), _("Until"), _("By"), _("Reason")],
                parts,
            ),
            _facts("stages", _("Stages"), [_("Lifecycle stage"), _("Since")], stages),
        ]


def _assigned(one: customers.Assigned) -> tuple[str, list[str]]:
    """Return a line of who looked after a customer; it leads to the handover for who may see that.

    Source: A6
    """
    zone, actor = requests.zone(), requests.actor()
    reason = one.reason or ""
    if one.end_reason:
        back = _("Put back into the pool: %(reason)s", reason=one.end_reason)
        reason = f"{reason} · {back}" if reason else str(back)
    opens = one.handover_id and handovers_back.opens(one.by_id, actor)
    url = f"/customers/handover/?id={one.handover_id}" if opens else ""
    by = _("System") if one.by_system else one.by or ""
    moments = [columns.moment(moment, zone) for moment in (one.from_at, one.until_at)]
    return url, [_(labels.label_of(one.part)), one.name, *moments, by, reason]


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
