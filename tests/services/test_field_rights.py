"""What a role's users see and change of each field: chosen on a page, held everywhere."""

import pytest

from crm_admin.errors import Invalid
from crm_admin.models.customers import Customer
from crm_admin.models.roles import Role
from crm_admin.services import access, field_rights, organisation, records, role_matrix, role_rights
from tests.make import make


def test_what_is_shown_and_kept_unchanged_stays_the_same(app):
    limits = {"customers": {"phone": "masked", "fax": "hidden"}, "contacts": {"email": "read"}}
    role = make(Role, code="r", label_en="R", fields=limits)
    sent = {r["name"]: r["value"] for r in field_rights.shown(role, Customer, str)["rows"]}
    assert sent["phone"] == "masked"
    assert field_rights.chosen(role, Customer, sent)["fields"] == limits
    assert field_rights.limited(role) == {"customers": 2, "contacts": 1}


def test_a_field_of_which_nothing_is_said_any_more_is_as_the_record(app):
    role = make(Role, code="r", label_en="R", fields={"customers": {"phone": "masked"}})
    assert field_rights.chosen(role, Customer, {})["fields"] == {}


@pytest.mark.parametrize(
    ("key", "limit"), [("name", "hidden"), ("name", "masked"), ("number", "read"), ("phone", "x")]
)
def test_a_limit_that_a_field_cannot_have_is_refused(app, key, limit):
    role = make(Role, code="r", label_en="R")
    with pytest.raises(Invalid):
        field_rights.chosen(role, Customer, {key: limit})


def test_nobody_takes_limits_from_a_role_that_bind_themselves(people):
    """Source: S5"""
    role = organisation.role("sales")
    hidden, masked = ({"customers": {"phone": limit}} for limit in ("hidden", "masked"))
    assert access.covers(people.ana, role_rights.of(role, fields=hidden))
    with records.transaction("tests"):
        records.change(role, {"fields": {"customers": {"phone": "hidden"}}}, people.dev)
    assert not access.covers(people.ana, role_rights.of(role, fields={}))
    assert not access.covers(people.ana, role_rights.of(role, fields=masked))


def test_a_copy_has_the_same_rights_and_a_code_of_its_own(people):
    role = organisation.role("sales")
    with records.transaction("tests"):
        records.change(role, {"fields": {"customers": {"phone": "hidden"}}}, people.dev)
        codes = [role_matrix.copied(role, people.dev).code for _ in range(2)]
        made = organisation.role("sales_2")
        assert (made.grants, made.fields) == (role.grants, role.fields)
    assert codes == ["sales_2", "sales_3"]
