"""Files that people have become records: found again, checked, and never guessed at."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Denied
from crm_admin.models.audit import AuditEntry
from crm_admin.models.contacts import Contact, Gender
from crm_admin.models.contracts import Contract, ContractStatus
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.roles import Role
from crm_admin.models.transfers import ImportRun
from crm_admin.models.users import User
from crm_admin.services import (
    import_fields,
    import_mapping,
    import_values,
    importing,
    organisation,
    records,
)
from tests.make import make

ROOT = Path(__file__).parents[2]
ALIASES = import_fields.read_aliases(ROOT / "config" / "import_aliases.toml")


class Heard(importing.Report):
    """What an import said, as lines."""

    def __init__(self):
        self.lines, self.left = [], []

    def ignored(self, columns):
        self.left = columns

    def refused(self, line, column, error):
        self.lines.append(f"{line} {column}: {error}")


@pytest.fixture
def take_in(app, tmp_path):
    """Return a function that writes rows to a file and imports it: counts and what was said."""

    def run(model, *rows, actor=None, mapping="", encoding="utf-8", dry_run=False):
        file = tmp_path / "file.csv"
        with file.open("w", encoding=encoding, newline="") as text:
            csv.writer(text).writerows(row if isinstance(row, list) else [row] for row in rows)
        said = tmp_path / "mapping.toml"
        said.write_text(mapping, encoding="utf-8")
        heard = Heard()
        heard.counts = importing.run(
            model,
            file,
            actor or organisation.system(),
            aliases=ALIASES,
            mapping=import_mapping.read(said),
            dry_run=dry_run,
            report=heard,
        )
        counts = heard.counts
        heard.total = (counts.created, counts.updated, counts.unchanged, counts.refused)
        return heard

    return run


def every(model):
    return db.session.scalars(records.alive(model).order_by(model.id)).all()


def written():
    """Return what a second run of the same file must leave as it is."""
    versions = [(r.id, r.version) for m in (Customer, Contact, Contract, User) for r in every(m)]
    return versions, db.session.scalar(select(func.count(AuditEntry.id)))


CHINESE = [
    ["客户编号", "客户名称", "所属行业", "电话", "邮编", "联系人", "联系人职务"],
    ["K01", "北京天剑科技有限公司", "软件", "010-6275 1234", "100080", "王伟", "总经理"],
    ["K02", "上海远大贸易公司", "零售", "021-5888 0000", "200120", "李娜", "采购经理"],
]


@pytest.mark.parametrize("kind", ["utf-8", "utf-8-sig", "gb18030", "xlsx"])
def test_the_same_rows_in_any_kind_of_file_give_the_same_records(app, tmp_path, kind):
    file = tmp_path / "customers"
    if kind == "xlsx":
        with xlsxwriter.Workbook(file) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(CHINESE):
                sheet.write_row(number, 0, row)
    else:
        with file.open("w", encoding=kind, newline="") as text:
            csv.writer(text).writerows(CHINESE)
    counts = importing.run(Customer, file, organisation.system(), aliases=ALIASES)
    assert (counts.created, counts.refused) == (2, 0)
    first, second = every(Customer)
    assert (first.external_number, first.name, first.industry) == ("K01", CHINESE[1][1], "software")
    assert second.phone == "021-5888 0000"
    assert [(c.name, c.job_title, c.is_primary) for c in every(Contact)] == [
        ("王伟", "总经理", True),
        ("李娜", "采购经理", True),
    ]


def test_a_traditional_file_in_big5_is_read_by_its_own_words(take_in):
    heard = take_in(
        Customer,
        ["客戶編號", "公司名稱", "電話", "傳真", "郵遞區號", "地址"],
        ["T1", "台灣國際電子股份有限公司", "02-2345-6789", "02-2345-6780", "110", "臺北市信義區"],
        encoding="big5",
    )
    [customer] = every(Customer)
    assert heard.total == (1, 0, 0, 0)
    assert (customer.postal_code, customer.address) == ("110", "臺北市信義區")


def test_columns_are_known_by_field_name_and_by_label(take_in):
    heard = take_in(
        Customer,
        ["Earlier number", "name", "short_name", "Mailing address", "Fax", "Region"],
        ["A1", "Acme", "AC", "1 Road", "123", "West"],
    )
    [customer] = every(Customer)
    assert (customer.external_number, customer.short_name) == ("A1", "AC")
    assert (customer.address, customer.fax) == ("1 Road", "123")
    assert heard.left == ["Region"]


def test_two_columns_for_one_field_are_refused_rather_than_guessed(take_in):
    with pytest.raises(import_mapping.Refused, match=r"CompanyName.*Customer"):
        take_in(Customer, ["CompanyName", "Customer Name"], ["a", "b"])


def test_a_second_run_changes_nothing(take_in):
    first = take_in(Customer, *CHINESE)
    before = written()
    second = take_in(Customer, *CHINESE)
    assert (first.total, second.total) == ((2, 0, 0, 0), (0, 0, 2, 0))
    assert written() == before


def test_an_empty_cell_never_erases(take_in):
    take_in(Customer, ["name", "phone", "fax"], ["Acme", "1", "2"])
    heard = take_in(Customer, ["name", "phone", "fax"], ["Acme", "", "NULL"])
    assert heard.total == (0, 0, 1, 0)
    assert (every(Customer)[0].phone, every(Customer)[0].fax) == ("1", "2")


def test_a_known_number_means_that_record_whichever_number_it_is(take_in):
    take_in(Customer, ["CustomerID", "name", "phone"], ["A1", "Acme", "1"])
    number = every(Customer)[0].number
    heard = take_in(Customer, ["CustomerID", "name", "phone"], [number, "Acme", "2"])
    assert heard.total == (0, 1, 0, 0)
    assert (every(Customer)[0].phone, every(Customer)[0].external_number) == ("2", "A1")


def test_a_name_that_fits_two_is_a_named_bad_row(take_in):
    one, two = (make(Customer, name="Acme") for _ in range(2))
    heard = take_in(Customer, ["name", "phone"], ["Acme", "1"], ["Bolt", "2"])
    assert heard.total == (1, 0, 0, 1)
    assert heard.lines == [f"2 name: fits 2 customers: {one.number}, {two.number}"]


def test_two_customers_of_one_name_and_different_numbers_are_both_kept(take_in):
    rows = [["CustomerID", "name", "phone"], ["A1", "IT", "1"], ["A2", "IT", "2"]]
    assert take_in(Customer, *rows).total == (2, 0, 0, 0)
    assert take_in(Customer, *rows).total == (0, 0, 2, 0)
    assert [c.phone for c in every(Customer)] == ["1", "2"]


def test_a_number_is_given_to_the_one_record_of_the_name_that_has_none(take_in):
    take_in(Customer, ["name"], ["Acme"])
    assert take_in(Customer, ["CustomerID", "name"], ["A1", "Acme"]).total == (0, 1, 0, 0)
    assert [c.external_number for c in every(Customer)] == ["A1"]


def test_a_row_never_overwrites_what_an_earlier_row_of_the_file_said(take_in):
    rows = [["name", "phone", "fax"], ["Acme", "1", ""], ["Acme", "2", ""], ["Acme", "1", "9"]]
    heard = take_in(Customer, *rows)
    assert heard.total == (1, 1, 0, 1)
    assert heard.lines == ["3 phone: Line 2 is of the same customer and says otherwise."]
    before = written()
    assert take_in(Customer, *rows).total == (0, 0, 2, 1)
    assert written() == before


def test_several_contacts_of_one_customer_come_in_a_row_each(take_in):
    rows = [["公司名称", "联系人", "手机"], ["天剑", "王伟", "138"], ["天剑", "李娜", "139"]]
    assert take_in(Customer, *rows).total == (1, 1, 0, 0)
    assert take_in(Customer, *rows).total == (0, 0, 2, 0)
    assert [(c.name, c.mobile, c.is_primary) for c in every(Contact)] == [
        ("王伟", "138", True),
        ("李娜", "139", False),
    ]


def test_bad_rows_are_named_by_line_column_and_reason_and_the_good_ones_go_in(take_in):
    heard = take_in(
        Contract,
        ["合同编号", "合同名称", "客户名称", "开始日期", "结束日期", "金额"],
        ["H1", "年度订阅", "天剑", "2026年1月5日", "2026.12.31", "¥1,234.50"],
        ["H2", "年度订阅", "没有的公司", "2026/1/5", "2026-12-31", "1234.5元"],
        ["H3", "年度订阅", "天剑", "5.1.26", "2026-12-31", "1.234,50"],
        ["H4", "年度订阅", "天剑", "2026-12-31", "2026-01-01", "1"],
        ["H5", "", "天剑", "2026-01-01", "2026-12-31", "1.2万"],
        ["H6", "服务", "天剑", "2026-01-01", "2026-12-31", "1.2万"],
    )
    assert heard.total == (0, 0, 0, 6)
    make(Customer, name="天剑")
    heard = take_in(
        Contract,
        ["合同编号", "合同名称", "客户名称", "开始日期", "结束日期", "金额"],
        ["H1", "年度订阅", "天剑", "2026年1月5日", "2026.12.31", "¥1,234.50"],
        ["H2", "年度订阅", "没有的公司", "2026/1/5", "2026-12-31", "1234.5元"],
        ["H3", "年度订阅", "天剑", "5.1.26", "2026-12-31", "1.234,50"],
        ["H4", "年度订阅", "天剑", "2026-12-31", "2026-01-01", "1"],
        ["H5", "", "天剑", "2026-01-01", "2026-12-31", "1.2万"],
        ["H6", "服务", "天剑", "2026-01-01", "2026-12-31", "1.2万"],
    )
    assert heard.total == (2, 0, 0, 4)
    assert heard.lines == [
        "3 客户名称: There is no customer “没有的公司”.",
        "4 开始日期: “5.1.26” is not a day such as 2026-01-31.",
        "4 金额: “1.234,50” is not a number such as 1,234.50.",
        "5 结束日期: A contract cannot end before it starts.",
        "6 合同名称: Title is required.",
    ]
    first, second = every(Contract)
    assert (first.starts_on, first.ends_on) == (date(2026, 1, 5), date(2026, 12, 31))
    assert (first.amount, second.amount) == (Decimal("1234.50"), Decimal(12000))
    assert (first.external_number, first.number) == ("H1", "CT-000001")


def test_a_bad_row_in_a_chunk_takes_no_number_and_nothing_else_with_it(take_in):
    rows = [[f"n{i}", "x" * (201 if i == 3 else 1)] for i in range(6)]
    heard = take_in(Customer, ["name", "phone"], *rows)
    assert heard.total == (5, 0, 0, 1)
    assert heard.lines == ["5 phone: This is longer than 200 characters."]
    assert [c.number for c in every(Customer)] == [f"C-{n:06}" for n in range(1, 6)]
    assert make(Customer).number == "C-000006"


def test_a_parent_may_come_later_in_the_file_than_its_subsidiary(take_in):
    rows = [
        ["name", "subsidiary of"],
        ["Shop", "Group"],
        ["Group", "Holding"],
        ["Holding", ""],
        ["Lost", "Nobody"],
    ]
    heard = take_in(Customer, *rows)
    assert heard.total == (3, 0, 0, 1)
    assert heard.lines == ["5 subsidiary of: There is no customer “Nobody”."]
    parents = {c.name: c.parent and c.parent.name for c in every(Customer)}
    assert parents == {"Shop": "Group", "Group": "Holding", "Holding": None}
    assert take_in(Customer, *rows).total == (0, 0, 3, 1)


def test_states_and_choices_are_read_in_any_language_and_unknown_choices_kept(take_in):
    make(Customer, name="Acme")
    heard = take_in(
        Contract,
        ["title", "customer", "starts_on", "ends_on", "status", "currency"],
        ["a", "Acme", "2026-01-01", "2026-12-31", "active", "CNY"],
        ["b", "Acme", "2026-01-01", "2026-12-31", "in force", "technolgy"],
        ["c", "Acme", "2026-01-01", "2026-12-31", "whatever", "CNY"],
        ["d", "Acme", "2026-01-01", "2026-12-31", "Not renewed", "CNY"],
    )
    assert [c.status for c in every(Contract)] == [
        ContractStatus.ACTIVE,
        ContractStatus.ACTIVE,
        ContractStatus.NOT_RENEWED,
    ]
    assert every(Contract)[1].currency == "technolgy"
    assert heard.lines[0].startswith("4 status: “whatever” is not one of: draft, active")


def test_contacts_belong_to_their_customer_and_are_found_again_within_it(take_in):
    one, two = make(Customer, name="天剑"), make(Customer, name="远大")
    rows = [
        ["客户", "姓名", "性别", "主要联系人", "生日"],
        [one.number, "王伟", "male", "是", "1980/5/6"],
        ["远大", "王伟", "Female", "N", ""],
    ]
    assert take_in(Contact, *rows).total == (2, 0, 0, 0)
    assert take_in(Contact, *rows).total == (0, 0, 2, 0)
    first, second = every(Contact)
    assert (first.customer_id, second.customer_id) == (one.id, two.id)
    assert (first.gender, first.is_primary, second.is_primary) == (Gender.MALE, True, False)
    assert first.birthday == date(1980, 5, 6)


def test_users_get_a_name_to_sign_in_by_but_no_password(take_in):
    rows = [
        ["姓名", "email", "部门", "roles"],
        ["Zoë Müller", "", "north", "sales"],
        ["王伟", "wang.wei@example.com", "North", "sales; supervisor"],
        ["李娜", "", "", ""],
        ["Ana", "ana@example.com", "", ""],
        ["Tom", "", "nowhere", ""],
    ]
    heard = take_in(User, *rows)
    assert heard.total == (3, 1, 0, 1)
    assert heard.lines == [
        "6 部门: There is no department “nowhere”; --create-departments makes it."
    ]
    zoe, wang, li = every(User)[-3:]
    assert [u.username for u in (zoe, wang, li)] == ["zoe.muller", "wang.wei", "li.na"]
    assert (zoe.is_active, zoe.password_hash) == (True, None)
    assert {role.code for role in wang.roles} == {"sales", "supervisor"}
    assert wang.department.code == "north"
    assert organisation.by_username("ana").email == "ana@example.com"
    before = written()
    assert take_in(User, *rows).total == (0, 0, 4, 1)
    assert written() == before


def test_departments_are_made_where_that_is_asked_and_taken_back_with_a_bad_row(take_in):
    mapping = '[departments]\ncreate = true\nparent = "HQ"\n'
    rows = [
        ["name", "department", "role"],
        ["Bo", "East", "nothing"],
        ["Cy", "West", ""],
        ["Di", "West", ""],
    ]
    heard = take_in(User, *rows, mapping=mapping)
    assert heard.total == (2, 0, 0, 1)
    assert heard.lines == ["2 role: There is no role “nothing”."]
    made = [(d.code, d.parent.code) for d in every(Department)[3:]]
    assert made == [("west", "HQ")]


def test_a_mapping_file_names_joins_splits_replaces_and_fills_in(take_in):
    mapping = """
        date_format = "%d/%m/%Y"
        [columns]
        Kunde = "name"
        Bis = "next_contact_on"
        "Sector" = "industry"
        Ignored = ""
        [join]
        "contact.name" = ["First", "Last"]
        [split.Ort]
        by = "/"
        into = ["province", "city"]
        [values.Sector]
        technolgy = "technology"
        [constants]
        source = "fair"
        [defaults]
        stage = "customer"
    """
    rows = [
        ["Kunde", "Bis", "Sector", "First", "Last", "Ort", "Ignored", "Other"],
        ["Acme", "31/01/2026", "technolgy", "Ann", "Lee", "Hebei/Baoding", "x", "y"],
    ]
    heard = take_in(Customer, *rows, mapping=mapping)
    [customer] = every(Customer)
    assert heard.left == ["Other"]
    assert (customer.name, customer.next_contact_on) == ("Acme", date(2026, 1, 31))
    assert (customer.industry, customer.source) == ("technology", "fair")
    assert (customer.province, customer.city, customer.stage) == ("Hebei", "Baoding", "customer")
    assert every(Contact)[0].name == "Ann Lee"
    assert take_in(Customer, *rows, mapping=mapping).total == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("colums = {}", "says colums"),
        ('[columns]\nname = "nme"', "no field “nme”"),
        ("= 1", "not TOML"),
        ('[departments]\nfrom = "boss"', "key is missing"),
    ],
)
def test_a_wrong_mapping_file_is_refused(take_in, mapping, words):
    with pytest.raises(import_mapping.WrongMapping, match=words):
        take_in(Customer, ["name"], ["a"], mapping=mapping)


def test_only_the_latest_row_of_each_record_counts_and_nothing_new_is_made(take_in):
    make(Customer, name="Acme")
    mapping = """
        only_mapped = true
        update_only = true
        latest_by = "day"
        date_format = "%m/%d/%Y"
        skip_blank = ["account"]
        [columns]
        account = "name"
        agent = "account_manager"
    """
    heard = take_in(
        Customer,
        ["account", "agent", "day"],
        ["Acme", "Ana", "1/2/2026"],
        ["Acme", "Cho", "12/1/2026"],
        ["Acme", "Ben", "3/2/2026"],
        ["", "Ben", "3/2/2026"],
        ["Other", "Ben", "3/2/2026"],
        ["Acme", "Ben", "soon"],
        mapping=mapping,
    )
    assert heard.total == (0, 1, 0, 2)
    assert heard.counts.passed_over == 3
    assert every(Customer)[0].account_manager.username == "cho"
    assert sorted(heard.lines) == [
        "6 account: There is no customer “Other”.",
        "7 day: “soon” is not a day such as 2026-01-31.",
    ]


def test_a_dry_run_writes_nothing_and_says_the_same(take_in):
    rows = [["CustomerID", "name", "parent"], ["1", "Acme", ""], ["2", "Bolt", "Acme"]]
    rows += [["3", "Cord", "Nobody"], ["1", "Acme", ""]]
    before = written(), db.session.scalar(select(func.count(ImportRun.id)))
    dry = take_in(Customer, *rows, dry_run=True)
    assert (written(), db.session.scalar(select(func.count(ImportRun.id)))) == before
    real = take_in(Customer, *rows)
    assert dry.total == real.total == (2, 0, 1, 1)
    assert dry.lines == real.lines
    assert every(Customer)[0].number == "C-000001"


def test_a_run_is_kept_with_its_counts_and_named_in_the_history(take_in):
    take_in(Customer, ["name", "stage"], ["Acme", ""], ["Bolt", "nonsense"])
    [run] = db.session.scalars(select(ImportRun)).all()
    assert (run.entity, run.file_name) == ("customers", "file.csv")
    assert (run.created_count, run.refused_count) == (1, 1)
    assert run.finished_at is not None
    statement = select(AuditEntry.source).where(AuditEntry.entity == "customers")
    assert db.session.scalars(statement).all() == [f"import {run.id}"]


def test_who_may_not_import_is_refused(take_in, people):
    with pytest.raises(Denied, match="You may not import customers"):
        take_in(Customer, ["name"], ["Acme"], actor=people.ana)


def test_a_seller_who_may_import_reaches_only_their_own(take_in, people):
    with records.transaction("tests"):
        role = db.session.scalar(records.alive(Role).where(Role.code == "sales"))
        grants = role.grants | {"*": role.grants["*"] | {"import": "own"}}
        records.change(role, {"grants": grants}, people.system)
    mine = make(Customer, name="Mine", account_manager_id=people.ana.id)
    other = make(Customer, name="Theirs", account_manager_id=people.cho.id, external_number="X9")
    heard = take_in(
        Customer,
        ["number", "name", "phone", "account_manager"],
        [mine.number, "Mine", "1", ""],
        [other.number, "Theirs", "1", ""],
        ["X9", "Theirs", "1", ""],
        ["", "Theirs", "2", ""],
        ["", "New", "3", "Cho"],
        actor=people.ana,
    )
    assert heard.total == (1, 1, 0, 3)
    assert heard.lines == [
        f"3 number: “{other.number}” is the number of a record that you may not see.",
        "4 number: “X9” is the number of a record that you may not see.",
        "6 account_manager: You may not change Account manager.",
    ]
    assert (mine.phone, other.phone) == ("1", None)
    assert {c.name for c in every(Customer) if c.account_manager_id == people.ana.id} == {
        "Mine",
        "Theirs",
    }


def test_more_rows_than_one_transaction_holds_are_all_taken_in(take_in):
    rows = [["id", "name"]] + [[f"K{i}", f"Name {i}"] for i in range(importing.CHUNK + 50)]
    heard = take_in(Customer, *rows)
    assert heard.total == (importing.CHUNK + 50, 0, 0, 0)
    assert take_in(Customer, *rows).total == (0, 0, importing.CHUNK + 50, 0)


def test_a_run_that_is_cut_off_keeps_what_is_in_and_the_next_takes_in_the_rest(app, tmp_path):
    class CutOff(importing.Report):
        def progress(self, done, about):
            raise KeyboardInterrupt

    file = tmp_path / "file.csv"
    file.write_text("id,name\n" + "".join(f"K{i},Name {i}\n" for i in range(600)))
    with pytest.raises(KeyboardInterrupt):
        importing.run(Customer, file, organisation.system(), aliases=ALIASES, report=CutOff())
    assert len(every(Customer)) == importing.CHUNK
    counts = importing.run(Customer, file, organisation.system(), aliases=ALIASES)
    assert (counts.created, counts.unchanged) == (100, 500)


def test_a_broken_row_stops_the_file_and_the_rows_before_it_can_be_told(command):
    text = "id,name\n" + "".join(f"K{i},Name {i}\n" for i in range(510)) + "K,a,b,c\n"
    done = command(text)
    assert done.exit_code == 1
    assert "line 512 has 4 cells" in done.stderr
    assert "The first 500 rows are done." in done.stderr


def test_a_department_that_may_not_be_made_is_a_bad_row(take_in, people):
    with records.transaction("tests"):
        grants = {"*": {"view": "all"}, "users": {"view": "all", "create": "all", "import": "all"}}
        role = Role(code="staff", label_en="Staff", grants=grants)
        records.save(role, people.system)
        people.fay.roles = [role]
        records.save(people.fay, people.system)
    mapping = "[departments]\ncreate = true\n"
    rows = [["name", "department"], ["Bo", "East"], ["Cy", "north"]]
    heard = take_in(User, *rows, actor=people.fay, mapping=mapping)
    assert heard.total == (1, 0, 0, 1)
    assert heard.lines == ["2 : You may not add such a record."]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-05", date(2026, 1, 5)),
        ("2026/1/5", date(2026, 1, 5)),
        ("2026.1.5", date(2026, 1, 5)),
        ("2026年1月5日", date(2026, 1, 5)),
        ("２０２６年１月５日", date(2026, 1, 5)),
        ("20260105", date(2026, 1, 5)),
        ("1996-07-04 00:00:00.000", date(1996, 7, 4)),
        ("2026-01-05T08:30:00Z", date(2026, 1, 5)),
        ("民國115年1月5日", date(2026, 1, 5)),
    ],
)
def test_a_day_is_read_as_people_write_it(text, day):
    assert import_values.day_of(text) == day


@pytest.mark.parametrize(
    "text", ["2026-13-01", "1/5/2026", "5.1.26", "2026", "yesterday", "2026-02-30"]
)
def test_what_is_no_day_is_said_to_be_none(text):
    with pytest.raises(import_values.Unclear):
        import_values.day_of(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.5", "1234.50"),
        ("1,234.50", "1234.50"),
        ("¥1,234", "1234"),
        ("￥１，２３４．５", "1234.5"),
        ("1234.5元", "1234.5"),
        ("NT$ 1,000", "1000"),
        ("1.2万", "12000"),
        ("-3", "-3"),
    ],
)
def test_an_amount_is_read_as_people_write_it(text, amount):
    assert import_values.amount_of(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["1.234,50", "12,34", "about 5", "元", "1e9", "9" * 40])
def test_what_is_no_amount_is_said_to_be_none(text):
    with pytest.raises(import_values.Unclear):
        import_values.amount_of(text)


@pytest.mark.parametrize("text", ["是", "yes", "TRUE", "1", "Y", "對"])
def test_yes_is_read_in_three_languages(text):
    assert import_values.yes_or_no(text) is True


@pytest.mark.parametrize("text", ["否", "no", "False", "0", "n"])
def test_no_is_read_in_three_languages(text):
    assert import_values.yes_or_no(text) is False


def test_labels_are_known_in_every_language_there_is_a_catalogue_for():
    for label in import_values.in_all_languages("Customer"):
        assert "Customer" in (label, "Customer")
        assert import_fields.named(Contact, label, {}) == "customer_id"


# The command.


@pytest.fixture
def command(app, tmp_path):
    """Return a function that runs `flask import` with a file of this text."""

    def run(text, *more, entity="customers"):
        file = tmp_path / "file.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return app.test_cli_runner().invoke(args=["import", entity, str(file), *more])

    return run


def test_the_command_counts_and_ends_with_0_when_all_went_in(command):
    done = command("CompanyName,Region\nAcme,West\n")
    assert (done.exit_code, done.stdout) == (
        0,
        "customers: 1 created, 0 updated, 0 unchanged, 0 refused\n",
    )
    assert done.stderr == "ignored columns: Region\n"


def test_the_command_names_bad_rows_and_ends_with_1(command):
    done = command("name,stage\nAcme,nonsense\nBolt,prospect\n")
    assert done.exit_code == 1
    assert done.stderr.startswith("line 2, stage: “nonsense” is not one of: prospect")
    assert done.stdout == "customers: 1 created, 0 updated, 0 unchanged, 1 refused\n"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"PK\x03\x04 not a workbook", b'name\n"open'])
def test_a_file_that_cannot_be_read_ends_with_1_and_says_why(command, data):
    done = command(data)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("more", "code"),
    [(["--as", "nobody"], 1), (["--as", "fay"], 1), (["--bad"], 2), (["--mapping", "no file"], 2)],
)
def test_wrong_usage_ends_with_2_and_a_refusal_with_1(command, more, code):
    assert command("name\nAcme\n", *more).exit_code == code
    assert every(Customer) == []


def test_a_mapping_file_that_makes_no_sense_is_wrong_usage(command, tmp_path):
    file = tmp_path / "mapping.toml"
    file.write_text("colums = 1")
    assert command("name\nAcme\n", "--mapping", str(file)).exit_code == 2


def test_the_command_creates_departments_when_asked(command):
    done = command("name,department\nBo,East\n", "--create-departments", entity="users")
    assert done.exit_code == 0
    assert every(Department)[-1].name == "East"


def test_a_dry_run_says_so(command):
    done = command("name\nAcme\n", "--dry-run")
    assert done.stdout.endswith(
        "1 created, 0 updated, 0 unchanged, 0 refused (dry run: nothing was written)\n"
    )
    assert every(Customer) == []
