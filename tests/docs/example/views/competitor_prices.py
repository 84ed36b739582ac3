"""Competitor price screens."""

from crm_admin.i18n import N_
from crm_admin.models.competitor_prices import CompetitorPrice
from crm_admin.views.base import BASICS, EntityView


class CompetitorPriceView(EntityView):
    """A competitor price's list, page and form."""

    model = CompetitorPrice
    menu = N_("Promotion")
    icon, order, new_in_menu = "tags", 30, True

    column_list = (
        "product",
        "competitor",
        "customer",
        "availability",
        "price",
        "currency",
        "seen_on",
        "reporter",
    )
    filters = ("competitor", "customer", "availability", "price", "seen_on", "reporter")
    badges = ("availability",)
    subtitle = ("number", "competitor", "customer")
    sections = (
        (BASICS, ("product", "competitor", "customer", "availability", "reporter")),
        (N_("Price"), ("price", "currency", "seen_on", "offer_ends_on")),
        (N_("Notes"), ("notes",)),
    )
