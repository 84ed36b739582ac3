"""Limits of fields that hold for some records only."""

import pytest

from crm_admin.errors import Denied
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.roles import Role
from crm_admin.services import access, listing, masking, organisation, records
from tests.make import make

GRANTS = {"customers": {"view": "all", "edit": "all", "create": "all", "export": "all"}}
IN_A = {"customers": {"phone": "grade = 'A'"}}


def give(user, *roles):
    """Give the user these roles and no others: (limit of the phone, its conditions) each."""
    made = [
        make(
            Role,
            label_en="Given",
            grants=GRANTS,
            fields={"customers": {"phone": limit}} if limit else {},
            field_conditions=conditions,
        )
        for limit, conditions in roles
    ]
    with records.transaction("tests"):
        user.roles = made
        records.save(user, organisation.system())


@pytest.fixture
def two(app):
    """A customer of grade A, and one of grade B."""
    return [make(Customer, name=g, grade=g, phone=f"1380000111{n}") for n, g in enumerate("AB")]


@pytest.mark.parametrize("limit", ["read", "masked", "hidden"])
def test_a_limit_holds_for_the_records_that_fit_its_condition(people, two, limit):
    """Source: S5, A11"""
    give(people.ben, (limit, IN_A))
    graded, other = two
    assert access.limit_of(people.ben, Customer, "phone", graded) == limit
    assert access.limit_of(people.ben, Customer, "phone", other) == ""
    assert access.limit_of(people.ben, Customer, "phone") == limit, "asked of many at once"
    assert access.writable(people.ben, Customer, "phone", other)
    assert not access.writable(people.ben, Customer, "phone", graded)
    with records.transaction("tests"):
        records.change(other, {"phone": "1"}, people.ben)
    with pytest.raises(Denied), records.transaction("tests"):
        records.change(graded, {"phone": "1"}, people.ben)


def test_a_change_of_what_the_condition_asks_opens_no_field_at_once(people, two):
    give(people.ben, ("read", IN_A))
    with pytest.raises(Denied), records.transaction("tests"):
        records.change(two[0], {"grade": "B", "phone": "1"}, people.ben)
    with pytest.raises(Denied), records.transaction("tests"):
        records.change(Customer(), {"name": "x", "grade": "A", "phone": "1"}, people.ben)
    with records.transaction("tests"):
        records.change(Customer(), {"name": "x", "grade": "B", "phone": "1"}, people.ben)


def test_rows_hold_what_may_be_seen_of_each_record(people, two):
    give(people.ben, ("masked", IN_A))
    for rows in (
        listing.page(Customer, people.ben, listing.Question(), ["name", "phone"]).rows,
        next(listing.stream(Customer, people.ben, listing.Question(), ["name", "phone"])),
    ):
        found = {row[1]: row[2] for row in rows}
        assert found["B"] == two[1].phone
        assert isinstance(found["A"], masking.Part)
        assert found["A"].shown("phone") == "138****1110"
        assert str(found["A"]) == ""


def test_of_several_roles_the_most_generous_counts_record_by_record(people, two):
    give(people.ben, ("hidden", {}), ("masked", IN_A))
    graded, other = two
    assert access.limit_of(people.ben, Customer, "phone", graded) == "masked"
    assert access.limit_of(people.ben, Customer, "phone", other) == ""
    give(people.ben, ("hidden", IN_A), ("", {}))
    assert access.limit_of(people.ben, Customer, "phone") == ""
    assert not access.varying(people.ben, Customer)


def test_a_condition_that_can_no_longer_be_read_limits_everywhere(people, two):
    give(people.ben, ("hidden", {"customers": {"phone": "colour = 'red'"}}))
    assert [access.limit_of(people.ben, Customer, "phone", one) for one in two] == ["hidden"] * 2
    page = listing.page(Customer, people.ben, listing.Question(), ["name", "phone"])
    assert {type(row[2]) for row in page.rows} == {masking.Part}


@pytest.mark.parametrize("limit", ["read", "masked", "hidden"])
def test_what_follows_from_a_field_that_is_not_seen_whole_is_not_seen(people, limit):
    role = make(
        Role,
        label_en="Given",
        grants={"contracts": {"view": "all"}, "customers": {"view": "all"}},
        fields={"contracts": {"ends_on": limit}, "customers": {"stage": limit}},
    )
    with records.transaction("tests"):
        people.ben.roles = [role]
        records.save(people.ben, people.system)
    told = limit == "read"
    assert access.shown(people.ben, Contract, "remind_on") is told
    assert access.shown(people.ben, Customer, "stage_since") is told
    assert access.shown(people.ben, Contract, "notice_days")
