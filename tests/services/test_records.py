"""The one way a record is written: checked, noted and saved together, or not at all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from sqlalchemy import event, func, inspect, select
from sqlalchemy.exc import StatementError

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Model
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Assignment, Customer, LifecycleStage, Part
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    changes,
    configuration,
    customers,
    organisation,
    promotion_materials,
    records,
)
from tests.make import make
from tests.pages import form_of


def together(app, *works):
    """Do the works at the same moment, each in a thread and session of its own."""
    ready, ends = Barrier(len(works)), [None] * len(works)

    def run(place, work):
        with app.app_context():
            ready.wait(20)
            try:
                ends[place] = work()
            except Exception as problem:
                ends[place] = problem
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    db.session.rollback()
    return ends


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


def entries(record):
    statement = select(AuditEntry).where(
        AuditEntry.entity == record.__tablename__, AuditEntry.record_id == record.id
    )
    return db.session.scalars(statement.order_by(AuditEntry.id)).all()


# Transactions.


def test_nothing_is_written_outside_a_transaction(app):
    db.session.add(Customer(name="Stray", number="C-9"))
    with pytest.raises(RuntimeError):
        db.session.flush()
    db.session.rollback()
    with pytest.raises(RuntimeError), records.transaction("a"), records.transaction("b"):
        pass


def test_what_fails_half_way_leaves_nothing(people):
    with pytest.raises(ZeroDivisionError), records.transaction("tests"):
        records.save(Customer(name="Acme"), people.system)
        raise ZeroDivisionError
    assert db.session.scalar(select(Customer.id)) is None


def test_reading_takes_no_lock_and_saving_takes_it_at_once(people, client_of, request):
    if request.config.getoption("postgresql"):
        return
    acme, client, begun = make(Customer), client_of(people.dev), []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("BEGIN"):
            begun.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        page = client.get(f"/customers/edit/?id={acme.id}")
        assert set(begun) == {"BEGIN"}
        begun.clear()
        client.post(f"/customers/edit/?id={acme.id}", data=form_of(page))
        assert begun.count("BEGIN IMMEDIATE") == 1
        assert begun[0] == "BEGIN"
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_who_acts_is_read_again_only_where_the_configuration_changed(app, people):
    ben, id, here = people.ben, people.ben.id, people.ben.department_id
    configuration.stamp()
    with records.transaction("tests"):
        assert not inspect(ben).expired_attributes

    def move():
        with app.app_context():
            hq = organisation.department("HQ")
            change(db.session.get(User, id), organisation.system(), department=hq)
            db.session.remove()

    configuration.stamp()
    assert ben.department_id == here  # read before, and kept, while somebody else moves them
    mover = Thread(target=move)
    mover.start()
    mover.join(60)
    with records.transaction("tests"):
        assert ben.department_id != here


def test_twenty_writers_at_once_lose_nothing(app, people):
    id, system = make(Customer, notes="0").id, people.system.id

    def add_one():
        actor = db.session.get(User, system)
        while True:
            try:
                with records.transaction("tests"):
                    acme = db.session.get(Customer, id)
                    records.claim(acme, actor, "edit")
                    acme.notes = str(int(acme.notes) + 1)
                    records.save(acme, actor)
            except Conflict:
                continue
            return True

    assert together(app, *[add_one] * 20) == [True] * 20
    acme = db.session.get(Customer, id)
    assert (acme.notes, acme.version) == ("20", 21)
    assert len(entries(acme)) == 21


# What is kept.


def test_moments_have_their_zone_and_amounts_their_cents(people):
    acme = make(Customer, credit_limit=Decimal("0.10"))
    assert acme.created_at.tzinfo is not None
    make(Customer, credit_limit=Decimal("0.20"))
    same = select(Customer.id).where(Customer.credit_limit == Decimal("0.10"))
    assert db.session.scalar(same) == acme.id
    assert db.session.scalar(select(func.sum(Customer.credit_limit))) == Decimal("0.30")
    with pytest.raises((StatementError, ValueError)), records.transaction("tests"):
        acme.deleted_at = datetime(2026, 1, 1)  # noqa: DTZ001
        db.session.flush()


def test_a_moment_comes_back_as_it_went_in_whatever_zone_it_was_said_in(people):
    from zoneinfo import ZoneInfo

    from crm_admin.models.interactions import Interaction

    said = datetime(2026, 3, 1, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    one = make(Interaction, happened_at=said)
    db.session.expire_all()
    assert one.happened_at == said
    assert one.happened_at.utcoffset() == timedelta(0)
    assert one.happened_at == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


def test_every_change_is_noted_with_who_when_what_and_by_which_door(people):
    acme = make(Customer, name="Acme")
    change(acme, people.dev, name="Acme Ltd", account_manager=people.ana)
    change(acme, people.dev, name="Acme Ltd")
    first, last = entries(acme)
    assert (first.action, last.action) == ("created", "changed")
    assert last.changes == {
        "name": ["Acme", "Acme Ltd"],
        "account_manager_id": [None, people.ana.id],
    }
    assert (last.actor_id, last.source, last.version) == (people.dev.id, "tests", 2)


def test_the_history_cannot_be_reached_by_any_screen(site):
    assert "audit_entries" not in access.entities()
    assert not [r for r in site.url_map.iter_rules() if "audit" in r.rule]


def test_a_number_is_given_once_and_never_again(app, people):
    system = people.system.id

    def add():
        with records.transaction("tests"):
            acme = Customer(name="Acme")
            records.save(acme, db.session.get(User, system))
            return acme.number

    numbers = together(app, *[add] * 8)
    assert len(set(numbers)) == 8, numbers
    with records.transaction("tests"):
        records.delete(db.session.scalars(select(Customer)).first(), people.system)
    assert make(Customer).number not in numbers


# Fields and reach.


def test_a_field_that_one_may_not_change_is_refused_and_the_rest_with_it(people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    with pytest.raises(Denied):
        change(acme, people.ana, name="New", account_manager=people.cho)
    with pytest.raises(Denied):
        change(acme, people.ana, number="C-1")
    with pytest.raises(Denied):
        change(acme, people.ana, password_hash="x")
    db.session.rollback()
    assert (acme.name, acme.account_manager_id) == ("Acme", people.ana.id)
    change(acme, people.ana, name="New")
    assert acme.name == "New"


def test_nobody_moves_a_record_out_of_their_own_reach(people):
    acme = make(Customer, account_manager_id=people.ana.id)
    with pytest.raises(Denied):
        change(acme, people.ben, account_manager=people.cho)
    db.session.rollback()
    change(acme, people.ben, account_manager=people.ben)
    assert acme.account_manager_id == people.ben.id


def test_what_is_out_of_reach_is_not_there_to_change(people):
    acme = make(Customer, account_manager_id=people.ana.id)
    for act in (records.delete, lambda r, a: records.change(r, {"name": "Mine"}, a)):
        with pytest.raises(Conflict), records.transaction("tests"):
            act(acme, people.cho)


def test_who_adds_a_customer_looks_after_it_unless_they_assign(people):
    with records.transaction("tests"):
        hers, his = Customer(name="Hers"), Customer(name="Pool")
        records.change(hers, {"name": "Hers"}, people.ana)
        records.change(his, {"name": "Pool"}, people.eve)
    assert hers.account_manager_id == people.ana.id
    assert his.account_manager_id is None


def test_a_technical_manager_adds_a_contract_for_the_customer(people):
    acme = make(Customer, account_manager_id=people.ben.id, technical_manager_id=people.ana.id)
    day = datetime(2026, 1, 1, tzinfo=UTC).date()
    with records.transaction("tests"):
        contract = Contract()
        values = {"title_text": "Repair", "customer": acme, "starts_on": day, "ends_on": day}
        records.change(contract, values, people.ana)
    assert access.find(Contract, contract.id, people.ana, "edit") is contract


# The recycle bin.


def test_what_others_point_at_is_not_deleted(people):
    contact = make(Contact)
    customer = contact.customer
    with pytest.raises(Invalid, match="still used by 1"), records.transaction("tests"):
        records.delete(customer, people.dev)
    with records.transaction("tests"):
        records.delete(contact, people.dev)
        records.delete(customer, people.dev)
    with pytest.raises(Invalid, match="in the recycle bin"), records.transaction("tests"):
        records.restore(contact, people.dev)
    with records.transaction("tests"):
        records.restore(customer, people.dev)
        records.restore(contact, people.dev)
    assert [e.action for e in entries(contact)] == ["created", "deleted", "restored"]


def test_a_name_is_had_once_among_the_living_however_many_ask_at_once(app, people):
    system = people.system.id

    def take():
        with records.transaction("tests"):
            records.save(PromotionMaterial(code="A4", name="Folder"), db.session.get(User, system))
        return True

    ends = together(app, *[take] * 6)
    assert ends.count(True) == 1
    assert {type(e) for e in ends if e is not True} <= {Conflict, Invalid}


# Customers.


def test_an_account_manager_has_one_open_assignment_and_the_former_ones_are_kept(people):
    acme = make(Customer, account_manager_id=people.ana.id)
    change(acme, people.dev, account_manager=people.cho)
    change(acme, people.dev, technical_manager=people.ana)
    found = customers.assignments(acme)
    kept = [(one.part, one.user_id, one.until_at is None) for one in reversed(found)]
    assert kept == [
        (Part.ACCOUNT_MANAGER, people.ana.id, False),
        (Part.ACCOUNT_MANAGER, people.cho.id, True),
        (Part.TECHNICAL_MANAGER, people.ana.id, True),
    ]
    change(acme, people.dev, account_manager=None)
    open_ones = select(Assignment.user_id).where(
        Assignment.until_at.is_(None), Assignment.part == Part.ACCOUNT_MANAGER
    )
    assert db.session.scalars(open_ones).all() == []


def test_of_two_who_take_a_customer_at_once_one_wins(app, people):
    dev, wanted = people.dev.id, [people.ana.id, people.cho.id]
    for _ in range(5):
        acme = make(Customer)
        id, version = acme.id, acme.version

        def take(user, id=id, version=version):
            with records.transaction("tests"):
                actor = db.session.get(User, dev)
                values = {"account_manager_id": user}
                records.change(db.session.get(Customer, id), values, actor, version=version)
            return True

        ends = together(app, *[lambda u=u: take(u) for u in wanted])
        assert ends.count(True) == 1, ends
        assert {type(e) for e in ends if e is not True} == {Conflict}
        open_ones = select(Assignment.user_id).where(
            Assignment.customer_id == id, Assignment.until_at.is_(None)
        )
        assert db.session.scalars(open_ones).all() == [wanted[ends.index(True)]]


def test_each_stage_a_customer_comes_to_is_dated(people):
    acme = make(Customer)
    since = acme.stage_since
    change(acme, people.dev, stage="customer")
    change(acme, people.dev, notes="Still one")
    steps = [step.stage for step in customers.stages(acme)]
    assert steps == [LifecycleStage.CUSTOMER, LifecycleStage.PROSPECT]
    assert acme.stage_since > since


# Promotion materials.


def test_the_stock_never_falls_below_nothing_however_many_take_at_once(app, people):
    material = make(PromotionMaterial)
    make(MaterialMovement, material=material, kind=MovementKind.RECEIVED, quantity=5)
    id, dev = material.id, people.dev.id

    def take():
        with records.transaction("tests"):
            actor = db.session.get(User, dev)
            move = MaterialMovement()
            values = {"material": db.session.get(PromotionMaterial, id), "person": actor}
            values |= {"kind": "issued", "quantity": 2, "moved_on": datetime.now(UTC).date()}
            records.change(move, values, actor)
        return True

    ends = together(app, *[take] * 6)
    material = db.session.get(PromotionMaterial, id)
    db.session.refresh(material)
    assert (ends.count(True), material.stock) == (2, 1), ends
    assert promotion_materials.counted_stock(material) == 1


def test_a_movement_stays_as_it_was_written(people):
    move = make(MaterialMovement, kind=MovementKind.RECEIVED, quantity=5)
    for act in (records.delete, lambda m, a: records.change(m, {"quantity": 50}, a)):
        with pytest.raises(Denied), records.transaction("tests"):
            act(move, people.dev)
    db.session.rollback()
    assert (move.quantity, move.deleted_at, move.material.stock) == (5, None, 5)


def test_every_moment_column_keeps_its_zone():
    from sqlalchemy import DateTime

    plain = [c for t in Model.metadata.tables.values() for c in t.c if type(c.type) is DateTime]
    assert plain == []


def test_an_unchanged_record_is_not_written(people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    with records.transaction("tests"):
        acme.account_manager = db.session.get(User, people.ana.id)
        assert changes.of(acme) == {}
        records.save(acme, organisation.system())
    assert acme.version == 1


def test_what_no_keyboard_types_is_not_kept(people):
    customer = Customer()
    with records.transaction("tests"):
        records.change(customer, {"name": "A\x01c\x7fme", "notes": "one\n\ttwo"}, people.dev)
    assert (customer.name, customer.notes) == ("Acme", "one\n\ttwo")
