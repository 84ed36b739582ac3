"""Deputies: who stands in for whom, and when."""

from crm_admin.models.sharing import Deputy
from crm_admin.views.base import BASICS, EntityView
from crm_admin.views.organisation import PEOPLE


class DeputyView(EntityView):
    """Those who do the work of somebody who is away."""

    model = Deputy
    menu = PEOPLE
    icon, order = "users-round", 25
    mine = "person"

    column_list = ("occasion", "person", "deputy", "from_on", "until_on")
    filters = ("person", "deputy", "from_on", "until_on")
    subtitle = ("from_on", "until_on")
    sections = ((BASICS, ("person", "deputy", "occasion", "from_on", "until_on")),)
