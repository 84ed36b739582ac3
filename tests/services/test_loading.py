"""Many records at once, as well kept as if each had been saved by itself."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import inspect, select

from crm_admin.database import db
from crm_admin.errors import Denied
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract, ContractKind
from crm_admin.models.customers import Assignment, Customer, LifecycleStage, LifecycleStep, Part
from crm_admin.models.interactions import Interaction
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.rules import Rule, Severity
from crm_admin.models.tasks import Task
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    completeness,
    customers,
    history,
    loading,
    organisation,
    promotion_materials,
    records,
    search,
)
from tests.make import make

LONG_AGO = datetime(2024, 3, 1, 8, tzinfo=UTC)
#: What only the moment or the row itself makes different.
OWN = {"id", "number", "created_at", "updated_at", "stage_since", "search_text", "customer_id"}


def load(model, rows, actor):
    with records.transaction("demo"):
        return loading.load(model, rows, actor)


def refusal(model, rows, actor):
    with pytest.raises(loading.Refused) as refused, records.transaction("demo"):
        loading.load(model, rows, actor)
    return refused.value.rows


def columns_of(record):
    keys = inspect(type(record)).columns.keys()
    return {key: getattr(record, key) for key in keys if key not in OWN}


def test_a_loaded_customer_is_what_a_saved_one_is(people):
    values = {
        "name": " 上海云帆软件有限公司 ",
        "grade": "A",
        "phone": "",
        "stage": "customer",
        "account_manager_id": people.ana.id,
        "credit_limit": Decimal("20000.50"),
    }
    [loaded] = load(Customer, [values], people.system)
    saved = Customer()
    with records.transaction("form"):
        records.change(saved, values, people.system)
    loaded = db.session.get_one(Customer, loaded)
    assert columns_of(loaded) | {"completeness": None} == columns_of(saved) | {"completeness": None}
    assert (loaded.number, saved.number) == ("C-000001", "C-000002")
    assert loaded.stage_since


def test_a_loaded_contract_has_its_reminder_its_number_and_its_customers_manager(people):
    customer = make(Customer, account_manager_id=people.ana.id)
    row = {
        "title_text": "Support",
        "customer_id": customer.id,
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 12, 31),
    }
    [id] = load(Contract, [row], people.system)
    contract = db.session.get_one(Contract, id)
    assert contract.remind_on == date(2026, 12, 1)
    assert contract.owner_id == people.ana.id
    assert contract.kind is ContractKind.SALE
    assert contract.number == "CT-000001"


def test_records_go_on_being_saved_one_by_one_after_a_load(people):
    load(Customer, [{"name": f"No. {n}"} for n in range(3)], people.system)
    assert make(Customer, name="One more").number == "C-000004"


def test_the_history_says_that_a_record_was_loaded_by_whom_and_from_where(people):
    [id] = load(Customer, [{"name": "Old"}], people.dev)
    [entry] = history.of(db.session.get_one(Customer, id), people.dev)
    assert (entry.action, entry.source, entry.by) == ("loaded", "demo", "Dev")


def test_a_row_brings_along_when_and_by_whom_it_was_saved_before(people):
    past = [loading.Past("created", people.ana.id, LONG_AGO, {"name": [None, "Old"]})]
    row = {"name": "Old", "created_at": LONG_AGO, "created_by_id": people.ana.id, "past": past}
    [id] = load(Customer, [row], people.system)
    customer = db.session.get_one(Customer, id)
    assert (customer.created_at, customer.created_by_id) == (LONG_AGO, people.ana.id)
    entries = history.of(customer, people.dev)
    assert [(e.action, e.version) for e in entries] == [("loaded", 2), ("created", 1)]
    assert customer.version == 2


def test_a_customers_managers_and_stages_are_kept_with_their_dates(people):
    row = {
        "name": "Old",
        "created_at": LONG_AGO,
        "account_manager_id": people.cho.id,
        "stage": LifecycleStage.LAPSED,
        "stages": [(LifecycleStage.PROSPECT, LONG_AGO)],
        "parts": [(Part.ACCOUNT_MANAGER, people.ana.id, LONG_AGO, LONG_AGO.replace(year=2025))],
    }
    [id] = load(Customer, [row], people.system)
    customer = db.session.get_one(Customer, id)
    now, before = customers.assignments(customer)
    assert (before.user_id, before.until_at) == (people.ana.id, LONG_AGO.replace(year=2025))
    assert (now.user_id, now.from_at, now.until_at) == (people.cho.id, before.until_at, None)
    assert [step.stage for step in customers.stages(customer)] == ["lapsed", "prospect"]


def test_a_customer_in_the_pool_has_no_open_assignment(people):
    load(Customer, [{"name": "Nobody's"}], people.system)
    assert db.session.scalars(select(Assignment)).all() == []
    assert len(db.session.scalars(select(LifecycleStep)).all()) == 1


def test_loaded_records_are_found_and_rated_by_the_next_check(people):
    [id] = load(Customer, [{"name": "上海云帆", "phone": "(021) 6391-2200"}], people.system)
    for typed in ("云帆", "02163912200"):
        found_by, values = search.condition(Customer, people.dev, typed)
        wanted = select(Customer.id).where(found_by)
        assert db.session.scalars(wanted, values).all() == [id]
    customer = db.session.get_one(Customer, id)
    assert customer.completeness is None
    with records.transaction("job check_completeness"):
        completeness.refresh([customer], date(2026, 1, 1), organisation.system())
    assert customer.completeness == completeness.percent(customer)


def test_a_customer_keeps_one_primary_contact(people):
    customer = make(Customer)
    rows = [{"customer_id": customer.id, "name": n, "is_primary": True} for n in "abc"]
    load(Contact, rows, people.system)
    load(Contact, rows[:1], people.system)
    primary = select(Contact.name).where(Contact.is_primary)
    assert db.session.scalars(primary).all() == ["c"]


def test_the_stock_follows_the_loaded_movements(people):
    material = make(PromotionMaterial)
    rows = [
        {"kind": "received", "quantity": 50},
        {"kind": "issued", "quantity": 20, "person_id": people.ana.id},
        {"kind": MovementKind.COUNTED, "quantity": 28},
    ]
    shared = {"material_id": material.id, "moved_on": date(2026, 1, 1)}
    load(MaterialMovement, [row | shared for row in rows], people.system)
    assert material.stock == promotion_materials.counted_stock(material) == 28
    newest, *_ = history.of(material, people.dev)
    assert (newest.action, newest.version) == ("moved", material.version)


def test_more_than_is_there_cannot_leave(people):
    material = make(PromotionMaterial)
    shared = {"material_id": material.id, "person_id": people.ana.id, "moved_on": date(2026, 1, 1)}
    rows = [{"kind": "received", "quantity": 5}, {"kind": "issued", "quantity": 6}]
    [(position, [problem])] = refusal(
        MaterialMovement, [row | shared for row in rows], people.system
    ).items()
    assert (position, problem.text()) == (1, "Only 5 are in stock.")
    assert material.stock == 0


BAD = {
    "no name": ({"name": ""}, "name"),
    "too long": ({"name": "x" * 201}, "name"),
    "a character that cannot be kept": ({"name": "x\0"}, "name"),
    "no such stage": ({"name": "x", "stage": "asleep"}, "stage"),
    "too much money": ({"name": "x", "credit_limit": Decimal(10**14)}, "credit_limit"),
}


@pytest.mark.parametrize(("row", "key"), BAD.values(), ids=BAD)
def test_a_row_that_could_not_be_saved_is_named_and_nothing_is_written(people, row, key):
    [(position, [problem])] = refusal(Customer, [{"name": "Good"}, row], people.system).items()
    assert (position, problem.field) == (1, key)
    assert db.session.scalars(select(Customer)).all() == []


def test_what_the_record_itself_finds_wrong_is_found_too(people):
    row = {
        "title_text": "Backwards",
        "customer_id": make(Customer).id,
        "starts_on": date(2026, 2, 1),
        "ends_on": date(2026, 1, 1),
    }
    [problems] = refusal(Contract, [row], people.system).values()
    assert [problem.field for problem in problems] == ["ends_on"]


def test_a_rule_that_blocks_holds_for_loaded_rows(people):
    rule = make(
        Rule, entity="customers", field_key="phone", kind="required", severity=Severity.BLOCK
    )
    assert rule.is_active
    assert refusal(Customer, [{"name": "No phone"}], people.system).keys() == {0}


def test_what_only_one_may_have_is_not_given_twice(people):
    make(PromotionMaterial, code="B-1")
    rows = [{"code": code, "name": "Brochure"} for code in ("B-1", "B-2", "B-2")]
    assert refusal(PromotionMaterial, rows, people.system).keys() == {0, 2}


def test_another_customers_contact_is_refused(people):
    contact, customer = make(Contact), make(Customer)
    row = {"customer_id": customer.id, "contact_id": contact.id, "content": "Call"}
    assert refusal(Interaction, [row], people.system).keys() == {0}


def test_a_loaded_task_has_its_contacts_customer_and_when_it_was_done(people):
    contact = make(Contact)
    row = {
        "subject": "Call",
        "contact_id": contact.id,
        "status": "done",
        "due_on": date(2026, 1, 31),
    }
    load(Task, [row, {"subject": "Think"}], people.system)
    done, bare = db.session.scalars(select(Task).order_by(Task.id))
    assert (done.customer_id, done.due_day) == (contact.customer_id, 31)
    assert done.done_at is not None and done.done_by_id == done.assignee_id == people.system.id
    assert (bare.customer_id, bare.done_at) == (None, None)
    assert refusal(Task, [row | {"customer_id": make(Customer).id}], people.system).keys() == {0}


def test_only_who_may_add_records_for_all_may_load(people):
    with pytest.raises(Denied), records.transaction("demo"):
        loading.load(Customer, [{"name": "x"}], people.ana)
    with pytest.raises(Denied), records.transaction("demo"):
        loading.load(Customer, [{"name": "x", "number": "C-9"}], people.dev)


def test_what_decides_rights_is_not_loaded(people):
    with pytest.raises(TypeError), records.transaction("demo"):
        loading.load(User, [{"username": "x", "name": "x"}], people.system)
    with pytest.raises(TypeError), records.transaction("demo"):
        loading.load(Customer, [{"name": "x", "version": 7}], people.system)


def test_every_entity_that_does_something_at_a_save_does_it_at_a_load(app):
    nothing = records.prepare.dispatch(object), records.follow_up.dispatch(object)
    for model in access.entities().values():
        hooks = records.prepare.dispatch(model), records.follow_up.dispatch(model)
        if hooks != nothing and issubclass(model, Record) and not model.configures:
            assert model in loading.SUBJECTS, f"say in loading_subjects what {model} needs"


def test_any_number_of_rows_is_loaded_in_chunks(people):
    rows = ({"name": f"No. {n}"} for n in range(2500))
    assert loading.load_all(Customer, rows, people.system, "demo") == 2500
    assert len(db.session.scalars(select(AuditEntry.id)).all()) >= 2500
    numbers = db.session.scalars(select(Customer.number).order_by(Customer.id)).all()
    assert numbers == [f"C-{n:06}" for n in range(1, 2501)]
