"""`flask jobs`: what there is, and one run by hand."""

import pytest

from crm_admin.jobs import JOBS


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["jobs", *words])


def test_the_list_shows_each_job_with_its_hour_and_last_run(run):
    assert run("run", "end_contracts", "--day", "2026-03-10").exit_code == 0
    listed = run("list").stdout
    assert all(name in listed for name in JOBS)
    assert "00:10" in listed
    assert "done for 2026-03-10, 0 records" in listed


@pytest.mark.parametrize(
    "words", [["nothing"], ["end_contracts", "--day", "tomorrow"], []], ids=["job", "day", "none"]
)
def test_a_wrong_call_ends_with_two(run, words):
    assert run("run", *words).exit_code == 2
