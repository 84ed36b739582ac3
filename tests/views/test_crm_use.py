"""The page of CRM use and its files."""

import csv
import io

from python_calamine import CalamineWorkbook

from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.users import User
from crm_admin.services import records, zones
from tests.make import make
from tests.pages import words_of
from tests.sweeps.test_queries import counted

PATH = "/crm-use/"


def test_everybody_sees_their_own_month(people, client_of):
    make(Interaction, author=people.ana)
    page = words_of(client_of(people.ana).get(PATH))
    assert "Ana" in page
    assert "Ben" not in page
    assert "closed the same day 30" in page, "how the score is made is told"
    ben = words_of(client_of(people.ben).get(PATH))
    assert "Ana" in ben
    assert "Cho" not in ben


def test_months_people_and_departments_are_chosen(people, client_of):
    ben = client_of(people.ben)
    assert "2020-01" in words_of(ben.get(f"{PATH}?month=2020-01"))
    assert f"{zones.today():%Y-%m}" in words_of(ben.get(f"{PATH}?month=9999-99"))
    assert ben.get(f"{PATH}?person={people.ana.id}").status_code == 200
    assert ben.get(f"{PATH}?person={people.cho.id}").status_code == 404
    assert ben.get(f"{PATH}?department={people.ana.department_id}").status_code == 200
    assert client_of(people.ana).get(f"{PATH}?person={people.ben.id}").status_code == 404


def test_the_month_is_a_file_for_appraisals(people, client_of):
    with records.transaction("tests"):
        people.ana.name = "=cmd|' /C calc'!A0"
    make(Customer, account_manager_id=people.ana.id)
    make(Interaction, author=people.ana, happened_at=records.clock.now())
    ben = client_of(people.ben)
    text = ben.get(f"{PATH}export/csv/").text
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[0][:5] == ["Month", "Person", "Department", "Score", "Interactions written"]
    month = f"{zones.today():%Y-%m}"
    assert [row[:3] for row in rows[1:]] == [
        [month, "'=cmd|' /C calc'!A0", "North"],
        [month, "Ben", "North"],
    ], "no spreadsheet runs what somebody is called"
    book = ben.get(f"{PATH}export/xlsx/?months=2")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book.data)).get_sheet_by_index(0).to_python()
    assert len(sheet) == 5
    assert sheet[1][1] == "=cmd|' /C calc'!A0"
    assert sheet[1][4] == 1.0, "a number is a number"
    assert ben.get(f"{PATH}export/pdf/").status_code == 404
    assert ben.get(f"{PATH}export/csv/?person={people.cho.id}").status_code == 404
    own = client_of(people.cho).get(f"{PATH}export/csv/").text
    assert own.count("\n") == 2


def test_a_file_asks_no_more_for_more_people_and_months(people, client_of):
    address, dev = f"{PATH}export/csv/", client_of(people.dev)
    dev.get(address)
    with counted(50) as few:
        dev.get(address)
    for number in range(5):
        make(User, name=f"More {number}", department_id=people.ana.department_id)
    dev.get(address)
    with counted(50) as more:
        assert dev.get(address).text.count("More") == 5
    assert len(more) == len(few)
