"""What rules ask, on every path by which records are written, and what they cost."""

from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from crm_admin import i18n
from crm_admin.database import db
from crm_admin.errors import Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.rules import Rule, Severity
from crm_admin.services import (
    bulk_edits,
    completeness,
    import_fields,
    importing,
    loading,
    organisation,
    records,
    rules,
    validation,
    zones,
)
from tests.make import make
from tests.pages import form_of

BLOCK = {"severity": Severity.BLOCK}
PHONE = "010-65551234"
ALIASES = Path(__file__).parents[2] / "config" / "import_aliases.toml"


def kinds(record):
    """Return the kinds of the rules that it breaks, but for those of what is missing."""
    found = [lack.kind for lack in completeness.lacks([record])[0]]
    return [kind for kind in found if kind not in ("required", "related")]


def change(record, actor, **values):
    with records.transaction("tests"):
        records.change(record, values, actor)


def shipped_off():
    """Switch the shipped rules off, so that only what a test makes is asked."""
    with records.transaction("tests"):
        for rule in db.session.query(Rule):
            rule.is_active = False
            records.save(rule, organisation.system())


def test_shipped_rules_warn_of_rubbish_and_of_other_customers_numbers(people):
    """Source: A2, A4"""
    make(Customer, name="Acme", phone=PHONE)
    other = make(Customer, name="qwerty", phone=PHONE, credit_code="911100007109325155")
    change(other, people.dev, city="Beijing")  # warnings stop nobody
    assert set(kinds(other)) == {"rubbish", "shared", "credit_code"}
    change(other, people.dev, name="Beta", phone="010-65551235", credit_code="91110000710932515R")
    assert set(kinds(other)) <= {"credit_code"}


def test_freshness_by_grade_is_asked_once_it_is_switched_on(people):
    """Source: A4"""
    for grade, days in (("A", 30), ("B", 90)):
        make(
            Rule, entity="customers", field_key="interactions", kind="contacted",
            parameter=str(days), condition=f"grade='{grade}'",
        )  # fmt: skip
    old = datetime.now(UTC) - timedelta(60)
    best, good = (
        make(Customer, grade="A", created_at=old),
        make(Customer, grade="B", created_at=old),
    )
    assert kinds(best) == ["contacted"]
    assert kinds(good) == []
    assert kinds(make(Customer, grade="A")) == []  # it is new
    make(Interaction, customer=best, happened_at=datetime.now(UTC) - timedelta(3))
    assert kinds(best) == []


def test_a_rule_waits_for_its_day_and_leaves_older_records_alone(people):
    today = zones.today()
    rule = make(
        Rule, entity="customers", field_key="notes", kind="matches", parameter="[0-9]+",
        from_on=today + timedelta(1),
    )  # fmt: skip
    acme = make(Customer, notes="x", created_at=datetime.now(UTC) - timedelta(5))
    assert "matches" not in kinds(acme)
    change(rule, people.dev, from_on=today)
    assert "matches" in kinds(acme)
    change(rule, people.dev, only_new=True)
    assert "matches" not in kinds(acme)
    assert "matches" in kinds(make(Customer, notes="x"))
    with pytest.raises(Invalid, match="from which day"):
        change(rule, people.dev, from_on=None)


def test_a_message_comes_in_each_language_and_falls_back(people):
    texts = {"message_en": "Look!", "message_zh_hans": "请看！"}
    make(Rule, entity="customers", field_key="notes", kind="rubbish", **texts)
    acme, said = make(Customer, notes="aaa"), []
    for language in ("en", "zh_Hans_CN", "zh_Hant_TW"):
        i18n.use_language(language)
        said += [lack.problem.text() for lack in completeness.lacks([acme])[0]][-1:]
    i18n.use_language("en")
    assert said == ["Look!", "请看！", "请看！"]


def test_a_rule_that_can_no_longer_be_read_is_not_asked(people):
    rule = make(Rule, entity="customers", field_key="notes", kind="required", **BLOCK)
    with records.transaction("tests"):
        rule.condition = "a field that is gone = 1"  # written by no form
        rule.kind = "required"
        db.session.flush()
    assert rule.id not in {one.id for one in validation.rules_of("customers")}
    change(make(Customer), people.dev, city="Beijing")


# Every path obeys: what blocks stops a person, what warns stops nobody.


@pytest.fixture(params=["block", "warn"])
def stops(request, people):
    """Whether a rule that asks for a phone number, and is now in force, stops people."""
    shipped_off()
    make(Rule, entity="customers", field_key="phone", kind="phone", severity=request.param)
    return request.param == "block"


def test_a_form_obeys(stops, people, client_of):
    acme, client = make(Customer, name="Acme", phone=PHONE), client_of(people.dev)
    there = f"/customers/edit/?id={acme.id}"
    form = form_of(client.get(there))
    form |= {"phone": "call me"}
    answer = client.post(there, data=form)
    assert answer.status_code == (200 if stops else 302)
    assert ('id="phone-error"' in answer.text) == stops
    assert db.session.get(Customer, acme.id).phone == (PHONE if stops else "call me")
    form |= {"phone": "13800138000"}
    form |= {"version": str(db.session.get(Customer, acme.id).version)}
    assert client.post(there, data=form).status_code == 302


def test_a_bulk_edit_obeys(stops, people):
    acme = make(Customer, name="Acme", phone=PHONE)
    asked = bulk_edits.Change(Customer, "phone", people.dev)
    outcome = bulk_edits.carry_out(asked, [acme.id], "x", lambda: records.transaction("bulk"))
    assert len(outcome.refused) == int(stops)
    if stops:
        assert "no phone number" in str(outcome.refused[0][-1])


def test_an_import_obeys(stops, people, tmp_path):
    file = tmp_path / "file.csv"
    file.write_text("Name,Phone\nAcme,call me\nBeta,13800138000\n", encoding="utf-8")
    heard, report = [], importing.Report()
    report.refused = lambda line, column, error: heard.append((line, str(error)))
    aliases = import_fields.read_aliases(ALIASES)
    counts = importing.run(Customer, file, people.dev, aliases=aliases, report=report)
    assert (counts.created, counts.refused) == ((1, 1) if stops else (2, 0))
    assert ["no phone number" in said for _, said in heard] == [True] * int(stops)


def test_a_command_obeys(stops, people, app, tmp_path):
    file = tmp_path / "file.csv"
    file.write_text("Name,Phone\nAcme,call me\nBeta,13800138000\n", encoding="utf-8")
    done = app.test_cli_runner().invoke(args=["import", "customers", str(file), "--as", "dev"])
    assert ("no phone number" in done.output) == stops
    db.session.rollback()
    assert db.session.query(Customer).count() == (1 if stops else 2)


def test_loading_obeys(stops, people):
    rows = [{"name": "Acme", "phone": "call me"}]
    refused = pytest.raises(loading.Refused) if stops else nullcontext()
    with refused, records.transaction("tests"):
        loading.load(Customer, rows, people.system)


def test_what_a_service_or_a_job_decides_is_never_stopped(stops, people):
    acme = make(Customer, name="Acme", phone="call me")
    with records.transaction("job anything"):
        acme.city = "Beijing"
        records.save(acme, people.system)
    assert "phone" in kinds(acme)


# What rules cost when a record is saved.


@contextmanager
def counted():
    """Note the statements of the block."""
    asked = []

    def note(_connection, _cursor, statement, *_):
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT")):
            asked.append(" ".join(statement.split()))

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("severity", list(Severity))
def test_a_rule_about_other_records_costs_one_query_and_others_none(people, severity):
    shipped_off()
    acme = make(Customer, name="Acme", phone=PHONE, grade="A")
    make(Contact, customer=acme)

    def cost():
        change(acme, people.dev, notes="before")  # what is configured is read once
        with counted() as asked:
            change(acme, people.dev, notes=f"after {acme.version}")
        return len(asked)

    bare = cost()
    common = {"entity": "customers", "severity": severity}
    for field, kind, parameter in [
        ("phone", "phone", ""), ("name", "rubbish", ""), ("phone", "matches", "[0-9-]+"),
        ("name", "holds", "grade = 'A'"), ("name", "touched", "3"),
    ]:  # fmt: skip
        make(Rule, field_key=field, kind=kind, parameter=parameter, **common)
    assert cost() == bare
    for number, (field, kind, parameter) in enumerate(
        [("phone", "shared", ""), ("name", "unique", ""), ("contacts", "related", "contacts")], 1
    ):
        make(Rule, field_key=field, kind=kind, parameter=parameter, **common)
        assert cost() == bare + number
    make(
        Rule, field_key="name", kind="unique", condition="grade = 'B'", **common
    )  # not asked of this one
    assert cost() == bare + 3


def test_many_records_are_judged_with_one_query_a_rule(people):
    shipped_off()
    parents = [make(Customer, grade="A", phone=PHONE) for _ in range(3)]
    found = [make(Customer, parent_id=p.id, phone=str(n)) for n, p in enumerate(parents * 2)]
    for field, kind in (("phone", "shared"), ("contacts", "related"), ("name", "unique")):
        make(
            Rule, entity="customers", field_key=field, kind=kind, condition="parent.grade = 'A'",
            parameter="contacts" if kind == "related" else None,
        )  # fmt: skip
    db.session.expire_all()
    found = list(db.session.query(Customer).order_by(Customer.id))
    validation.rules_of("customers")
    with counted() as asked:
        broken = validation.broken(found)
    assert len(asked) <= 5, asked  # the parents are at hand already or read at once
    assert sum(map(len, broken.values())) == 6


def test_a_copy_is_off_and_a_preview_writes_nothing(people):
    rule = make(Rule, entity="customers", field_key="phone", kind="required", why_en="So.")
    make(Customer)
    with records.transaction("tests"):
        made = rules.copy(rule, people.dev)
    assert (made.is_active, made.why_en) == (False, "So.")
    assert rules.preview(made, people.dev).failing == 1
    assert not db.session.dirty
