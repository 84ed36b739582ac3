"""Why somebody may do what they may, on a page for who sees users and roles."""

from crm_admin.models.customers import Customer
from crm_admin.models.roles import Role
from crm_admin.services import organisation, records, sharing
from tests.make import make
from tests.pages import words_of


def limit(people, code, **fields):
    with records.transaction("tests"):
        records.change(organisation.role(code), {"fields": {"customers": fields}}, people.system)


def test_each_right_names_the_role_that_gave_it_and_how_far(people, client_of):
    page = words_of(client_of(people.dev).get(f"/explain/?user={people.ana.id}"))
    assert "View Own Sales : Own" in page
    assert "Import None —" in page
    supervisor = organisation.role("supervisor")
    with records.transaction("tests"):
        records.change(people.ana, {"roles": [*people.ana.roles, supervisor]}, people.dev)
    page = words_of(client_of(people.dev).get(f"/explain/?user={people.ana.id}"))
    assert "View Department and below Supervisor : Department and below; Sales: Own" in page


def test_of_a_record_it_says_what_the_person_may_do_and_whose_it_is(people, client_of):
    hers = make(Customer, name="Hers", account_manager_id=people.ana.id)
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    admin, there = client_of(people.dev), f"/explain/?user={people.ana.id}&entity=customers"
    page = words_of(admin.get(f"{there}&record={hers.id}"))
    assert "View Own Yes Sales" in page
    assert "Account manager: Ana · North" in page
    assert "View Own No Sales" in words_of(admin.get(f"{there}&record={theirs.id}"))
    assert f"record={hers.id}" in admin.get(f"{there}&query=Hers").text
    assert "Nothing found" in admin.get(f"{there}&query=Nobody").text


def test_a_field_names_what_each_role_says_the_most_generous_first(people, client_of):
    limit(people, "sales", phone="hidden", fax="masked")
    page = words_of(client_of(people.dev).get(f"/explain/?user={people.ana.id}"))
    assert "Phone Hidden Sales : Hidden" in page
    assert "Fax Partly hidden Sales : Partly hidden" in page
    assert "Notes As the record Sales : As the record" in page


def test_only_who_sees_users_and_roles_is_told_and_only_of_what_they_see(people, client_of):
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    there = f"/explain/?user={people.ana.id}"
    for who in (people.ana, people.ben, people.eve):
        assert client_of(who).get(there).status_code == 404
    assert client_of(people.fay).get(there).status_code == 200
    reader = make_reader(people)
    client = client_of(reader)
    assert client.get(there).status_code == 200
    assert client.get(f"{there}&entity=customers&record={theirs.id}").status_code == 404
    assert "record=" not in client.get(f"{there}&entity=customers&query=Theirs").text
    admin = client_of(people.dev)
    for asked in ("user=999", "user=", f"user={people.ana.id}&entity=nothing"):
        assert admin.get(f"/explain/?{asked}").status_code == 404
    assert admin.get(f"{there}&entity=customers&record=999").status_code == 404


def make_reader(people):
    """Let Eve see users and roles, and of the customers her own."""
    from crm_admin.models.roles import Role

    all = {"view": "all"}
    grants = {"users": all, "roles": all, "customers": {"view": "own"}}
    role = make(Role, label_en="Reader", grants=grants, fields={})
    with records.transaction("tests"):
        records.change(people.eve, {"roles": [role]}, people.dev)
    return people.eve


def test_who_has_left_or_has_no_role_may_do_nothing(people, client_of):
    with records.transaction("tests"):
        records.change(people.cho, {"is_active": False}, people.dev)
        records.change(people.eve, {"roles": []}, people.dev)
    admin = client_of(people.dev)
    assert "may not sign in" in admin.get(f"/explain/?user={people.cho.id}").text
    assert "has no role" in admin.get(f"/explain/?user={people.eve.id}").text


def test_of_a_record_it_says_which_grant_decided_or_that_it_was_shared(people, client_of):
    """Source: S5"""
    hers = make(Customer, name="Hers", account_manager_id=people.ana.id)
    theirs = make(Customer, name="Theirs", account_manager_id=people.cho.id)
    some = make(
        Role,
        label_en="Some",
        grants={"customers": {"view": "all"}},
        conditions={"customers": {"view": "name = 'Other'"}},
    )
    with records.transaction("tests"):
        records.change(people.ana, {"roles": [*people.ana.roles, some]}, people.dev)
        sharing.share(theirs, people.ana.id, people.cho, may_edit=False, until_on=None)
    admin, there = client_of(people.dev), f"/explain/?user={people.ana.id}&entity=customers"
    page = admin.get(f"{there}&record={hers.id}")
    assert "View All Yes Sales : Own; Some: All where name = 'Other'" in words_of(page)
    assert "<strong>Sales</strong>" in page.text and "<strong>Some</strong>" not in page.text
    page = words_of(admin.get(f"{there}&record={theirs.id}"))
    assert "View All Yes since it was shared with them" in page
    assert "Edit Own No Sales" in page
