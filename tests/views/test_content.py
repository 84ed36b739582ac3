"""What people write is shown as they wrote it, and runs nowhere."""

import csv
import io
import re

import pytest
from python_calamine import CalamineWorkbook

from crm_admin.models.customers import Customer
from crm_admin.services import access, notifications, records
from crm_admin.views import columns
from tests.make import make
from tests.pages import form_of
from tests.sweeps.cases import VIEWS, full, stem

BAIT = "\"'><img src=x onerror=alert(1)>{{7*7}}"
LIVE = re.compile(r"<img src=x|onerror=alert\(1\)>(?!&)(?=[^&]*\")", re.IGNORECASE)


@pytest.mark.parametrize("view", VIEWS, ids=stem)
def test_a_script_written_into_any_text_is_shown_as_text(view, people, client_of):
    record, client = full(stem(view), people), client_of(people.dev)
    texts = [
        c.column_key for c in columns.labelled(view.model) if c.kind in ("text", "lines", "im")
    ]
    kept = ("entity", "field_key", "code", "time_zone", "parameter", "condition", "number")
    with records.transaction("tests"):
        for key in texts:
            if key not in kept and isinstance(getattr(record, key) or "", str):
                setattr(record, key, BAIT)
        if not record.append_only:
            records.save(record, people.dev)
    id, path = record.id, f"/{stem(view)}/"
    addresses = [path, f"{path}details/?id={id}", f"{path}edit/?id={id}", f"{path}?search=onerror"]
    addresses += ["/search/?query=onerror", "/completeness/", "/recycle-bin/", "/"]
    for address in addresses:
        page = client.get(address, follow_redirects=True).text
        assert "<img src=x" not in page, address
        assert "49" not in re.findall(r"onerror=alert\(1\)[^<]{0,10}?(\d\d)", page), address
    if not record.append_only:
        assert "&lt;img src=x" in client.get(f"{path}details/?id={id}").text


def test_a_script_in_a_search_a_filter_or_a_message_is_shown_as_text(people, client_of):
    client = client_of(people.dev)
    for address in (
        "/search/?query=",
        "/customers/?search=",
        "/customers/?phone.has=",
        "/nothing?",
    ):
        page = client.get(address + BAIT.replace('"', "%22").replace(" ", "%20")).text
        assert "<img src=x" not in page, address
    acme = make(Customer).id
    with records.transaction("tests"):
        notifications.notify_all(
            [
                notifications.Message(
                    user_id=people.dev.id, key="k", kind="k", message="%(who)s",
                    values={"who": BAIT}, entity="customers", record_id=acme,
                )
            ]
        )  # fmt: skip
    page = client.get("/inbox/").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)//a.b", "data:text/html,a.b", "JaVaScRiPt:alert(1)//.x"]
)
def test_an_address_that_is_a_script_is_no_link(address, people, client_of):
    acme = make(Customer, website=address)
    page = client_of(people.dev).get(f"/customers/details/?id={acme.id}").text
    assert 'href="javascript:' not in page.lower()
    assert 'href="data:text' not in page


# Files.

FORMULAS = ("=HYPERLINK(1)", "+SUM(1)", "-cmd", "@SUM", "＝1", '=1+1"')


def exported(client, kind):
    file = client.get(f"/customers/export/{kind}/")
    if kind == "csv":
        return list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"))))
    book = CalamineWorkbook.from_filelike(io.BytesIO(file.data))
    return book.get_sheet_by_index(0).to_python()


def test_a_csv_file_opens_in_excel_with_its_chinese(people, client_of):
    make(Customer, name="上海天剑有限公司", account_manager_id=people.ana.id)
    data = client_of(people.ana).get("/customers/export/csv/").data
    assert data.startswith(b"\xef\xbb\xbf")
    assert "上海天剑有限公司" in data.decode("utf-8-sig")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_runs_what_was_written_into_a_name(text, people, client_of):
    make(Customer, name=text, account_manager_id=people.ana.id)
    client = client_of(people.ana)
    assert exported(client, "csv")[1][0][:1] not in tuple("=+-@\t\r＝＋－＠")
    assert exported(client, "xlsx")[1][0] == text  # a text cell, whatever it begins with


def test_a_phone_number_leaves_and_stays_as_it_is(people, client_of):
    make(Customer, name="Acme", phone="+86 10 1234-5678", account_manager_id=people.ana.id)
    for kind in ("csv", "xlsx"):
        assert "+86 10 1234-5678" in exported(client_of(people.ana), kind)[1]


def test_a_workbook_holds_numbers_and_dates_that_can_be_reckoned_with(people, client_of):
    from datetime import date
    from decimal import Decimal

    make(
        Customer, name="Acme", credit_limit=Decimal("1234567.89"),
        next_contact_on=date(2026, 2, 28), account_manager_id=people.ana.id,
    )  # fmt: skip
    headings, row = exported(client_of(people.ana), "xlsx")
    assert row[headings.index("Credit limit")] == 1234567.89
    assert row[headings.index("Next contact on")] == date(2026, 2, 28)


def test_a_file_holds_all_that_the_list_shows_in_its_order_and_no_more(people, client_of):
    for name, city in (("B", "Beijing"), ("A", "Beijing"), ("C", "Taipei")):
        make(Customer, name=name, city=city, account_manager_id=people.ana.id)
    file = client_of(people.ana).get("/customers/export/csv/?city.is=Beijing&sort=name").text
    assert [row[0] for row in csv.reader(io.StringIO(file))][1:] == ["A", "B"]


def test_a_field_hidden_from_a_role_is_nowhere(people, client_of):
    role = people.ana.roles[0]
    make(Customer, name="Acme", phone="555-0199", account_manager_id=people.ana.id)
    make(Customer, name="Other", phone="555-0100", account_manager_id=people.ana.id)
    with records.transaction("tests"):
        role.fields = {"customers": {"phone": "hidden", "city": "read"}}
        records.save(role, people.system)
    client = client_of(people.ana)
    found = access.fetch(access.visible(Customer, people.ana))
    one = next(c for c in found if c.name == "Acme")
    pages = [f"/customers/{page}/?id={one.id}" for page in ("details", "edit")]
    pages += ["/customers/", "/customers/export/csv/", "/customers/?sort=phone"]
    for address in (*pages, "/search/?query=Acme"):
        assert "555-0199" not in client.get(address, follow_redirects=True).text, address
    everything = client.get("/customers/").text
    for asked in ("phone.is=555-0199", "phone.has=0199", "phone.empty=", "sort=phone"):
        page = client.get(f"/customers/?{asked}").text
        assert page.count("details/?id=") == everything.count("details/?id="), asked
    assert "Acme" not in client.get("/customers/?search=5550199").text
    assert "Acme" not in client.get("/search/?query=555-0199").text
    address = f"/customers/edit/?id={one.id}"
    form = form_of(client.get(address))
    assert "phone" not in form
    assert "city" not in form
    client.post(address, data={**form, "phone": "1", "city": "Rome", "notes": "Kept"})
    kept = access.find(Customer, one.id, people.system)
    assert (kept.phone, kept.city, kept.notes) == ("555-0199", None, "Kept")


def test_a_missing_file_is_told_of_in_words(people, client_of, site, app):
    import io
    from pathlib import Path

    from crm_admin.services import attachments

    acme = make(Customer)
    folder = Path(site.config["INSTANCE"])
    kept = attachments.store(
        acme, "a.txt", io.BytesIO(b"text"), people.dev, instance=folder, limit=100
    )
    attachments.place_of(kept, folder).unlink()
    there = f"http://localhost/customers/details/?id={acme.id}"
    client = client_of(people.dev)
    answer = client.get(f"/attachments/{kept.id}", headers={"Referer": there})
    assert answer.location == f"/customers/details/?id={acme.id}"
    assert "This file is missing" in client.get(answer.location).text
