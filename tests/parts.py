"""The parts some tests need besides Python: a PostgreSQL server, a browser.

Where a part is missing its tests are skipped by name. `--all-parts`, which `make test` uses, makes
them fail instead: a run that left something out must not look like one that did not.
"""

import pytest

#: What a test asks for, and the mark it then bears.
MARKS = {"postgresql_url": "postgresql", "browser": "browser"}


def pytest_addoption(parser):
    group = parser.getgroup("CRM")
    group.addoption("--postgresql", action="store_true", help="run on PostgreSQL, not on SQLite")
    group.addoption("--all-parts", action="store_true", help="fail where a part is missing")


def pytest_report_header(config):
    return "database: " + ("PostgreSQL" if config.getoption("postgresql") else "SQLite")


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items):
    for item in items:
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


def missing(config, reason):
    """Skip this test, or fail it where all parts must be there."""
    if config.getoption("all_parts"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
