"""Records of Ana's, of Cho's and of nobody's, and who may do what with them by the shipped roles.

The expectations are worked out here anew from config/roles.toml, not asked of the application.
"""

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.events import Event
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import Interaction
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.roles import Role
from crm_admin.models.rules import Rule
from crm_admin.models.sharing import Deputy
from crm_admin.models.tasks import Task
from crm_admin.models.users import User
from crm_admin.services import access, picklists
from crm_admin.views import columns
from crm_admin.views.base import EntityView
from tests.conftest import CAST
from tests.make import make

VIEWS = sorted(EntityView.__subclasses__(), key=lambda view: view.model.__tablename__)
ROLES = tomllib.loads(Path("config/roles.toml").read_text(encoding="utf-8"))
IMPLIED = {"lookup": "view", "restore": "delete"}
#: What is in the title of each record, so that no other text of a page is taken for it.
MARK = "Quokka"
#: Entities whose records belong to somebody; the others are everybody's who has the right.
OWNED = {
    "customers", "contacts", "contracts", "events", "expenses", "interactions", "tasks"
}  # fmt: skip
#: Those that also lie in the pool, where nobody looks after them.
POOLED = {"customers", "contacts"}
#: Those that can only be added.
FIXED = {"material_movements"}


def stem(view):
    return view.model.__tablename__


@dataclass(frozen=True)
class Case:
    """A record and whose it is: "ana", "cho", "pool", or "all" where records belong to nobody."""

    record: Record
    whose: str

    @property
    def title(self):
        """What the record is called, as no other is."""
        return f"{MARK} {self.whose}"


def may(who, verb, entity, whose):
    """Return whether a person of the cast may do this, by the shipped roles and the cast's tree."""
    scope = granted(who, verb, entity)
    if scope is None or whose == "all" or scope == "all":
        return scope is not None
    if scope == "own" or whose == "pool":
        return who == whose
    return CAST[who][0] == CAST[whose][0]  # nobody of the cast heads a department with others


def granted(who, verb, entity):
    grants = ROLES[CAST[who][1]]["grants"]
    row = grants.get(entity, grants.get("*", {}))
    return row.get(verb) or row.get(IMPLIED.get(verb, ""))


def cases(entity, people):
    """Make the entity's records to try."""
    model = access.model_of(entity)
    if entity not in OWNED and not model.owners:
        all = _EVERYBODYS.get(entity, lambda title: make(model, **{model.title: title}))
        return [Case(all(f"{MARK} all"), "all")]
    owners = [("ana", people.ana), ("cho", people.cho)]
    owners += [("pool", None)] if entity in POOLED else []
    owned = _OWNED.get(entity, partial(_owned, model))
    return [Case(owned(f"{MARK} {whose}", owner), whose) for whose, owner in owners]


def _owned(model, title, owner):
    """Make a record of an entity that nothing more is known of than its model says."""
    values = {model.title: title, model.owners[0]: owner.id}
    if model.follows == "customer_id":
        values["customer"] = customer_of("Parent", owner)
    return make(model, **values)


def customer_of(name, owner):
    return make(Customer, name=name, account_manager_id=owner and owner.id)


_OWNED = {
    "customers": customer_of,
    "contacts": lambda title, owner: make(
        Contact, name=title, customer=customer_of("Parent", owner)
    ),
    "contracts": lambda title, owner: make(
        Contract, title_text=title, customer=customer_of("Parent", owner), owner_id=owner.id
    ),
    "expenses": lambda title, owner: make(Expense, purpose=title, claimant_id=owner.id),
    "interactions": lambda title, owner: make(
        Interaction, content=title, customer=customer_of("Parent", owner), author_id=owner.id
    ),
}
_OWNED["tasks"] = lambda title, owner: make(
    Task, subject=title, customer=customer_of("Parent", owner), assignee_id=owner.id
)
_NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)
_OWNED["events"] = lambda title, owner: make(
    Event, subject=title, owner_id=owner.id, starts_at=_NOON, ends_at=_NOON + timedelta(hours=1)
)
_OWNED["deputies"] = lambda title, owner: make(
    Deputy,
    occasion=title,
    person_id=owner.id,
    deputy_id=make(User, name="Stand-in").id,
)
_EVERYBODYS = {
    "departments": lambda title: make(Department, name=title),
    "users": lambda title: make(User, name=title, username="quokka"),
    "roles": lambda title: make(Role, label_en=title),
    "picklists": lambda title: make(Picklist, label_en=title),
    "picklist_items": lambda title: make(PicklistItem, label_en=title),
    "rules": lambda title: make(
        Rule, field_key="notes", entity="customers", kind="matches", parameter=title
    ),
    "promotion_materials": lambda title: make(PromotionMaterial, name=title),
    "material_movements": lambda title: make(
        MaterialMovement,
        kind=MovementKind.RECEIVED,
        quantity=5,
        material=make(PromotionMaterial, name=title),
    ),
}


def full(entity, people, **values):
    """Make a record of the entity with every field filled in that a form asks for."""
    model = access.model_of(entity)
    given = _FULL.get(entity, {}) | values
    for column in columns.labelled(model):
        known = column.column_key in given or column.key in given
        if not known and not column.given and not column.required:
            given[column.column_key] = _filled(column, people)
    if entity == "contracts":
        before = cases("contracts", people)[0].record
        given |= {"predecessor_id": before.id, "customer_id": before.customer_id}
    if entity == "interactions":
        contact = cases("contacts", people)[0].record
        given |= {"contact_id": contact.id, "customer_id": contact.customer_id}
    if entity == "deputies":
        given |= {"person_id": people.ana.id, "deputy_id": people.cho.id}
    return make(model, **given)


def _filled(column, people):
    if column.kind == "choice":
        return next(iter(picklists.items(column.picklist)))
    if column.kind == "state":
        return list(column.states)[-1]
    if column.kind == "record":
        return people.ana.id if column.target is User else None
    return _VALUES[column.kind]


_VALUES = {
    "text": "A “text” <b>&amp; 字</b>",
    "lines": "Two lines,\n  one of them set in.\n\nAnd 中文.",
    "email": "ana@example.com",
    "phone": "+86 10 1234-5678",
    "url": "https://example.com/?a=1&b=2",
    "number": 7,
    "money": Decimal("1234567.89"),
    "date": date(2026, 2, 28),
    "moment": datetime(2026, 2, 28, 23, 59, 58, 123456, tzinfo=UTC),
    "flag": True,
    "tone": "ok",
}
#: Where not any value will do.
_FULL = {
    "users": {"username": "quokka"},
    "departments": {"time_zone": "Asia/Taipei"},
    "rules": {
        "entity": "customers",
        "field_key": "notes",
        "kind": "required",
        "condition": None,
        "parameter": None,
    },
    "contracts": {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)},
    "interactions": {},
    # Cancelled, so that another at the same time is no conflict.
    "events": {
        "starts_at": _NOON,
        "ends_at": _NOON + timedelta(hours=1),
        "is_all_day": False,
        "is_private": False,
        "cancelled_at": _NOON,
    },
    "material_movements": {"kind": MovementKind.RECEIVED, "quantity": 5},
}
