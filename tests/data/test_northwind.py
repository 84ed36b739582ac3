"""Northwind's customers and employees in a new installation; skipped where they are absent."""

import csv
from pathlib import Path

import pytest

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.services import access, completeness, organisation, records

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "northwind"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data/northwind")

#: The rules of a new installation: what a customer lacks, by the column that says it.
ASKED = {
    "Phone": "phone",
    "Fax": "fax",
    "ContactName": "contacts",
    "PostalCode": "postal_code",
    "Address": "address",
}


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as text:
        return [{k: v.strip() for k, v in row.items()} for row in csv.DictReader(text)]


@pytest.fixture
def flask(app):
    """Return a function that runs a documented command in the folder of the data."""

    def run(entity, name):
        mapping = {"orders.csv": "orders", "employees.csv": "employees"}.get(name, "customers")
        example = ROOT / "docs" / "examples" / f"northwind-{mapping}.toml"
        asked = ["import", entity, str(DATA / name), "--mapping", str(example)]
        done = app.test_cli_runner().invoke(args=asked)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    return run


@pytest.fixture
def northwind(flask):
    """All of it, imported as documented: what each command said."""
    return [
        flask("users", "employees.csv"),
        flask("customers", "customers.csv"),
        flask("customers", "orders.csv"),
    ]


def managers():
    """Return {customer: employee of its most recent order}, from the files alone."""
    latest = {}
    for order in rows("orders.csv"):
        before = latest.get(order["CustomerID"])
        if before is None or order["OrderDate"] >= before["OrderDate"]:
            latest[order["CustomerID"]] = order
    return {customer: order["EmployeeID"] for customer, order in latest.items()}


def username(employee):
    return f"{employee['FirstName']}.{employee['LastName']}".lower()


def seen_by(name):
    return {c.external_number for c in access.fetch(access.visible(Customer, person(name)))}


def person(name):
    user = organisation.by_username(name)
    assert user is not None, name
    return user


def test_all_customers_are_in_and_a_second_run_changes_nothing(northwind, flask):
    assert northwind == [
        "users: 9 created, 0 updated, 0 unchanged, 0 refused",
        "customers: 93 created, 0 updated, 0 unchanged, 0 refused",
        "customers: 0 created, 89 updated, 0 unchanged, 0 refused, 741 passed over",
    ]
    versions = {c.id: c.version for c in db.session.scalars(records.alive(Customer))}
    assert flask("users", "employees.csv").endswith("0 updated, 9 unchanged, 0 refused")
    assert flask("customers", "customers.csv").endswith("0 updated, 93 unchanged, 0 refused")
    assert "0 updated, 89 unchanged, 0 refused" in flask("customers", "orders.csv")
    assert {c.id: c.version for c in db.session.scalars(records.alive(Customer))} == versions


def test_two_customers_of_one_name_are_both_kept(northwind):
    found = db.session.scalars(records.alive(Customer).where(Customer.name == "IT")).all()
    assert sorted(c.external_number for c in found) == ["VALON", "Val2"]


def test_employees_sit_in_departments_after_whom_they_report_to(northwind):
    places = {person(username(e)).department.name for e in rows("employees.csv")}
    assert places == {"Headquarters", "Steven Buchanan"}
    [buchanans] = db.session.scalars(
        records.alive(Department).where(Department.name == "Steven Buchanan")
    )
    assert buchanans.parent.code == "HQ"
    assert person("michael.suyama").department_id == person("steven.buchanan").department_id
    assert person("andrew.fuller").department.code == "HQ"
    assert {r.code for r in person("andrew.fuller").roles} == {"supervisor"}
    assert {r.code for r in person("nancy.davolio").roles} == {"sales"}


def test_each_employee_sees_their_own_and_superiors_their_peoples(northwind):
    looked_after, employees = managers(), rows("employees.csv")
    own = {
        e["EmployeeID"]: {c for c, who in looked_after.items() if who == e["EmployeeID"]}
        for e in employees
    }
    everyone = {c["CustomerID"] for c in rows("customers.csv")}
    assert len(looked_after) == 89
    reports = {e["EmployeeID"] for e in employees if e["ReportsTo"] == "5"}
    assert len(reports) == 3
    for employee in employees:
        key = employee["EmployeeID"]
        if key == "2":
            expected = everyone
        elif key == "5":
            expected = set.union(own["5"], *(own[other] for other in reports))
        else:
            expected = own[key]
        assert seen_by(username(employee)) == expected, username(employee)


def test_customers_without_an_order_are_in_the_pool(northwind):
    pool = records.alive(Customer).where(Customer.account_manager_id.is_(None))
    numbers = {c.external_number for c in db.session.scalars(pool)}
    assert numbers == {c["CustomerID"] for c in rows("customers.csv")} - managers().keys()
    assert len(numbers) == 4


def test_what_each_record_lacks_is_what_its_row_lacks(northwind):
    found = db.session.scalars(records.alive(Customer)).all()
    lacks = dict(
        zip(
            (c.external_number for c in found),
            (
                {lack.field_key for lack in of if lack.kind in ("required", "related", "known")}
                for of in completeness.lacks(found)
            ),
            strict=True,
        )
    )
    for row in rows("customers.csv"):
        missing = {field for column, field in ASKED.items() if not row[column]}
        assert lacks[row["CustomerID"]] == missing | {"category", "industry"}, row["CustomerID"]
    assert sum("fax" in of for of in lacks.values()) == 24
