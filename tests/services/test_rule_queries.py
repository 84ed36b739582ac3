"""Which records break a rule: the query and the check of each record find the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.rules import Severity
from crm_admin.services import access, organisation, records, rule_queries, validation, zones
from crm_admin.services.rule_kinds import KINDS, RuleFacts

NOW = datetime.now(UTC)


def rule_of(entity, field, kind, parameter="", condition="", **more):
    return RuleFacts(0, entity, field, kind, parameter, Severity.WARN, 1, condition, **more)


def both(rule):
    """Return the ids that break a rule, as the query has them and as each record says."""
    model = access.model_of(rule.entity)
    found = list(db.session.scalars(select(model).where(model.deleted_at.is_(None))))
    together = validation.broken(found, [rule])
    one_by_one = {r.id for r in found if validation.broken([r], [rule])[0]}
    assert one_by_one == {found[place].id for place, broken in together.items() if broken}
    return set(rule_queries.ids_breaking(rule)), one_by_one


TEXTS = st.sampled_from(
    [None, "", "a", "aaa", "0000", "无", "王", "Acme", "acme", "010-65551234", "010-6555 1234",
     "13800138000", "010-65551234 转 12", "95588", "400-123-4567", "12345", "qwerty", "100080",
     "x@y.cn", "a b@c", "91110000710932515Q", "A", "B", "100%", "A\u00a0", "é", "É"]
)  # fmt: skip
PICKS = st.sampled_from([None, "A", "B", "a", "none such", ""])
MONEY = st.sampled_from([None, Decimal(0), Decimal("0.10"), Decimal("99.99"), Decimal("-5")])
DAYS = st.sampled_from([None, -400, -31, -30, -29, -1, 0, 1, 40])
CUSTOM = st.fixed_dictionaries(
    {},
    optional={
        "vat": st.sampled_from([None, "", "aaa", "DE123456789", 0, 7, 1.5, True, False, []]),
        "extra": st.sampled_from([None, "13800138000", "5", 13800138000]),
    },
)
COUNTRIES = st.sampled_from([None, "", "China", "中国", "台湾", "USA", "Atlantis", "de"])
CONDITIONS = st.sampled_from(
    ["", "grade = 'A'", "grade != 'A'", "grade is empty", "credit_limit >= 0.1",
     "not (credit_limit < 50)", "next_contact_on < today", "stage in ('prospect', 'lapsed')",
     "parent.grade = 'A'", "parent.credit_limit is empty and length(phone) > 3",
     "days_since(next_contact_on) > 30", "stage_since < today"]
)  # fmt: skip
CUSTOMER_RULES = [
    *((field, kind, "") for kind in ("required", "unique", "shared", "rubbish", "phone", "email")
      for field in ("phone", "name", "grade")),
    *((field, "required", "") for field in
      ("credit_limit", "next_contact_on", "stage", "parent_id", "custom_vat", "custom_none")),
    *((field, "unique", "") for field in ("credit_limit", "next_contact_on", "stage")),
    *((field, "shared", "1") for field in ("phone", "credit_limit")),
    *((field, "known", "customer_grades") for field in ("grade", "stage", "custom_vat", "name",
                                                        "credit_limit")),
    *((field, "matches", "[A-Z0-9.]+") for field in ("grade", "name", "credit_limit",
                                                     "next_contact_on", "custom_vat")),
    *((f"custom_{key}", kind, "") for key in ("vat", "extra") for kind in ("phone", "rubbish",
                                                                        "email", "credit_code")),
    ("postal_code", "postal_code", ""), ("phone", "postal_code", "TW"), ("phone", "phone", "TW"),
    ("credit_code", "credit_code", ""), ("contacts", "related", "contacts"),
    ("name", "touched", "30"), ("interactions", "contacted", "30"),
    ("name", "holds", "credit_limit < 50"), ("name", "holds", "parent.grade != 'A'"),
    ("name", "holds", "next_contact_on is empty or next_contact_on >= today"),
]  # fmt: skip


@st.composite
def customers(draw):
    values = {
        "name": draw(TEXTS) or "Name", "phone": draw(TEXTS), "grade": draw(PICKS),
        "postal_code": draw(TEXTS), "credit_code": draw(TEXTS), "country": draw(COUNTRIES),
        "credit_limit": draw(MONEY), "custom": draw(CUSTOM),
        "stage": draw(st.sampled_from(["prospect", "customer", "lapsed"])),
    }  # fmt: skip
    ages = {key: draw(DAYS) for key in ("next", "touched", "created")}
    ages["talk"] = draw(DAYS.filter(lambda age: age is None or age <= 0))
    return values, ages, draw(st.booleans()), draw(st.booleans())


def write(drawn, system):
    """Write customers as drawn; every other one belongs to the one before it."""
    before, gone, table = None, [], access.table_of(Customer)
    for values, ages, has_contact, binned in drawn:
        on = ages["next"]
        values = values | {"next_contact_on": None if on is None else zones.today() + timedelta(on)}
        customer = Customer(**values, parent_id=before)
        records.save(customer, system)
        if has_contact:
            records.save(Contact(customer_id=customer.id, name="A", phone=values["phone"]), system)
        if ages["talk"] is not None:
            talk = Interaction(customer_id=customer.id, content="x", author_id=system.id)
            talk.happened_at = NOW + timedelta(ages["talk"])
            records.save(talk, system)
        for key, age in (("updated_at", ages["touched"]), ("created_at", ages["created"])):
            if age is not None:
                changed = table.update().where(table.c.id == customer.id)
                db.session.execute(changed.values({key: NOW + timedelta(age)}))
        gone += [customer.id] if binned else []
        db.session.flush()
        before = None if before else customer.id
    binned = table.update().where(table.c.id.in_(gone))
    db.session.execute(binned.values(deleted_at=clock.now()))
    db.session.expire_all()


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # what fails here is small already
)
@given(
    drawn=st.lists(customers(), min_size=1, max_size=8),
    conditions=st.lists(CONDITIONS, min_size=1, max_size=3),
    only_new=st.sampled_from([None, -30, 0, 1]),
)
def test_the_query_and_the_check_of_each_record_find_the_same(people, drawn, conditions, only_new):
    """Source: A2, A4"""

    class Undone(Exception):
        pass

    more = {}
    if only_new is not None:
        more = {"from_on": zones.today() + timedelta(only_new), "only_new": True}
    with pytest.raises(Undone), records.transaction("tests"):
        write(drawn, organisation.system())
        for field, kind, parameter in CUSTOMER_RULES:
            for condition in conditions:
                rule = rule_of("customers", field, kind, parameter, condition, **more)
                query, one_by_one = both(rule)
                assert query == one_by_one, rule
                assert rule_queries.count(rule).failing == len(query)
        for field, kind, parameter in [("phone", "shared", ""), ("phone", "shared", "1"),
                                       ("phone", "unique", "")]:  # fmt: skip
            rule = rule_of("contacts", field, kind, parameter, "customer.grade != 'B'")
            query, one_by_one = both(rule)
            assert query == one_by_one, rule
        raise Undone


def test_every_kind_is_tried_by_both():
    assert {kind for _, kind, _ in CUSTOMER_RULES} == set(KINDS)
