"""Every page is Chinese to its last word, in both scripts."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlalchemy import String, select, update

from crm_admin import clock, i18n
from crm_admin.database import db
from crm_admin.jobs import JOBS, run
from crm_admin.models.base import Model
from crm_admin.models.contacts import Contact
from crm_admin.models.contracts import Contract, ContractStatus, RenewalPolicy
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense
from crm_admin.models.interactions import Interaction
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.users import UserSession
from crm_admin.services import access, attachments, expenses, records
from crm_admin.services import people as profiles
from tests.conftest import PASSWORD
from tests.make import make

pytest.importorskip("opencc", reason="OpenCC not installed: characters are not compared")

from scripts import translations

CHINESE = ("zh_Hans_CN", "zh_Hant_TW")
#: Names of products, formats and keys, and what the people, places and sources of tests are called.
NAMES = re.compile(
    r"\b(CRM Admin|CRM|CSV|XLSX|Excel|Ctrl|Shift|Enter|Esc|LINE|Asia/Taipei|CNY"
    r"|ana|ben|cho|dev|eve|fay|north|south|tests|Asia/Shanghai|Headquarters|AAA|Administrator"
    r"|(?-i:customer\.grade|grade|amount))\b|{\w+}|\S+@\S+|\.[a-z]+\b",
    re.IGNORECASE,
)
#: What is no page of its own.
PARTS = ("/healthz", "/sign-in", "/inbox/open/", "/rules/preview/")
WORD = re.compile(r"[A-Za-z]{3,}")
#: Attributes that people see or hear.
SHOWN = ("aria-label", "placeholder", "title", "alt", "data-label", "data-confirm")
#: Columns that hold what people typed or what must look the same everywhere.
DATA = {"code", "username", "name", "email", "label_en", "label_zh_hans", "label_zh_hant"}


class Text(HTMLParser):
    """The texts of a page, and of the attributes that people see, one by one."""

    def __init__(self, page):
        super().__init__()
        self.found, self.inside = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside.append(tag)
        said_by_scripts = ("id", "texts") in attrs
        for name, value in attrs:
            if name in SHOWN or (said_by_scripts and name.startswith("data-")):
                self.found.append(value or "")

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & {*self.inside[-1:]} and data.strip():
            self.found.append(" ".join(data.split()))


@pytest.fixture
def data():
    """What the database holds that is no word of ours."""
    known = {*available_timezones(), *i18n.LANGUAGES.values()}
    for table in Model.metadata.sorted_tables:
        for column in table.columns:
            kept = ("condition", "parameter") if table.key == "rules" else DATA
            if column.key in kept and isinstance(column.type, String):
                known.update(db.session.scalars(select(column).where(column.is_not(None))))
    return known


@pytest.fixture
def filled(app, people, tmp_path):
    """Records of every entity in many states, as `{entity: id}`; names are the same in both."""
    today = clock.day_in(ZoneInfo("Asia/Shanghai"))
    parts = {f"{part}_id": people.dev.id for part in ("account_manager", "technical_manager")}
    customer = make(Customer, name="大同公司", next_contact_on=today, **parts)
    contact = make(Contact, customer_id=customer.id, name="王小明", birthday=today)
    soon = {"ends_on": today + timedelta(days=9), "owner_id": people.dev.id, "title_text": "天地"}
    of = {"customer_id": customer.id, "amount": 100}
    contract = make(Contract, status=ContractStatus.ACTIVE, **soon, **of)
    for policy in RenewalPolicy:
        gone = soon | {"ends_on": today - timedelta(days=2), "renewal_policy": policy}
        make(Contract, status=ContractStatus.ACTIVE, **gone, **of)
    for status in ContractStatus:
        make(Contract, status=status, **soon, **of)
    talk = make(Interaction, customer_id=customer.id, content="天地", author_id=people.dev.id)
    material = make(PromotionMaterial, code="A1", name="大同")
    ends = {"customer_id": customer.id, "person_id": people.dev.id, "material_id": material.id}
    for kind, quantity in zip(MovementKind, (99, 9, 9, 9, 9), strict=True):
        movement = make(MaterialMovement, kind=kind, quantity=quantity, **ends)
    for step in (None, "submit", "approve", "reject", "pay"):
        expense = make(Expense, purpose="天地", claimant_id=people.ana.id, **of)
        _step(expense, step, people)
    for gone in (make(Customer, name="天下"), make(Contract, **soon, **of)):
        with records.transaction("tests"):
            records.delete(gone, people.system)
    with (tmp_path / "a").open("w+b") as file:
        file.write(b"%PDF-1.7\n")
        file.seek(0)
        attachments.store(customer, "天.pdf", file, people.dev, instance=tmp_path, limit=1000)
    for name in ("warn_of_renewals", "end_contracts", "check_completeness"):
        run(JOBS[name], today)
    with records.transaction("form"):
        records.change(
            customer, {"grade": "A", "phone": "1", "account_manager": people.ana}, people.dev
        )
    found = [customer, contact, contract, talk, material, movement, expense, people.ana]
    return {record.__tablename__: record.id for record in found}


def _step(expense, step, people):
    with records.transaction("tests"):
        if step:
            expenses.submit(expense, people.ana, version=expense.version)
    if step in ("approve", "pay"):
        with records.transaction("tests"):
            expenses.approve(expense, people.dev, version=expense.version)
    if step == "reject":
        with records.transaction("tests"):
            expenses.reject(expense, people.dev, version=expense.version, reason="天")
    if step == "pay":
        with records.transaction("tests"):
            expenses.pay(expense, people.dev, version=expense.version, today=clock.now().date())


def addresses(app, filled):
    """Yield the address of every page: those without arguments, and records' own."""
    rules = [str(r) for r in app.url_map.iter_rules() if "GET" in r.methods and not r.arguments]
    for rule in sorted(rules):
        entity = rule.split("/")[1]
        if "/ajax/" in rule or rule in PARTS:
            continue
        if rule.endswith(("/details/", "/edit/", "/matrix/")):
            yield f"{rule}?id={filled.get(entity, 1)}"
        else:
            yield rule
    for entity in access.entities():
        yield f"/{entity}/?bin=1"
        yield f"/{entity}/?search=天天天"
    yield from (f"/expenses/details/?id={id}" for id in range(1, 6))
    yield from (f"/contracts/details/?id={id}" for id in range(2, 6))
    yield from (f"/roles/matrix/?id={id}" for id in range(1, 4))
    yield from ("/search/?query=天地", "/search/?query=天天天", "/customers/?stage.is=prospect")
    yield from ("/customers/?city.has=天&created_at.from=2026-01-01&completeness.to=9",)
    yield from ("/profile/?first=1", "/inbox/?unread=1", "/nothing/", "/customers/details/?id=0")


def left(page, known, language):
    """Yield what a page says in another language than its own."""
    for text in Text(page).found:
        if text in known:
            continue
        rest = NAMES.sub("", text)
        if words := WORD.findall(rest):
            yield f"{' '.join(words)} in {text!r}"
        yield from (
            f"{fault} in {text!r}" for fault in translations.wrong_characters(rest, language)
        )


@pytest.mark.parametrize("language", CHINESE)
def test_no_page_is_left_in_another_language(app, people, client_of, filled, data, language):
    client = reader(client_of, people.dev, language)
    found = []
    for address in addresses(app, filled):
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code in (200, 404), (address, answer.status_code)
        tag = language.replace("_", "-")
        assert f'<html lang="{tag}"' in answer.text, address
        found += [f"{address}: {what}" for what in left(answer.text, data, language)]
    assert not found, "\n".join(found)


def reader(client_of, user, language):
    """Return the browser of a user who reads this language."""
    with records.transaction("tests"):
        profiles.prefer(user, language=language)
    return client_of(user)


@pytest.mark.parametrize("language", CHINESE)
def test_what_is_wrong_is_said_in_the_readers_language(people, client_of, data, language):
    client, found = reader(client_of, people.dev, language), []
    for entity in access.entities():
        address = f"/{entity}/new/"
        keys = [*access.table_of(access.model_of(entity)).columns.keys()]
        keys += [key.removesuffix("_id") for key in keys if key.endswith("_id")]
        for typed in ({}, dict.fromkeys(keys, "x"), dict.fromkeys(keys, "-1")):
            answer = client.post(address, data=typed, follow_redirects=True)
            found += [f"{address}: {what}" for what in left(answer.text, data, language)]
    for address in (
        "/customers/",
        "/customers/action/",
        "/customers/restore/",
        "/profile/password/",
    ):
        answer = client.post(address, data={"id": "0"}, follow_redirects=True)
        found += [f"{address}: {what}" for what in left(answer.text, data, language)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", CHINESE)
def test_a_conflict_is_told_in_the_readers_language(people, client_of, filled, data, language):
    client = reader(client_of, people.dev, language)
    address = f"/customers/edit/?id={filled['customers']}"
    typed = {"name": "天地", "stage": "customer", "version": "1"}
    answer = client.post(address, data=typed)
    assert "_keep_mine" in answer.text
    assert not (found := [*left(answer.text, data, language)]), "\n".join(found)


@pytest.mark.parametrize("language", CHINESE)
def test_what_was_typed_before_signing_in_is_shown_as_it_was_chosen(
    people, client_of, filled, data, language
):
    client = reader(client_of, people.dev, language)
    asked = {"customer": filled["customers"], "kind": "sale", "status": "active", "currency": "CNY"}
    with records.transaction("tests"):
        db.session.execute(update(UserSession).values(ended_at=clock.now()))
    asked_again = client.post("/contracts/new/", data=asked)
    draft = asked_again.text.partition('name="draft" value="')[2].partition('"')[0]
    sent = {"username": "dev", "password": PASSWORD, "draft": draft}
    shown = client.post("/sign-in", data=sent).text
    assert "大同公司" in shown
    assert not (found := [*left(shown, data, language)]), "\n".join(found)


@pytest.mark.parametrize("language", CHINESE)
def test_files_are_headed_in_the_readers_language(people, client_of, data, language):
    client, found = reader(client_of, people.dev, language), []
    for entity in access.entities():
        answer = client.get(f"/{entity}/export/csv/")
        heads = answer.text.lstrip("\ufeff").splitlines()[:1] if answer.status_code == 200 else []
        found += [f"{entity}: {WORD.findall(head)}" for head in heads if WORD.search(head)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("language", "tag"), [("zh_Hans_CN", "zh-CN"), ("zh_Hant_TW", "zh-TW")])
def test_visitors_read_the_language_of_their_browser(app, data, language, tag):
    client, found = app.test_client(), []
    for answer in (
        client.get("/sign-in", headers={"Accept-Language": tag}),
        client.post("/sign-in", headers={"Accept-Language": tag}, data={"username": "x"}),
        client.get("/nothing", headers={"Accept-Language": tag}, follow_redirects=True),
    ):
        found += left(answer.text, data, language)
    assert not found, "\n".join(found)
