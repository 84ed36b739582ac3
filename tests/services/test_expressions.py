"""What expressions mean, and that they mean the same in memory as in either database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import insert, inspect, select

from crm_admin.database import db
from crm_admin.errors import Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import Interaction
from crm_admin.models.promotion_materials import PromotionMaterial
from crm_admin.models.types import Moment, Money
from crm_admin.models.users import User
from crm_admin.services import access, expressions, records
from crm_admin.services.expressions.terms import Kind

TODAY = date(2026, 3, 31)
ENTITIES = (Contract, Customer, Contact, Expense, Interaction, PromotionMaterial, User)
TEXTS = (
    "", "a", "A", "B", "abc", "ABC", "aBc ", " abc", "a%c", "a_c", "%", "_", "\\", "天剑", "天", "É",
    "é", "İ", "ß", "it's", '"', "ａ", "😀a", "x" * 40, "A\tB", "ab", "bc", "C", "null", "0",
)  # fmt: skip
DAYS = (
    date(1, 1, 1), date(1900, 1, 1), date(2024, 2, 29), date(2026, 3, 30), TODAY, date(2026, 4, 1),
    date(2026, 12, 31), date(9999, 12, 31),
)  # fmt: skip
MOMENTS = (
    datetime(2026, 3, 30, 15, 59, 59, 999999, tzinfo=UTC),  # the day before, in Shanghai
    datetime(2026, 3, 30, 16, 0, tzinfo=UTC),
    datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 31, 16, 0, tzinfo=UTC),
    datetime(1990, 7, 1, 15, 30, tzinfo=UTC),  # in Shanghai's summer time
    datetime(2000, 1, 1, tzinfo=UTC),
)
AMOUNTS = ("0", "0.01", "0.99", "1", "1.5", "2.49", "2.5", "99.99", "100", "1000000.01",
           "9999999999999.99", "-0.01", "-1.5", "-2.5", "-99.99")  # fmt: skip
NUMBERS = (0, 1, 2, 3, 7, 30, 100, 365, 2**31 - 1, -1, -30, -(2**31) + 1)


@pytest.fixture
def rows(people):
    """Many records of each entity, with whatever its columns can hold: {entity: its records}."""
    random = Random(20260331)
    found = {}
    order = sorted(ENTITIES, key=lambda m: [Customer, Contact, Contract].index(m)
                   if m in (Customer, Contact, Contract) else 9)  # fmt: skip
    with records.transaction("tests"):
        ids = {"users": [u.id for u in db.session.scalars(select(User))]}
        ids["departments"] = [p.department_id for p in (people.ana, people.cho, people.dev)]
        for model in order:
            table = access.table_of(model)
            made = [_row(model, random, ids, number) for number in range(40)]
            for row in made:
                db.session.execute(insert(table), row)
            ids[table.name] = list(db.session.scalars(select(table.c.id)))
    for model in ENTITIES:
        found[model] = db.session.scalars(select(model)).all()
    return found


def _row(model, random, ids, number):
    row = {"version": 1}
    for key, column in inspect(model).columns.items():
        if column.info.get("label"):
            row[key] = _value(column, random, ids, number)
    if "starts_on" in row and row["starts_on"] > row["ends_on"]:
        row["starts_on"], row["ends_on"] = row["ends_on"], row["starts_on"]
    if model is Expense:
        row["amount"] = abs(row["amount"]) or Decimal(1)
    for key in ("stock", "notice_days"):
        if key in row:
            row[key] = abs(row[key])
    return row


def _value(column, random, ids, number):
    if column.name in ("number", "code", "username"):
        return f"{random.choice(TEXTS)}{number}"
    if column.nullable and random.random() < 0.3:
        return None
    if column.foreign_keys:
        [foreign] = column.foreign_keys
        known = ids.get(foreign.column.table.name, [])
        return random.choice(known) if known else None
    if kinds := getattr(column.type, "enum_class", None):
        return random.choice(list(kinds))
    if isinstance(column.type, Money):
        return Decimal(random.choice(AMOUNTS))
    if isinstance(column.type, Moment):
        return random.choice(MOMENTS)
    choices = {date: DAYS, str: TEXTS, bool: (True, False), int: NUMBERS}
    return random.choice(choices[column.type.python_type])


# Expressions of every kind.


def names(model, kind):
    """Return the fields of an entity, and of the records it points at, that are of a kind."""
    return [
        one.name
        for one in expressions.completions(model)
        if one.sort in ("field", "related") and one.kind == kind.value
    ]


#: What may be wrong with an expression made at random.
LIMITS = ("Nested", "decimal places", "Longer than", "no more or less", "words and signs")


def quoted(text):
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def written(model):
    """Return a strategy of conditions on an entity's records."""
    field = {kind: st.sampled_from(names(model, kind) or ["today"]) for kind in Kind}
    words = [quoted(text) for text in TEXTS if text and "\t" not in text]
    texts = st.one_of(field[Kind.TEXT], st.sampled_from(words))
    texts = st.one_of(texts, texts.map(lambda text: f"lower({text})"))
    few = st.sampled_from(
        ("0", "1", "2.5", "30", "100", "0.015", "1.499999", "99.99", "2147483647")
    )
    whole = st.one_of(
        st.sampled_from(("0", "1", "7", "30", "365", "4000000", "-5")),
        texts.map(lambda text: f"length({text})"),
    )
    days = st.one_of(
        field[Kind.DAY], st.just("today"), st.sampled_from([f"'{day}'" for day in DAYS])
    )
    fields = st.sampled_from(names(model, Kind.DAY) or ["today"])
    days = st.one_of(
        days, st.tuples(fields, st.sampled_from("+-"), whole).map(" ".join).map("({})".format)
    )
    numbers = st.recursive(
        st.one_of(
            st.sampled_from(names(model, Kind.NUMBER) or ["1"]),
            few,
            whole,
            st.tuples(st.sampled_from(["days_until", "days_since", "year", "month"]), days).map(
                lambda parts: f"{parts[0]}({parts[1]})"
            ),
            st.tuples(fields, days).map(lambda parts: f"({parts[0]} - {parts[1]})"),
        ),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join).map("({})".format),
            inner.map(lambda number: f"-{number}"),
            inner.map(lambda number: f"abs({number})"),
            inner.map(lambda number: f"round({number})"),
        ),
        max_leaves=4,
    )
    order = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))
    same = st.sampled_from(("=", "!="))
    plain = [
        st.tuples(numbers, order, numbers).map(" ".join),
        st.tuples(days, order, days).map(" ".join),
        st.tuples(texts, same, texts).map(" ".join),
        st.tuples(
            st.sampled_from(["contains", "starts_with", "ends_with"]), texts, texts
        ).map(lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"),
        st.tuples(
            st.one_of(*(field[kind] for kind in Kind if names(model, kind)), numbers, texts),
            st.sampled_from(["is empty", "is not empty"]),
        ).map(" ".join),
        listed(texts), listed(numbers), listed(days),
    ]  # fmt: skip
    if names(model, Kind.STATE):
        plain.append(st.sampled_from(states(model)))
    if names(model, Kind.TRUTH):
        plain.append(field[Kind.TRUTH])
        answer = st.sampled_from(["true", "false"])
        plain.append(st.tuples(field[Kind.TRUTH], same, answer).map(" ".join))
    if names(model, Kind.RECORD):
        plain.append(st.sampled_from(pointers(model)))
    return st.recursive(
        st.one_of(*plain),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or"]), inner)
            .map(" ".join)
            .map("({})".format),
            inner.map(lambda one: f"not {one}"),
        ),
        max_leaves=4,
    )


def listed(values):
    lists = st.lists(values, min_size=1, max_size=3).map(lambda items: f"({', '.join(items)})")
    return st.tuples(values, st.sampled_from(["in", "not in"]), lists).map(" ".join)


def states(model):
    found = []
    for one in expressions.completions(model):
        values = [quoted(value) for value, _ in one.choices]
        found += [f"{one.name} {sign} {value}" for sign in ("=", "!=") for value in values]
        found += [f"{one.name} in ({', '.join(values[:2])})"] if values else []
    return found


def pointers(model):
    found = []
    for name in names(model, Kind.RECORD):
        for other in ("me", "my_department", "3", "(2, 4)", *names(model, Kind.RECORD)):
            for sign in ("in", "not in") if other[0] == "(" else ("=", "!="):
                try:
                    expressions.compiled(model, f"{name} {sign} {other}")
                except Invalid:
                    continue
                found.append(f"{name} {sign} {other}")
    return found


def check(model, text, rows, actor):
    """Compare the closure with the database, record by record."""
    expression = expressions.compiled(model, text)
    condition = expression.condition(actor, TODAY)
    table = access.table_of(model)
    found = dict(db.session.execute(select(table.c.id, condition.label("found"))).all())
    opposite = expressions.compiled(model, f"not ({text})")
    selected = set(db.session.scalars(select(table.c.id).where(opposite.condition(actor, TODAY))))
    for record in rows:
        held = expression.holds(record, actor, TODAY)
        assert held in (True, False)
        assert found[record.id] is not None, f"unknown in the database: {text}"
        assert held == bool(found[record.id]), f"{text}: {described(record, expression)}"
        assert (record.id in selected) is not held, f"not ({text})"
    again = expressions.compiled(model, expression.text)
    assert again.text == expression.text


def described(record, expression):
    return {key: getattr(record, key) for key in expression.fields}


@pytest.mark.parametrize("model", ENTITIES, ids=lambda model: model.__tablename__)
def test_memory_and_database_agree_on_whatever_is_written(model, rows, people):
    @settings(
        max_examples=60, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(text=written(model), who=st.sampled_from(("ana", "dev", "system")))
    def agree(text, who):
        try:
            expressions.compiled(model, f"not ({text})")
        except Invalid as invalid:
            if any(limit in str(invalid) for limit in LIMITS):
                reject()
            raise
        check(model, text, rows[model], getattr(people, who))

    agree()
