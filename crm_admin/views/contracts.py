"""Contract screens."""

from crm_admin.i18n import N_
from crm_admin.models.contracts import Contract
from crm_admin.views.base import BASICS, EntityView


class ContractView(EntityView):
    """A contract's list, page and form."""

    model = Contract
    menu = N_("Contracts and costs")
    icon, order, new_in_menu = "file-text", 10, True

    column_list = (
        "title_text",
        "number",
        "customer",
        "kind",
        "status",
        "starts_on",
        "ends_on",
        "amount",
        "currency",
        "owner",
    )
    filters = (
        "status",
        "kind",
        "customer",
        "owner",
        "ends_on",
        "starts_on",
        "signed_on",
        "amount",
        "renewal_policy",
        "completeness",
    )
    badges = ("status", "kind")
    narrowed = {"predecessor": "customer"}
    subtitle = ("number", "customer", "owner")
    sections = (
        (
            BASICS,
            ("title_text", "external_number", "customer", "kind", "status", "owner", "predecessor"),
        ),
        (N_("Term and amount"), ("signed_on", "starts_on", "ends_on", "amount", "currency")),
        (N_("Renewal"), ("renewal_policy", "notice_days")),
        (N_("Notes"), ("notes",)),
    )
    related = (
        ("contracts", "predecessor_id", ("title_text", "number", "status", "starts_on", "ends_on")),
        ("tasks", "contract_id", ("subject", "due_on", "status", "priority", "assignee")),
        ("expenses", "contract_id", ("number", "kind", "status", "spent_on", "amount")),
    )
