"""Rights that hold for some records only, and what several roles give together."""

from decimal import Decimal

import pytest

from crm_admin.errors import Conflict, Denied
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.roles import Role, Scope
from crm_admin.services import access, organisation, records, role_rights
from tests.make import make

GRANTS = {"contracts": {"view": "all", "edit": "all", "create": "all"}}


def give(user, *roles):
    """Give the user these roles and no others: (grants, conditions) each."""
    made = [
        make(Role, label_en="Given", grants=grants, conditions=conditions)
        for grants, conditions in roles
    ]
    with records.transaction("tests"):
        user.roles = made
        records.save(user, organisation.system())


def contract(title, status="draft", amount=1, owner=None):
    owner_id = owner and owner.id
    amount = Decimal(amount)
    return make(Contract, title_text=title, status=status, amount=amount, owner_id=owner_id)


def test_a_right_with_a_condition_holds_for_what_fits_it(people):
    """Source: S5"""
    give(people.ben, (GRANTS, {"contracts": {"edit": "status = 'draft' and amount <= 1000"}}))
    small, large, active = (
        contract("s", amount=1000),
        contract("l", amount=1001),
        contract("a", "active"),
    )
    assert access.allows(people.ben, "edit", Contract)
    for record, edits in ((small, True), (large, False), (active, False)):
        assert access.find(Contract, record.id, people.ben) is not None
        assert (access.find(Contract, record.id, people.ben, "edit") is not None) is edits
        assert access.may(record, people.ben, "edit") is edits
    ids = [small.id, large.id, active.id]
    assert access.within_reach(Contract, people.ben, "edit", ids) == {small.id}


def test_what_is_saved_must_fit_the_condition_before_and_after(people):
    give(people.ben, (GRANTS, {"contracts": {"edit": "amount <= 1000", "create": "amount <= 10"}}))
    small, large = contract("small", amount=10), contract("large", amount=5000)
    with records.transaction("tests"):
        records.change(small, {"amount": Decimal(1000)}, people.ben)
    with pytest.raises(Denied), records.transaction("tests"):
        records.change(small, {"amount": Decimal(1001)}, people.ben)
    with pytest.raises(Conflict), records.transaction("tests"):
        records.change(large, {"amount": Decimal(5)}, people.ben)
    values = {"title_text": "New", "customer_id": small.customer_id, "starts_on": small.starts_on}
    values |= {"ends_on": small.ends_on, "kind": small.kind}
    with records.transaction("tests"):
        records.change(Contract(), values | {"amount": Decimal(10)}, people.ben)
    with pytest.raises(Denied), records.transaction("tests"):
        records.change(Contract(), values | {"amount": Decimal(11)}, people.ben)


def test_rights_of_several_roles_add_up_each_with_its_own_records(people):
    own = {"contracts": {"view": "own"}}
    give(
        people.ben,
        (own, {}),
        ({"contracts": {"view": "all"}}, {"contracts": {"view": "amount > 9"}}),
    )
    mine, theirs = contract("mine", owner=people.ben), contract("theirs", owner=people.cho)
    large = contract("large", amount=10, owner=people.cho)
    seen = {c.title_text for c in access.fetch(access.visible(Contract, people.ben))}
    assert seen == {"mine", "large"}
    assert access.find(Contract, theirs.id, people.ben) is None
    assert access.find(Contract, mine.id, people.ben, "lookup") is not None
    assert access.find(Contract, large.id, people.ben, "lookup") is not None, "follows View"
    assert access.reach(people.ben, "view", Contract) is Scope.ALL
    assert not access.unlimited(people.ben, "view", Contract)


def test_a_condition_may_ask_who_asks_and_what_belongs_to_it(people):
    make(Customer, name="A", grade="A")
    give(people.ben, (GRANTS, {"contracts": {"view": "customer.grade = 'A' or owner = me"}}))
    graded = make(Contract, customer=make(Customer, name="G", grade="A"), title_text="graded")
    mine, other = contract("mine", owner=people.ben), contract("other", owner=people.cho)
    found = {c.id for c in access.fetch(access.visible(Contract, people.ben))}
    assert found == {graded.id, mine.id}
    assert other.id not in found


def test_a_condition_that_can_no_longer_be_read_gives_nothing(people):
    give(people.ben, (GRANTS, {"contracts": {"edit": "colour = 'red'"}}))
    record = contract("any")
    assert access.find(Contract, record.id, people.ben) is not None
    assert access.find(Contract, record.id, people.ben, "edit") is None


@pytest.mark.parametrize(
    ("mine", "theirs", "covered"),
    [
        ("", "", True),
        ("", "amount > 9", True),
        ("amount > 9", "amount > 9", True),
        ("amount > 9", "", False),
        ("amount > 9", "amount > 8", False),
    ],
)
def test_who_has_a_right_for_some_records_gives_it_for_those_only(people, mine, theirs, covered):
    give(people.ben, (GRANTS, {"contracts": {"edit": mine}} if mine else {}))
    other = make(
        Role,
        label_en="x",
        grants=GRANTS,
        conditions={"contracts": {"edit": theirs}} if theirs else {},
    )
    assert access.covers(people.ben, role_rights.of(other)) is covered


def test_what_another_grant_includes_is_not_asked(people):
    grants = {"contracts": {"view": "own"}}, {"contracts": {"view": "below"}}
    give(
        people.ben,
        (grants[0], {}),
        (grants[1], {}),
        (grants[1], {"contracts": {"view": "amount > 1"}}),
    )
    found = access.grants_of(people.ben, "view", Contract)
    assert [(grant.scope, grant.when) for grant in found] == [(Scope.BELOW, "")]


@pytest.mark.parametrize("verb", ["edit", "bulk_edit", "delete", "export", "assign", "share"])
def test_what_one_does_not_see_one_does_nothing_with(people, verb):
    seen, unseen = contract("seen"), contract("unseen", amount=10)
    scopes = [("own", None), ("all", {"contracts": {"view": "amount < 9"}})]
    for scope, conditions in scopes:
        give(people.ben, ({"contracts": {"view": scope, verb: "all"}}, conditions or {}))
        for record, sees in ((seen, scope == "all"), (unseen, False)):
            assert access.may(record, people.ben) is sees
            assert access.may(record, people.ben, verb) is sees, (scope, record.title_text)


def test_a_right_that_was_taken_away_is_not_given_by_what_it_follows(people):
    taken = {"contracts": {"view": "all", "delete": "all", "restore": "none"}}
    give(people.ben, (taken, {}))
    other = make(Role, label_en="x", grants={"contracts": {"view": "all", "delete": "all"}})
    assert not access.covers(people.ben, role_rights.of(other))
    assert access.covers(people.ben, role_rights.of(make(Role, label_en="y", grants=taken)))
