"""Who may see and do what, asked of the one place that answers."""

import pytest

from crm_admin.database import db
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.roles import Role, Scope
from crm_admin.models.users import User
from crm_admin.services import access, configuration, organisation, records
from tests.make import make


def give(user, *grants, fields=None):
    """Give the user roles with these grants, and no others."""
    roles = [make(Role, label_en="Given", grants=g, fields=fields or {}) for g in grants]
    with records.transaction("tests"):
        user.roles = roles
        records.save(user, organisation.system())


@pytest.fixture
def tree(people):
    """Customers of a person in the north, one below it, one in the south and nobody: by name."""
    below = make(Department, name="Harbour", parent_id=people.ana.department_id)
    gil = make(User, name="Gil", department=below)
    owners = {"north": people.ana, "harbour": gil, "south": people.cho, "pool": None}
    return {n: make(Customer, name=n, account_manager_id=o and o.id) for n, o in owners.items()}


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ("shared", set()),
        ("own", set()),
        ("related", set()),
        ("department", {"north"}),
        ("below", {"north", "harbour"}),
        ("all", {"north", "harbour", "south", "pool"}),
    ],
)
def test_a_right_reaches_as_far_as_its_scope(people, tree, scope, seen):
    give(people.ben, {"customers": {"view": scope}})
    found = {c.name for c in access.fetch(access.visible(Customer, people.ben))}
    assert found == seen
    for name, customer in tree.items():
        assert (access.find(Customer, customer.id, people.ben) is not None) is (name in seen)


def test_who_heads_the_whole_company_sees_the_pool_too(people, tree):
    give(people.eve, {"customers": {"view": "below"}})
    found = {c.name for c in access.fetch(access.visible(Customer, people.eve))}
    assert "pool" in found
    give(people.ben, {"customers": {"view": "below"}})
    assert access.find(Customer, tree["pool"].id, people.ben) is None


def test_what_is_related_to_what_one_sees_is_seen_whoever_owns_it(people, tree):
    """Source: S5, A14"""
    harbour, south = (
        make(Contract, title_text=n, customer=tree[n], owner_id=people.cho.id)
        for n in ("harbour", "south")
    )
    grants = {"customers": {"view": "below"}, "contracts": {"view": "own", "edit": "own"}}
    give(people.ben, grants)
    assert access.find(Contract, harbour.id, people.ben) is None
    give(people.ben, grants | {"contracts": {"view": "related", "edit": "related"}})
    for verb in ("view", "edit"):
        assert access.find(Contract, harbour.id, people.ben, verb) is not None
        assert access.find(Contract, south.id, people.ben, verb) is None
    give(people.ben, {"contracts": {"view": "related"}})
    assert access.find(Contract, harbour.id, people.ben) is None, "they see no customers"


def test_scopes_include_each_other_as_far_as_their_records_do():
    every = list(Scope)
    widest = [Scope.SHARED, Scope.OWN, Scope.DEPARTMENT, Scope.BELOW, Scope.ALL]
    for wide in widest:
        for narrow in widest:
            assert access.includes(wide, narrow) is (widest.index(narrow) <= widest.index(wide))
    included = [scope for scope in every if access.includes(Scope.RELATED, scope)]
    assert included == [Scope.SHARED, Scope.OWN, Scope.RELATED]
    assert [scope for scope in every if access.includes(scope, Scope.RELATED)] == [
        Scope.RELATED,
        Scope.ALL,
    ]


def test_of_several_roles_the_widest_counts_verb_by_verb(people, tree):
    give(people.ben, {"customers": {"view": "all"}}, {"customers": {"view": "own", "edit": "own"}})
    south = tree["south"].id
    assert access.find(Customer, south, people.ben) is not None
    assert access.find(Customer, south, people.ben, "edit") is None
    assert [scope for *_, scope in access.explain(people.ben, "view", Customer)] == ["all", "own"]


def test_a_row_of_an_entity_counts_instead_of_the_row_for_all_others(people):
    give(people.ben, {"*": {"view": "all", "edit": "all"}, "customers": {"view": "all"}})
    assert not access.allows(people.ben, "edit", Customer)
    assert access.allows(people.ben, "lookup", Customer), "looking up follows seeing"
    assert not access.allows(people.ben, "restore", Customer), "restoring follows deleting"


@pytest.mark.parametrize(
    ("limits", "reads", "writes"),
    [(["hidden"], False, False), (["read"], True, False), (["hidden", "read"], True, False),
     (["hidden", ""], True, True)],
)  # fmt: skip
def test_of_several_roles_the_most_generous_counts_for_a_field(people, limits, reads, writes):
    grants = {"customers": {"view": "all", "edit": "all"}}
    roles = [
        make(Role, label_en="x", grants=grants, fields={"customers": {"phone": limit}})
        for limit in limits
    ]
    with records.transaction("tests"):
        people.ben.roles = roles
        records.save(people.ben, people.system)
    assert access.readable(people.ben, Customer, "phone") is reads
    assert access.writable(people.ben, Customer, "phone") is writes


def test_who_has_no_role_or_may_not_sign_in_reaches_nothing(people):
    give(people.ben)
    assert not access.allows(people.ben, "view", Customer)
    with records.transaction("tests"):
        records.change(people.ana, {"is_active": False}, people.dev)
    assert not access.allows(people.ana, "view", Customer)


@pytest.mark.parametrize("id", [None, "", "abc", "1.5", -1, 0, 2**31, 10**30, "1\0", [], "1;--"])
def test_an_id_that_is_none_finds_nothing(people, id):
    assert access.find(Customer, id, people.dev) is None


def test_rights_that_another_process_changed_are_obeyed_in_the_next_transaction(people):
    assert access.allows(people.ana, "export", Customer)
    role = organisation.role("sales")
    grants = {**role.grants, "customers": {"view": "own"}}
    # Another process writes the role and the stamp; nothing of ours is told.
    with db.engine.connect().execution_options(crm_writes=True) as other:
        other.execute(Role.__table__.update().where(Role.id == role.id).values(grants=grants))
        stamps = configuration.ConfigurationStamp.__table__
        db.session.rollback()
        other.execute(stamps.update().values(value="of another process"))
        other.commit()
    assert not access.allows(people.ana, "export", Customer)
    assert access.allows(people.ana, "view", Customer)
