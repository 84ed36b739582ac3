"""Records of Ana's, of Cho's and of nobody's, and who may do what with them by the shipped roles.

The expectations are worked out here anew from config/roles.toml, not asked of the application.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import Interaction
from crm_admin.models.picklists import Picklist, PicklistItem
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.roles import Role
from crm_admin.models.rules import Rule
from crm_admin.models.users import User
from crm_admin.views.base import EntityView
from tests.conftest import CAST
from tests.make import make

VIEWS = sorted(EntityView.__subclasses__(), key=lambda view: view.model.__tablename__)
ROLES = tomllib.loads(Path("config/roles.toml").read_text(encoding="utf-8"))
IMPLIED = {"lookup": "view", "restore": "delete"}
#: What is in the title of each record, so that no other text of a page is taken for it.
MARK = "Quokka"
#: Entities whose records belong to somebody; the others are everybody's who has the right.
OWNED = {"customers", "contacts", "contracts", "expenses", "interactions"}
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
    if entity not in OWNED:
        return [Case(_EVERYBODYS[entity](f"{MARK} all"), "all")]
    owners = [("ana", people.ana), ("cho", people.cho)]
    owners += [("pool", None)] if entity in POOLED else []
    return [Case(_OWNED[entity](f"{MARK} {whose}", owner), whose) for whose, owner in owners]


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
