"""Roles: what their users may do, and how far."""

from typing import Any

from sqlalchemy.orm import Mapped

from crm_admin.i18n import N_
from crm_admin.models.base import Labelled, Record, field, unique_alive
from crm_admin.models.types import Document, State

#: The code of the role that can mend all others.
ADMINISTRATOR = "administrator"


class Scope(State):
    """How far a right reaches, narrowest first.

    Related is what belongs to records that one sees: the contracts of those customers. What was
    shared with somebody they see with any scope, and with the narrowest nothing else.
    """

    SHARED = "shared", N_("Shared with me")
    OWN = "own", N_("Own")
    RELATED = "related", N_("Related")
    DEPARTMENT = "department", N_("Department")
    BELOW = "below", N_("Department and below")
    ALL = "all", N_("All")


class Role(Labelled, Record):
    """What its users may do; several roles of one user add up.

    `grants` maps an entity, or "*" for those not named, to {verb: scope}. `fields` maps an entity
    to {field: "read", "masked" or "hidden"}. `conditions` and `field_conditions` have, in the same
    places, the expression that a record must fit for the right or the limit to hold. Source: S5
    """

    __tablename__ = "roles"
    search_keys = ("code", "label_en", "label_zh_hans", "label_zh_hant")
    __table_args__ = (unique_alive("code"),)
    singular, plural = N_("Role"), N_("Roles")
    configures = True

    code: Mapped[str] = field(
        label=N_("Code"), help=N_("A short name that commands and files use; it never changes.")
    )
    grants: Mapped[dict[str, Any]] = field(Document, label=N_("Rights"), default=dict)
    fields: Mapped[dict[str, Any]] = field(Document, label=N_("Fields"), default=dict)
    conditions: Mapped[dict[str, Any]] = field(
        Document, label=N_("Conditions of rights"), default=dict
    )
    field_conditions: Mapped[dict[str, Any]] = field(
        Document, label=N_("Conditions of fields"), default=dict
    )
    requires_second_factor: Mapped[bool] = field(
        label=N_("Requires a second factor"),
        help=N_("Its users set up codes on their phone before they reach anything else."),
        default=False,
    )
