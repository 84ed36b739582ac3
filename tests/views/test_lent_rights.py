"""What is lent, shared or shown for a while opens no more than was meant, on any page.

Deputies, shares, looking as somebody, bulk edits and handovers, where they meet one another.
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import CrmError
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.notifications import Notification
from crm_admin.models.roles import Role
from crm_admin.models.sharing import Deputy
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    handover_plans,
    handovers,
    handovers_back,
    organisation,
    records,
    sharing,
    zones,
)
from tests.make import make
from tests.pages import form_of, words_of


def role_of(user, code, **values):
    with records.transaction("tests"):
        role = Role(code=code, label_en=code, **values)
        records.save(role, organisation.system())
        user.roles = [role]
        records.save(user, organisation.system())
    return role


def stand_in(deputy, person, by, **values):
    today = zones.today()
    values = {"occasion": "Holiday", "from_on": today, "until_on": today} | values
    with records.transaction("tests"):
        record = Deputy()
        records.change(record, {"person": person, "deputy": deputy, **values}, by)
    return record


def change_role(people, code, **values):
    with records.transaction("tests"):
        records.change(organisation.role(code), values, people.dev)


def outsider(**values):
    """Somebody of another top department, whose customers Ben does not reach."""
    place = make(Department, name="Elsewhere", code="elsewhere")
    return make(User, name="Zoe", username="zoe", department_id=place.id)


def test_handover_preview_names_no_customer_out_of_reach(people, client_of):
    zoe = outsider()
    hidden = make(Customer, name="Quokka Secret", account_manager_id=zoe.id)
    client = client_of(people.ben)
    assert client.get(f"/customers/details/?id={hidden.id}").status_code == 404
    page = client.post("/customers/hand_over/", data={"items": f"{hidden.id}.0.{zoe.id}"})
    assert "Quokka Secret" not in page.text


def test_handover_preview_counts_nothing_out_of_reach(people, client_of):
    zoe = outsider()
    hidden = make(Customer, name="Quokka Secret", account_manager_id=zoe.id)
    for _n in range(3):
        make(Contract, customer=hidden, owner_id=zoe.id)
    page = client_of(people.ben).post(
        "/customers/hand_over/", data={"items": f"{hidden.id}.0.{zoe.id}"}
    )
    assert "Contracts 3" not in words_of(page)


def test_handover_says_nothing_of_who_holds_a_hidden_part(people, client_of):
    change_role(people, "supervisor", fields={"customers": {"technical_manager_id": "hidden"}})
    mine = make(
        Customer, name="Mine", account_manager_id=people.ben.id, technical_manager_id=people.ana.id
    )
    client = client_of(people.ben)
    pages = []
    for guess in (people.ana.id, people.cho.id):
        items = f"{mine.id}.1.{guess}"
        data = {"items": items, "to": people.ben.id, "reason": "x", "confirmed": "1"}
        pages.append(words_of(client.post("/customers/hand_over/", data=data)))
    assert pages[0] == pages[1]


def test_bulk_edit_does_not_tell_whether_a_hidden_value_was_guessed(people, client_of):
    change_role(
        people,
        "sales",
        fields={"customers": {"phone": "hidden"}},
        field_conditions={"customers": {"phone": "grade = 'A'"}},
    )
    one = make(
        Customer, name="Alpha", grade="A", phone="13800001110", account_manager_id=people.ana.id
    )
    client, said = client_of(people.ana), []
    for guess in ("13800001110", "13800009999"):
        page = client.post(
            "/customers/bulk_edit/",
            data={
                "ids": str(one.id),
                "field": "phone",
                "typed": "1",
                "phone": guess,
                "confirmed": "1",
            },
            follow_redirects=True,
        )
        said.append("You may not change" in page.text)
    assert said[0] == said[1]


def test_view_as_shows_nothing_of_whom_the_viewed_stands_in_for(people, client_of):
    role_of(
        people.ben,
        "watcher",
        grants={
            "users": {"view": "all", "view_as": "all"},
            "customers": {
                "view": "own",
                "create": "own",
                "edit": "own",
                "bulk_edit": "own",
                "delete": "own",
                "export": "own",
                "claim": "all",
                "share": "own",
            },
            "*": {
                "view": "own",
                "create": "own",
                "edit": "own",
                "bulk_edit": "own",
                "delete": "own",
                "export": "own",
                "claim": "all",
                "share": "own",
            },
            "promotion_materials": {"view": "all"},
            "material_movements": {"view": "all", "create": "all"},
            "departments": {"lookup": "all"},
        },
    )
    make(Customer, name="Quokka Secret", account_manager_id=people.system.id)
    stand_in(people.ana, people.dev, people.dev)
    client = client_of(people.ben)
    assert "Quokka Secret" not in client.get("/customers/").text
    client.post("/view-as/", data={"id": people.ana.id})
    assert "Quokka Secret" not in client.get("/customers/").text


def test_view_as_shows_no_records_that_ones_own_scopes_do_not_reach(people, client_of):
    grants = {k: dict(v) for k, v in organisation.role("sales").grants.items()}
    grants["users"] = {"view": "all", "view_as": "all"}
    role_of(people.ben, "watcher", grants=grants)
    make(Customer, name="Quokka Secret", account_manager_id=people.ana.id)
    client = client_of(people.ben)
    assert "Quokka Secret" not in client.get("/customers/").text
    client.post("/view-as/", data={"id": people.ana.id})
    assert "Quokka Secret" not in client.get("/customers/").text


def test_a_deputy_gives_nobody_what_they_have_only_as_one(people):
    theirs = make(Customer, name="Theirs", account_manager_id=people.ana.id)
    stand_in(people.cho, people.ana, people.ana)
    with pytest.raises(CrmError), records.transaction("tests"):
        sharing.share(theirs, people.eve.id, people.cho, may_edit=True, until_on=None)


def test_a_deputy_keeps_nothing_for_themselves_by_handing_over(people, client_of):
    theirs = make(Customer, name="Theirs", account_manager_id=people.ben.id)
    stand_in(people.cho, people.ben, people.ben)
    client = client_of(people.cho)
    client.post(
        "/customers/hand_over/",
        data={
            "items": f"{theirs.id}.0.{people.ben.id}",
            "to": people.cho.id,
            "reason": "x",
            "confirmed": "1",
        },
    )
    db.session.rollback()
    assert db.session.get(Customer, theirs.id).account_manager_id == people.ben.id


def share(record, user, by, **terms):
    with records.transaction("tests"):
        sharing.share(record, user.id, by, **({"may_edit": False, "until_on": None} | terms))


def test_a_share_to_look_lets_nobody_delete_what_belongs_to_the_record(people):
    one = make(Customer, name="Shared", account_manager_id=people.ana.id)
    contact = make(Contact, name="Belongs", customer=one)
    share(one, people.cho, people.ana)
    found = {
        v: access.find(Contact, contact.id, people.cho, v) is not None
        for v in ("edit", "delete", "share")
    }
    assert found == {"edit": False, "delete": False, "share": False}


def test_who_got_it_for_days_does_not_pass_it_on_for_ever(people):
    one = make(Customer, name="Shared", account_manager_id=people.ana.id)
    contact = make(Contact, name="Belongs", customer=one)
    share(one, people.cho, people.ana, until_on=zones.today())
    with pytest.raises(CrmError):
        share(contact, people.eve, people.cho)


def test_each_share_is_told(people):

    def told():
        notices = select(Notification).where(Notification.kind == "share")
        return len(db.session.scalars(notices).all())

    first = make(Customer, name="First", account_manager_id=people.ana.id)
    second = make(Customer, name="Second", account_manager_id=people.ana.id)
    share(first, people.cho, people.ana)
    [kept] = sharing.of(first)
    with records.transaction("tests"):
        sharing.withdraw(first, kept.id, people.ana)
    share(second, people.cho, people.ana)
    assert told() == 2


def test_a_conditional_assign_opens_no_handover_of_others(people, client_of):
    from crm_admin.services import handover_plans, handovers, handovers_back

    secret = make(Customer, name="Quokka", grade="A", account_manager_id=people.ana.id)
    outcome = handovers.hand_over(
        handover_plans.of_customers(people.dev, [secret.id]),
        people.cho,
        "Secret reason",
        people.dev,
        "tests",
    )
    role_of(
        people.ben,
        "limited",
        grants={"customers": {"view": "all", "assign": "all"}},
        conditions={"customers": {"view": "grade = 'C'", "assign": "grade = 'C'"}},
    )
    assert access.find(Customer, secret.id, people.ben) is None
    assert handovers_back.find(outcome.handover_id, people.ben) is None
    client = client_of(people.ben)
    client.post("/customers/take_back/", data={"id": outcome.handover_id})
    db.session.rollback()
    assert db.session.get(Customer, secret.id).account_manager_id == people.cho.id


def test_pool_names_no_manager_of_a_customer_that_the_right_to_claim_does_not_hold_for(
    people, client_of
):
    change_role(people, "sales", conditions={"customers": {"claim": "grade = 'C'"}})
    secret = make(Customer, name="Quokka", grade="A", account_manager_id=people.dev.id)
    page = client_of(people.ana).post(
        "/customers/pool/take/", data={"rowid": secret.id}, follow_redirects=True
    )
    assert "looked after by" not in page.text


def test_naming_a_deputy_for_a_peer_needs_to_reach_their_records(people):
    """Not even with a role that covers the whole of the role Sales."""
    grants = {k: dict(v) for k, v in organisation.role("sales").grants.items()}
    grants["deputies"] = dict.fromkeys(grants["*"], "all")
    role_of(people.cho, "office", grants=grants)
    theirs = make(Customer, name="Theirs", account_manager_id=people.ana.id)
    assert access.find(Customer, theirs.id, people.cho) is None
    try:
        stand_in(people.cho, people.ana, people.cho)
    except CrmError:
        db.session.rollback()
    assert access.find(Customer, theirs.id, people.cho) is None


def test_a_deputy_does_not_widen_their_own_department(people):
    far = make(Customer, name="Far", account_manager_id=people.cho.id)
    stand_in(people.ben, people.dev, people.dev)
    me = access.find(User, people.ben.id, people.ben, "edit")
    with pytest.raises(CrmError), records.transaction("tests"):
        records.change(me, {"department": organisation.department("HQ")}, people.ben)
    assert far.id


def test_who_handed_over_as_a_deputy_takes_nothing_back_when_that_is_over(people, monkeypatch):
    grants = {k: dict(v) for k, v in organisation.role("sales").grants.items()}
    grants["customers"] = {**grants["*"], "assign": "own"}
    role_of(people.cho, "sales2", grants=grants)
    one = make(Customer, name="Theirs", account_manager_id=people.ben.id)
    stand_in(people.cho, people.ben, people.ben)
    items = handover_plans.of_customers(people.cho, [one.id])
    outcome = handovers.hand_over(items, people.ana, "x", people.cho, "tests")
    assert outcome.customers == 1
    later = zones.today() + timedelta(days=2)
    monkeypatch.setattr(zones, "today", lambda: later)
    db.session.rollback()
    assert access.find(Customer, one.id, people.cho) is None
    back = handovers_back.find(outcome.handover_id, people.cho)
    assert handovers_back.take_back(back, people.cho, "tests").customers == 0
    db.session.rollback()
    assert db.session.get(Customer, one.id).account_manager_id == people.ana.id


def test_a_deputy_lengthens_no_time_by_a_share_of_it(people):
    one = stand_in(people.cho, people.ana, people.ana)
    with pytest.raises(CrmError):
        share(one, people.cho, people.ana, may_edit=True)
    assert access.find(Deputy, one.id, people.cho, "edit") is None


def test_a_bulk_edit_that_breaks_off_says_what_it_did(people, client_of, monkeypatch):
    from crm_admin.errors import Conflict
    from crm_admin.services import bulk_edits

    ids = [
        make(Customer, name=f"Q {n}", city="Old", account_manager_id=people.ana.id).id
        for n in range(2)
    ]
    monkeypatch.setattr(bulk_edits, "CHUNK", 1)
    plain, calls = bulk_edits.within, []

    def within(model, actor, some):
        calls.append(some)
        if len(calls) == 3:  # the page's own, the first chunk, the second chunk
            raise Conflict("Someone else has just saved the same; please look again.")
        return plain(model, actor, some)

    monkeypatch.setattr(bulk_edits, "within", within)
    page = client_of(people.ana).post(
        "/customers/bulk_edit/",
        data={
            "ids": " ".join(map(str, ids)),
            "field": "city",
            "typed": "1",
            "city": "New",
            "confirmed": "1",
        },
        follow_redirects=True,
    )
    db.session.rollback()
    assert [db.session.get(Customer, id).city for id in ids] == ["New", "Old"]
    assert "1 record was changed." in page.text


def test_an_undo_that_breaks_off_can_be_tried_again(people, client_of, monkeypatch):
    from crm_admin.errors import Conflict
    from crm_admin.services import bulk_edits

    one = make(Customer, name="Q", city="Old", account_manager_id=people.ana.id)
    client = client_of(people.ana)
    done = client.post(
        "/customers/bulk_edit/",
        data={"ids": str(one.id), "field": "city", "typed": "1", "city": "New", "confirmed": "1"},
    )
    undo, plain = form_of(done, "data-undo"), bulk_edits._Act.give_back

    def broken(*given):
        raise Conflict("Someone else has just saved the same; please look again.")

    monkeypatch.setattr(bulk_edits._Act, "give_back", broken)
    try:
        answer = client.post("/customers/undo_bulk_edit/", data=undo)
        assert answer.status_code < 500
    finally:
        monkeypatch.setattr(bulk_edits._Act, "give_back", plain)
    client.post("/customers/undo_bulk_edit/", data=undo)
    db.session.rollback()
    assert db.session.get(Customer, one.id).city == "Old"


def test_a_bulk_edit_does_not_overwrite_what_was_changed_since_its_preview(people, client_of):
    one = make(Customer, name="Q", city="Old", account_manager_id=people.ana.id)
    client = client_of(people.ana)
    page = client.post(
        "/customers/bulk_edit/",
        data={"ids": str(one.id), "field": "city", "typed": "1", "city": "New"},
    )
    form = form_of(page, "data-bulk-edit")
    with records.transaction("tests"):
        records.change(one, {"city": "Newer"}, people.dev)
    client.post("/customers/bulk_edit/", data=form | {"confirmed": "1"})
    db.session.rollback()
    assert db.session.get(Customer, one.id).city == "Newer"


def test_a_deputy_needs_the_second_factor_that_the_lent_role_asks_for(people, client_of):
    make(Customer, name="Quokka Secret", account_manager_id=people.ben.id)
    stand_in(people.cho, people.ben, people.ben)
    change_role(people, "supervisor", requires_second_factor=True)
    assert client_of(people.ben).get("/customers/").location == "/second-factor/"
    assert "Quokka Secret" not in client_of(people.cho).get("/customers/").text


def test_the_page_of_a_conflict_shows_nothing_that_is_hidden_by_now(people, client_of):
    change_role(
        people,
        "sales",
        fields={"customers": {"phone": "hidden"}},
        field_conditions={"customers": {"phone": "grade = 'A'"}},
    )
    one = make(Customer, name="Alpha", grade="B", phone="1", account_manager_id=people.ana.id)
    client = client_of(people.ana)
    form = form_of(client.get(f"/customers/edit/?id={one.id}"))
    with records.transaction("tests"):
        records.change(one, {"grade": "A", "phone": "13899998888"}, people.dev)
    page = client.post(
        f"/customers/edit/?id={one.id}", data=form | {"phone": "2"}, follow_redirects=True
    )
    assert "13899998888" not in page.text
