"""The screen of rules: trying one before it is on, switching, copying, and the records it finds."""

import re

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.rules import Rule, Severity
from crm_admin.services import organisation, records
from tests.make import make
from tests.pages import form_of, words_of

ASKED = {"entity": "customers", "kind": "required", "field_key": "fax"}


def address(**asked):
    return "/rules/preview/?" + "&".join(f"{key}={value}" for key, value in asked.items())


def test_a_rule_is_tried_while_it_is_written_and_nothing_is_kept(people, client_of):
    """Source: A4"""
    for name, fax in (("Acme", None), ("Beta", "1"), ("Gamma", None)):
        make(Customer, name=name, fax=fax, grade="A" if name == "Acme" else "B")
    client, rules = client_of(people.dev), len(db.session.scalars(select(Rule)).all())
    page = words_of(client.get(address(**ASKED)))
    assert "2 of 3 records fail" in page and "Acme" in page and "Beta" not in page
    page = words_of(client.get(address(**ASKED, condition="grade = 'A'")))
    assert "1 of 1 records fail" in page
    new = client.get("/rules/new/")
    assert "What it would find" in new.text and "Choose a field." in new.text
    assert len(db.session.scalars(select(Rule)).all()) == rules


def test_what_is_wrong_with_a_rule_is_told_at_its_place(people, client_of):
    client = client_of(people.dev)
    page = words_of(client.get(address(**ASKED, condition="grad = 'A'")))
    assert "no field “grad”. Did you mean “grade”?" in page and "records fail" not in page
    form = form_of(client.get("/rules/new/"))
    form |= {**ASKED, "condition": "grad = 'A'"}
    refused = client.post("/rules/new/", data=form)
    assert refused.status_code == 200 and 'id="condition-error"' in refused.text
    form |= {"condition": "grade='A'", "message_zh_hans": "请填写传真", "message_en": "No fax"}
    assert client.post("/rules/new/", data=form).status_code == 302
    db.session.rollback()
    rule = db.session.scalars(select(Rule).order_by(Rule.id.desc())).first()
    assert rule.condition == "grade = 'A'"


def test_a_weight_below_zero_is_refused_beside_its_field(people, client_of):
    rule = make(Rule, entity="customers", field_key="phone", kind="required", weight=2)
    client, there = client_of(people.dev), f"/rules/edit/?id={rule.id}"
    form = form_of(client.get(there))
    form |= {"weight": "-3"}
    assert "A weight is 0 or more" in words_of(client.post(there, data=form))
    form |= {"weight": "0"}
    assert client.post(there, data=form).status_code == 302
    db.session.expire_all()
    assert rule.weight == 0


@pytest.mark.parametrize(
    ("kind", "field", "parameter", "said"),
    [
        ("contacted", "", "x", "Write a whole number"),
        ("holds", "name", "account_manager = me", "the same for everybody"),
        ("phone", "credit_limit", "", "This check is for texts"),
        ("unique", "custom_x", "", "Added fields cannot be compared"),
        ("postal_code", "postal_code", "China", "two letters"),
        ("touched", "", "", "Write a whole number"),
    ],
)
def test_a_parameter_that_says_nothing_is_refused(people, client_of, kind, field, parameter, said):
    asked = {"entity": "customers", "kind": kind, "field_key": field, "parameter": parameter}
    assert said in words_of(client_of(people.dev).get(address(**asked)))


def test_a_preview_shows_only_what_its_reader_sees(people, client_of):
    """Rules and their previews lead nobody to records or fields that they do not see."""
    make(Customer, name="Mine", account_manager_id=people.ana.id)
    make(Customer, name="Theirs", account_manager_id=people.cho.id)
    sales = organisation.role("sales")
    grants = sales.grants | {"rules": {"view": "all"}}
    with records.transaction("tests"):
        records.change(sales, {"grants": grants}, people.system)
    client = client_of(people.ana)
    page = words_of(client.get(address(**ASKED)))
    assert "1 of 1 records fail" in page and "Mine" in page and "Theirs" not in page
    rule = make(Rule, entity="customers", field_key="fax", kind="required")
    page = words_of(client.get(f"/rules/breaking/?id={rule.id}"))
    assert "Mine" in page and "Theirs" not in page
    limits = {"fields": {"customers": {"credit_limit": "hidden"}}}
    with records.transaction("tests"):
        records.change(organisation.role("sales"), limits, people.system)
    for asked in (
        {**ASKED, "condition": "credit_limit > 5"},
        {**ASKED, "field_key": "credit_limit"},
        {**ASKED, "kind": "holds", "parameter": "parent.credit_limit > 5", "field_key": "name"},
    ):
        assert "fields or records that you do not see" in words_of(client.get(address(**asked)))


def test_the_list_names_each_rule_by_its_own_entity_and_says_its_condition_in_words(
    people, client_of
):
    asked = "grade not in ('A', 'B') and (phone is not empty or category = 'agent')"
    make(Rule, entity="contacts", field_key="name", kind="rubbish")
    make(
        Rule,
        entity="customers",
        field_key="interactions",
        kind="contacted",
        parameter="30",
        condition=asked,
    )
    make(Rule, entity="customers", field_key="name", kind="holds", parameter="fax is empty")
    page = words_of(client_of(people.dev).get("/rules/"))
    assert "Contact · Full name · Is no rubbish" in page
    assert "Customer · Interactions · Was talked to lately" in page
    assert "Customer · Name · Fulfils a condition" in page and "Fax is empty" in page
    assert "Grade is none of (A, B) and (Phone is not empty or Category = Agent)" in page
    with records.transaction("tests"):
        people.dev.language = "zh_Hans_CN"
    page = words_of(client_of(people.dev).get("/rules/"))
    assert "客户 · 名称" in page and "联系人 · 姓名" in page
    assert "等级 不属于 (A 级, B 级) 且 (电话 不为空 或 " in page


def test_the_records_that_break_a_rule_are_paged(people, client_of):
    for number in range(53):
        make(Customer, name=f"No {number:02}")
    rule = make(Rule, entity="customers", field_key="phone", kind="required")
    client, there = client_of(people.dev), f"/rules/breaking/?id={rule.id}"
    first, second = words_of(client.get(there)), words_of(client.get(f"{there}&page=2"))
    assert "53 of 53 records fail" in first and "No 49" in first and "No 50" not in first
    assert "No 52" in second and "No 49" not in second
    assert f"/rules/breaking/?id={rule.id}" in client.get(f"/rules/details/?id={rule.id}").text


def test_a_rule_is_switched_and_copied_by_who_may(people, client_of):
    rule = make(Rule, entity="customers", field_key="phone", kind="required", weight=7)
    client, sent = client_of(people.dev), {"id": rule.id, "version": rule.version}
    assert client.post("/rules/switch/", data=sent).status_code == 302
    assert not db.session.get(Rule, rule.id).is_active
    again = client.post("/rules/switch/", data=sent, follow_redirects=True)
    assert "Someone else" in again.text  # they had not seen that it is off
    answer = client.post("/rules/copy/", data={"id": rule.id})
    id = int(re.search(r"id=(\d+)", answer.location)[1])
    db.session.rollback()
    made = db.session.get(Rule, id)
    assert (made.weight, made.is_active, made.field_key) == (7, False, "phone")
    for route in ("switch", "copy"):
        assert client_of(people.fay).post(f"/rules/{route}/", data=sent).status_code in (403, 404)


def test_a_record_page_says_what_is_missing_and_why_it_matters(people, client_of):
    texts = {"why_en": "They pay by fax.", "why_zh_hans": "他们用传真付款。"}
    make(Rule, entity="customers", field_key="notes", kind="required", **texts)
    acme = make(Customer, name="Acme")
    client = client_of(people.dev)
    assert "They pay by fax." in words_of(client.get(f"/customers/details/?id={acme.id}"))


def test_the_message_of_a_rule_comes_in_the_reader_s_language(people, client_of):
    texts = {"message_en": "No fax!", "message_zh_hans": "缺少传真！"}
    make(
        Rule, entity="customers", field_key="fax", kind="required", severity=Severity.BLOCK, **texts
    )
    acme, client = make(Customer, name="Acme", fax="1"), client_of(people.dev)
    there = f"/customers/edit/?id={acme.id}"
    form = form_of(client.get(there))
    form |= {"fax": ""}
    assert "No fax!" in client.post(there, data=form).text
    with records.transaction("tests"):
        people.dev.language = "zh_Hans_CN"
    assert "缺少传真！" in client.post(there, data=form).text
