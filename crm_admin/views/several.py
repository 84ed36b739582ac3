"""A form's field for several records of an entity, found by typing, each with a box."""

from typing import Any

from wtforms import Field

from crm_admin.models.base import Record
from crm_admin.services import access
from crm_admin.views import requests

MOST = 100


class SeveralField(Field):
    """Several records of an entity; those that were chosen before stay valid.

    `searched` is the field whose lookup finds further ones, `within` the one that narrows it.
    """

    widget_kind = "several"

    def __init__(
        self,
        label: str,
        model: type[Record],
        lookup_url: str,
        within: str = "",
        **options: Any,
    ) -> None:
        super().__init__(label, **options)
        self.model, self.lookup_url, self.within = model, lookup_url, within

    def process_data(self, value: Any) -> None:
        self.kept = {record.id: record for record in value or ()}
        self.data = list(self.kept.values())

    def process_formdata(self, valuelist: list[str]) -> None:
        wanted = dict.fromkeys(key for text in valuelist if (key := access.key_of(text)))
        actor, found = requests.actor(), []
        for id in list(wanted)[:MOST]:
            record = self.kept.get(id) or access.find(self.model, id, actor, "lookup")
            if record is None:
                raise ValueError(self.gettext("Not a valid choice."))
            found.append(record)
        self.data = found

    @property
    def records(self) -> list[Record]:
        """The records that are chosen."""
        return list(self.data or ())
