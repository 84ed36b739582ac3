"""The made-up company: believable, the same every time, and kept by the rules of a real one."""

from collections import Counter
from datetime import date
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, inspect, select
from stdnum.cn import uscc
from stdnum.tw import ubn

from crm_admin.cli import demo as command
from crm_admin.database import db
from crm_admin.models import closed
from crm_admin.models.audit import AuditEntry
from crm_admin.models.cadences import Cadence
from crm_admin.models.configuration import NumberSeries
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Assignment, Customer, LifecycleStep, Part
from crm_admin.models.events import Event, EventGuest
from crm_admin.models.expenses import Expense, ExpenseStatus
from crm_admin.models.findings import DailyScore, Finding
from crm_admin.models.interactions import (
    Interaction,
    InteractionStatus,
    interaction_colleagues,
    interaction_guests,
)
from crm_admin.models.promotion_materials import MaterialMovement, PromotionMaterial
from crm_admin.models.reminders import Reminder
from crm_admin.models.reviews import Review
from crm_admin.models.tasks import Repeat, Task, TaskStatus
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    cadences,
    closing,
    completeness,
    demo,
    demo_names,
    demo_words,
    organisation,
    passwords,
    promotion_materials,
    records,
    search,
    validation,
)
from crm_admin.services.tries import Visitor

FOLDER = Path(__file__).parents[2] / "config" / "demo"
DAY = date(2026, 3, 2)
LOADED = (
    Customer, Contact, Contract, Interaction, Expense, PromotionMaterial, MaterialMovement, Task,
)  # fmt: skip
PASSWORD = "no secret here"


def load(count=30, seed=1):
    plan = demo.Plan(count, DAY, ZoneInfo("Asia/Shanghai"), seed)
    demo.make(plan, FOLDER, PASSWORD, organisation.system(), lambda done, count: None)


def everything():
    """What was made, but for the ids and the moment of loading."""
    found = []
    for model in LOADED:
        keys = [a.key for a in inspect(model).column_attrs if not a.key.endswith(("id", "_text"))]
        if model is PromotionMaterial:  # whose stock moved just now
            keys.remove("updated_at")
        for record in db.session.scalars(select(model).order_by(model.id)):
            found.append([getattr(record, key) for key in keys])
    return found


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


@pytest.fixture(scope="class")
def company(site):
    """A company that is only looked at: made once, and gone after the class that looks at it."""
    with site.app_context():
        load(300)
        yield
        site.put_back()


@pytest.mark.usefixtures("company")
class TestTheCompany:
    def test_assignments_say_what_the_customers_own_columns_say(self):
        kept = {
            (a.customer_id, a.part): a.user_id
            for a in db.session.scalars(select(Assignment).where(Assignment.until_at.is_(None)))
        }
        columns = {
            (customer.id, part): user_id
            for customer in db.session.scalars(select(Customer))
            for part in Part
            if (user_id := getattr(customer, f"{part}_id"))
        }
        assert kept == columns

    def test_stages_follow_one_another_up_to_the_present_one(self):
        steps = db.session.scalars(select(LifecycleStep).order_by(LifecycleStep.id)).all()
        for customer_id, group in groupby(steps, key=lambda step: step.customer_id):
            of_one = list(group)
            customer = db.session.get_one(Customer, customer_id)
            assert of_one[-1].stage == customer.stage
            assert of_one[-1].since_at == customer.stage_since
            assert [s.since_at for s in of_one] == sorted(s.since_at for s in of_one)

    def test_stock_is_the_sum_of_its_movements_and_never_negative(self):
        for material in db.session.scalars(select(PromotionMaterial)):
            assert material.stock == promotion_materials.counted_stock(material)
            moved = select(MaterialMovement.change).where(
                MaterialMovement.material_id == material.id
            )
            total = 0
            for change in db.session.scalars(moved.order_by(MaterialMovement.id)):
                total += change
                assert total >= 0

    def test_every_record_is_found_by_its_own_words(self):
        for customer in db.session.scalars(select(Customer)).all():
            dev = organisation.by_username("dev")
            wanted, values = search.condition(Customer, dev, customer.name[:4])
            found = db.session.scalars(select(Customer.id).where(wanted), values)
            assert customer.id in found.all()

    def test_every_record_has_one_entry_that_says_it_was_loaded(self):
        for model in LOADED:
            entity = model.__tablename__
            entries = select(AuditEntry.record_id).where(
                AuditEntry.entity == entity, AuditEntry.action == "loaded"
            )
            ids = db.session.scalars(select(model.id))
            assert sorted(db.session.scalars(entries)) == sorted(ids)

    def test_no_record_breaks_its_own_rules(self):
        for model in LOADED:
            for record in db.session.scalars(select(model)):
                every = dict.fromkeys(a.key for a in inspect(model).column_attrs)
                assert not [*record.problems(), *validation.field_problems(record, every)]

    def test_loaded_customers_lack_things_as_real_ones_do(self):
        customers = db.session.scalars(select(Customer)).all()
        for model in (Customer, Contact):
            with records.transaction("tests"):
                completeness.refresh(
                    db.session.scalars(select(model)).all(), DAY, organisation.system()
                )
        rates = {customer.completeness for customer in customers}
        assert 100 in rates
        assert min(rates) < 90

    def test_contracts_end_before_and_after_the_day_and_follow_one_another(self):
        contracts = db.session.scalars(select(Contract)).all()
        assert {c.status for c in contracts} == set(ContractStatus)
        soon = [c for c in contracts if c.status == "active" and 5 <= (c.ends_on - DAY).days <= 90]
        assert soon
        for contract in contracts:
            if before := contract.predecessor:
                assert before.customer_id == contract.customer_id
                assert (contract.starts_on - before.ends_on).days == 1
                assert before.status == ContractStatus.RENEWED

    def test_expenses_went_through_the_steps_their_state_needs(self):
        expenses = db.session.scalars(select(Expense)).all()
        assert {e.status for e in expenses} == set(ExpenseStatus)
        for expense in expenses:
            statement = select(AuditEntry).where(
                AuditEntry.entity == "expenses", AuditEntry.record_id == expense.id
            )
            entries = db.session.scalars(statement.order_by(AuditEntry.id)).all()
            steps = {
                "draft": [],
                "submitted": ["submitted"],
                "approved": ["submitted", "approved"],
                "rejected": ["submitted", "rejected"],
                "paid": ["submitted", "approved", "paid"],
            }[expense.status]
            assert [e.action for e in entries] == ["created", *steps, "loaded"]
            assert [e.created_at for e in entries] == sorted(e.created_at for e in entries)
            assert expense.decided_by_id != expense.claimant_id
            assert expense.version == entries[-1].version
            assert expense.paid_on is None or expense.decided_at.date() <= expense.paid_on <= DAY

    def test_everybody_has_tasks_of_all_sorts(self):
        found = db.session.scalars(select(Task)).all()
        assert {task.status for task in found} == set(TaskStatus)
        assert {task.repeat for task in found} >= {Repeat.WEEKLY, Repeat.MONTHLY, Repeat.NEVER}
        late = {task.assignee_id for task in found if task.status == "open" and task.due_on <= DAY}
        sellers = db.session.scalars(select(User).where(User.job_title.is_not(None))).all()
        assert len({task.assignee_id for task in found}) > len(sellers) * 0.7
        assert len(late) > 20
        for task in found:
            assert (task.done_at is not None) is (task.status == TaskStatus.DONE)
            assert task.done_at is None or task.done_at.date() <= DAY

    def test_a_salesperson_sees_their_own_customers_only(self):
        seller = organisation.by_username("zhang.wei")
        seen = access.fetch(access.visible(Customer, seller))
        assert 0 < len(seen) < 100
        for customer in seen:
            assert seller.id in [getattr(customer, key) for key in Customer.owners]
        head = organisation.by_username("li.jianguo")
        below = access.fetch(access.visible(Customer, head))
        assert {c.id for c in seen} < {c.id for c in below}
        everyone = organisation.by_username("sun.liping")
        assert len(access.fetch(access.visible(Customer, everyone))) == 300

    def test_everybody_can_sign_in_with_the_one_password(self):
        for username in ("zhang.wei", "chen.i-chun"):
            user = passwords.sign_in(username, PASSWORD, Visitor("127.0.0.1"))
            assert user is not None
            assert not user.must_change_password


def test_a_load_has_what_was_asked_for(app):
    load()
    counts = {model: count(model) for model in LOADED}
    assert counts[Customer] == counts[Contract] == 30
    assert counts[Contact] == 75
    assert counts[Interaction] == 450
    assert counts[PromotionMaterial] == 24
    assert 0 < counts[Expense] <= 7


def test_the_batches_of_a_larger_load_add_up(app, monkeypatch):
    monkeypatch.setattr(demo, "BATCH", 17)
    load(100)
    assert (count(Customer), count(Contract), count(Contact)) == (100, 100, 250)
    assert count(Interaction) == 1500


@pytest.mark.parametrize("number", [1, 2, 3])
def test_even_a_few_customers_make_a_company(app, number):
    load(number)
    assert count(Customer) == number
    assert count(Interaction) == 15 * number


def test_the_same_seed_makes_the_same_company(app):
    load()
    first = everything()
    with records.transaction("tests"):
        _clear(db.session.connection())
    load()
    assert everything() == first


def _clear(connection):
    """Remove all that was loaded, as only the database's owner can: part of it is closed."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for statement in closed.asleep(connection):
        connection.exec_driver_sql(statement)
    models = (
        Review, Reminder, Finding, DailyScore, EventGuest, Event, Assignment, LifecycleStep,
        *reversed(LOADED), NumberSeries,
    )  # fmt: skip
    for table in (interaction_colleagues, interaction_guests, *map(access.table_of, models)):
        connection.execute(table.delete())
    closed.make(connection)


def test_another_seed_makes_another_company(app):
    load(3)
    names = set(db.session.scalars(select(Customer.name)))
    load(3, seed=2)
    assert len(set(db.session.scalars(select(Customer.name))) - names) == 3


def test_loading_again_adds_customers_and_keeps_the_people(app):
    load(2)
    load(2)
    assert count(Customer) == 4
    assert count(PromotionMaterial) == 24


def test_codes_of_licences_have_their_check_digits_right():
    random = demo_words.dice(1)
    for _ in range(200):
        assert uscc.is_valid(demo_names.credit_code(random, "91", "310115"))
        assert ubn.is_valid(demo_names.uniform_number(random))


def test_shares_add_up_and_follow_the_weights():
    assert demo_words.shares([1, 2, 1], 8) == [2, 4, 2]
    assert sum(demo_words.shares([0.3, 1.7, 0.2, 5], 101)) == 101
    assert demo_words.shares([0, 0], 3) == [2, 1]


def test_the_command_loads_once_and_then_asks(app):
    runner = app.test_cli_runner()
    options = ["load", "--customers", "3", "--day", "2026-03-02", "--password", PASSWORD]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_prepare", lambda: None)  # the tables are made without migrations
        done = runner.invoke(command.command, options)
        assert done.exit_code == 0, done.output
        assert "Sign in as zhang.wei" in done.output
        again = runner.invoke(command.command, options)
    assert again.exit_code == 1
    assert "--yes" in again.output


def test_interactions_were_closed_as_a_rule(app):
    load(100)
    states = Counter(db.session.scalars(select(Interaction.status)))
    assert states[InteractionStatus.CLOSED] > 5 * states[InteractionStatus.CLOSED_LATE] > 0
    assert 0 < states[InteractionStatus.OPEN] < 100
    assert states[None] > 0  # from before the company closed anything
    for one in db.session.scalars(select(Interaction).where(Interaction.closed_at.is_not(None))):
        assert one.closed_at >= one.happened_at
        lacks = [*closing.missing(one)]
        assert not lacks or one.closed_by.is_system, lacks


def test_what_was_said_has_no_gaps_to_fill_in(app):
    load(100)
    for one in db.session.scalars(select(Interaction)):
        assert "{" not in f"{one.content}{one.effect}{one.next_step}", one.content


def test_customers_are_visited_mostly_when_their_grade_says(app):
    load(200)
    graded = select(func.count()).where(
        Customer.grade.is_not(None), Customer.account_manager_id.is_not(None)
    )
    due, whole = cadences.page(organisation.system(), DAY, limit=1000)
    looked_after = [one for one in due if one.manager_id is not None]
    assert 8 < len(looked_after) < db.session.scalar(graded) * 0.35, whole
    assert max(one.late(DAY) for one in looked_after) < 400
    long = [one for one in looked_after if one.late(DAY) > 120]
    assert len(long) < len(looked_after) * 0.2


def test_people_have_a_calendar_and_cadences_by_grade(app):
    load(20)
    assert count(Event) > 20
    assert count(EventGuest) > 0
    assert count(Cadence) == 4
    events = count(Event)
    load(2)
    assert count(Event) == events, "a second load adds none"
