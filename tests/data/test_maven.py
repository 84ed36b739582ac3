"""Maven's accounts, teams and pipeline in a new installation; skipped where they are absent."""

import csv
from datetime import datetime
from pathlib import Path

import pytest

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services import access, completeness, organisation, records

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "maven-crm"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data/maven-crm")

STEPS = [
    ("users", "sales_teams.csv", "maven-managers.toml"),
    ("users", "sales_teams.csv", "maven-agents.toml"),
    ("customers", "accounts.csv", "maven-accounts.toml"),
    ("customers", "sales_pipeline.csv", "maven-pipeline.toml"),
]


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as text:
        return [*csv.DictReader(text)]


@pytest.fixture
def steps(app):
    """Return a function that runs the documented commands: what each said."""

    def run():
        said = []
        for entity, name, mapping in STEPS:
            example = ROOT / "docs" / "examples" / mapping
            asked = ["import", entity, str(DATA / name), "--mapping", str(example)]
            done = app.test_cli_runner().invoke(args=asked)
            assert done.exit_code == 0, done.output
            said.append(done.stdout.strip())
        return said

    return run


@pytest.fixture
def maven(steps):
    return steps()


def managers():
    """Return {account: agent of its most recent engagement}, from the file alone."""
    latest = {}
    for deal in rows("sales_pipeline.csv"):
        if deal["account"] and deal["engage_date"]:
            day = datetime.strptime(deal["engage_date"], "%m/%d/%Y")  # noqa: DTZ007
            if deal["account"] not in latest or day >= latest[deal["account"]][0]:
                latest[deal["account"]] = (day, deal["sales_agent"])
    return {account: agent for account, (_, agent) in latest.items()}


def customers():
    return db.session.scalars(records.alive(Customer).order_by(Customer.id)).all()


def test_all_are_in_and_a_second_run_changes_nothing(maven, steps):
    assert maven == [
        "users: 6 created, 0 updated, 29 unchanged, 0 refused",
        "users: 35 created, 0 updated, 0 unchanged, 0 refused",
        "customers: 85 created, 0 updated, 0 unchanged, 0 refused",
        "customers: 0 created, 85 updated, 0 unchanged, 0 refused, 8715 passed over",
    ]
    before = [(c.id, c.version) for c in customers()]
    assert all("0 created, 0 updated" in line for line in steps())
    assert [(c.id, c.version) for c in customers()] == before


def test_agents_sit_in_their_managers_teams_below_three_regional_offices(maven):
    tops = db.session.scalars(
        records.alive(Department).where(Department.name.in_({"Central", "East", "West"}))
    ).all()
    assert [d.parent.code for d in tops] == ["HQ"] * 3
    for row in rows("sales_teams.csv"):
        agent = db.session.scalars(records.alive(User).where(User.name == row["sales_agent"])).one()
        boss = db.session.scalars(records.alive(User).where(User.name == row["manager"])).one()
        assert agent.department_id == boss.department_id
        assert agent.department.name == row["manager"]
        assert agent.department.parent.name == row["regional_office"]
        assert {r.code for r in agent.roles} == {"sales"}
        assert {r.code for r in boss.roles} == {"supervisor"}


def test_account_managers_are_the_agents_of_the_most_recent_engagements(maven):
    expected = managers()
    assert len(expected) == 85
    assert {c.name: c.account_manager.name for c in customers()} == expected


def test_managers_see_what_their_agents_look_after(maven):
    expected, teams = managers(), {r["sales_agent"]: r["manager"] for r in rows("sales_teams.csv")}
    for manager in set(teams.values()):
        user = organisation.by_username(manager.lower().replace(" ", "."))
        seen = {c.name for c in access.fetch(access.visible(Customer, user))}
        assert seen == {account for account, agent in expected.items() if teams[agent] == manager}


def test_subsidiaries_belong_to_their_parents(maven):
    parents = {r["account"]: r["subsidiary_of"] for r in rows("accounts.csv") if r["subsidiary_of"]}
    assert {c.name: c.parent.name for c in customers() if c.parent} == parents
    assert len(parents) == 15


def test_a_misspelt_sector_is_kept_and_found(maven):
    found = customers()
    misspelt = {r["account"] for r in rows("accounts.csv") if r["sector"] == "technolgy"}
    assert {c.name for c in found if c.industry == "technolgy"} == misspelt
    unknown = {
        customer.name
        for customer, lacks in zip(found, completeness.lacks(found), strict=True)
        if any(lack.kind == "known" and "technolgy" in lack.problem.text() for lack in lacks)
    }
    assert unknown == misspelt
    assert len(misspelt) == 12
