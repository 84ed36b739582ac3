"""Lists whose values mean something only together, as a rule's field and entity do, in words."""

from collections.abc import Sequence
from typing import Any

from crm_admin.models.users import User
from crm_admin.services import access
from crm_admin.views.columns import Column


def rows(
    view: Any, actor: User, rows: Sequence[tuple[Any, ...]], shown: list[Column], *, binned: bool
) -> Sequence[tuple[Any, ...]]:
    """Return the rows with words in place of what a screen says is `worded`."""
    if not view.worded:
        return rows
    model = view.model
    wanted = access.visible(model, actor, binned=binned).where(model.id.in_([r[0] for r in rows]))
    known = {record.id: record for record in access.fetch(wanted)}
    found = []
    for id, *values in rows:
        if (record := known.get(id)) is not None:
            values = [
                view.in_words(record, column.key) if column.key in view.worded else value
                for column, value in zip(shown, values, strict=False)
            ]
            values[0] = view.row_title(record)
        found.append((id, *values))
    return found
