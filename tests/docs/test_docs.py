"""The pages on running it name what there is, and nothing else."""

import re
from pathlib import Path

import pytest

from config import settings
from crm_admin.jobs import JOBS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["running.md", "backup.md", "jobs.md", "settings.md", "accounts.md", "security.md"]
SETTINGS = {f"CRM_{name}": value for name, value in vars(settings).items() if name.isupper()}


def text(page):
    return (DOCS / page).read_text(encoding="utf-8")


def rows(page):
    """Return {first cell: the other cells} of the tables' rows whose first cell is a name."""
    found = {}
    for line in text(page).splitlines():
        if match := re.match(r"\| `(\w+)` \| (.*) \|$", line):
            found[match[1]] = match[2].split(" | ")
    return found


def test_every_setting_is_explained_and_no_other():
    assert list(rows("settings.md")) == list(SETTINGS)


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_a_default_is_the_one_the_program_has(name, value):
    said = rows("settings.md")[name][0]
    if value not in ("", False):
        assert said == f"`{value}`"


def test_every_job_is_explained_with_its_hour_and_no_other():
    said = {name: cells[0] for name, cells in rows("jobs.md").items()}
    assert said == {job.name: f"{job.hour:02}:{job.minute:02}" for job in JOBS.values()}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_and_names_only_what_exists(page):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text(page)):
        assert (DOCS / link).is_file(), link
    for path in re.findall(r"`((?:crm_admin|tests|config|docs)/[\w/.]+)`", text(page)):
        assert (DOCS.parent / path).exists(), path
    for name in re.findall(r"\bCRM_[A-Z_]+\b", text(page)):
        assert name in SETTINGS, name


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_commands_there_are(page, site):
    for line in re.findall(r"flask ((?:[a-z][a-z-]* ?){1,2})", text(page)):
        first, *rest = line.split()
        command = site.cli.get_command(None, first)
        assert command is not None, line
        if rest and hasattr(command, "commands"):
            assert rest[0] in command.commands, line


def test_every_example_is_mentioned():
    for example in (DOCS / "examples").iterdir():
        if example.suffix in (".service", ".conf", "") and example.is_file():
            assert f"examples/{example.name}" in text("running.md")


def test_examples_name_only_settings_there_are():
    for example in (DOCS / "examples").iterdir():
        if example.is_file() and example.suffix in (".service", ".conf", ""):
            for name in re.findall(r"\bCRM_[A-Z_]+\b", example.read_text(encoding="utf-8")):
                assert name in SETTINGS, name
