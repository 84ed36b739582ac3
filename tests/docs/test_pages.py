"""The pages lead to what exists, name commands there are, and call needs by their names."""

import ast
import re
import struct
import tomllib
from pathlib import Path

import pytest

from crm_admin.models.roles import Scope
from crm_admin.services import access, labels

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
MODULES = sorted((ROOT / "crm_admin").rglob("*.py"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
LARGEST_PICTURE = 300_000
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@every_page
def test_every_link_leads_to_a_file(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text("utf-8"))):
        if not link.startswith(("http:", "https:", "#")):
            assert (page.parent / link.partition("#")[0]).exists(), link


@every_page
def test_every_file_of_the_project_that_is_named_exists(page):
    named = re.findall(
        r"`((?:app|config|crm_admin|docs|scripts|templates|tests)/[\w./-]+)`",
        without_code(page.read_text("utf-8")),
    )
    missing = [path for path in named if not (ROOT / path).exists()]
    new = {f"crm_admin/{part}/competitor_prices.py" for part in ("models", "views")}
    assert set(missing) <= new | {"tests/views/test_competitor_prices.py"}


@every_page
def test_every_command_exists(page, site):
    text = page.read_text("utf-8")
    shown = [
        line.strip()
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    shown += re.findall(r"`((?:\.venv/bin/flask|flask|make) [^`]+)`", text)
    for line in shown:
        command = re.sub(r"^(?:CRM_\w+=\S+ )*(?:\.venv/bin/)?", "", line)
        first, _, rest = command.partition(" ")
        if first == "make":
            assert set(re.findall(r"^[a-z-]+", rest)) <= TARGETS | {"help"}, line
        elif first == "flask" and not rest.startswith(("...", "db")):
            check_command(site.cli, re.sub(r"^--app \w+ ", "", rest).split(), line)


def check_command(group, words, line):
    """Go down the words as far as they name groups of commands; look at each option."""
    command = group
    while hasattr(command, "commands") and words and re.fullmatch(r"[a-z-]+", words[0]):
        found = command.get_command(None, words[0])
        assert found is not None, f"{line}: there is no {words[0]}"
        command, words = found, words[1:]
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    for option in re.findall(r"(?<!\S)\[?(--[a-z-]+)", " ".join(words)):
        assert option in options | {"--help"}, f"{line}: there is no {option}"


def test_every_picture_is_shown_and_small():
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert shown == {path.resolve() for path in (DOCS / "pictures").iterdir()}
    for path in shown:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG"), path
        assert len(content) <= LARGEST_PICTURE, path
        assert struct.unpack(">I", content[16:20])[0] >= 1200, "too small to read"


def test_the_readme_links_every_page():
    readme = (ROOT / "README.md").read_text("utf-8")
    unnamed = [p.name for p in PAGES if p.name != "README.md" and p.name not in readme]
    assert not unnamed


NEEDS = re.findall(
    r"^\| ([A-S]\d+) \| .+ \| (.+) \|$",
    (DOCS / "requirements.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_every_need_says_how_far_it_is_met():
    for need, today in NEEDS:
        assert today.startswith(("met", "partly: ", "not yet", "measured")), need


def test_needs_are_numbered_without_gaps():
    names = [need for need, _ in NEEDS]
    letters = sorted({name[0] for name in names})
    assert names == [
        f"{letter}{number}"
        for letter in letters
        for number in range(1, 1 + sum(name[0] == letter for name in names))
    ]
    assert letters == list("ABCDEFGHIJKLMNOPQRS")


def test_every_source_that_a_docstring_names_is_a_need():
    known = {need for need, _ in NEEDS}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                continue
            for source in re.findall(r"Source: ([^\n]+)", ast.get_docstring(node) or ""):
                named = re.match(r"([A-Z]\d+)(?:, ([A-Z]\d+))*", source)
                assert named, f"{path.name}: {source}"
                assert set(re.findall(r"\b[A-Z]\d+\b", named[0])) <= known, f"{path.name}: {source}"


def test_what_is_said_to_be_not_there_has_no_code_that_claims_it():
    absent = {need for need, today in NEEDS if today.startswith("not yet")}
    said = " ".join(path.read_text("utf-8") for path in MODULES)
    for named in re.findall(r"Source: ((?:[A-S]\d+(?:, )?)+)", said):
        assert not set(re.findall(r"[A-S]\d+", named)) & absent, named


def first_cells(page, start, end):
    """Return the first cell of each row of the table that begins with one heading."""
    text = (DOCS / page).read_text("utf-8")
    table = text[text.index(start) : text.index(end)]
    return re.findall(r"^\| ([\w ,]+) \|", table, re.MULTILINE)[1:]


def test_roles_of_the_page_are_those_that_are_shipped():
    shipped = tomllib.loads((ROOT / "config" / "roles.toml").read_text("utf-8"))
    text = (DOCS / "permissions.md").read_text("utf-8")
    assert re.findall(r"^\| [\w -]+ \| `(\w+)` \|", text, re.MULTILINE) == list(shipped)


def test_rights_and_scopes_of_the_page_are_those_there_are():
    scopes = first_cells("permissions.md", "| Scope |", "Departments, users,")
    assert scopes == [scope.label for scope in Scope]
    rights = first_cells("permissions.md", "| Right |", "| Scope |")
    named = {name for row in rights for name in row.split(", ")}
    assert named == set(labels.VERBS.values())


def test_entities_of_the_style_page_are_those_there_are():
    text = (DOCS / "style.md").read_text("utf-8")
    present = text[text.index("| The business says |") : text.index("Kept for what may come")]
    stems = {
        stem
        for row in re.findall(r"^\| .+ \| .+ \| ([a-z_, ]+) \|$", present, re.M)
        for stem in row.split(", ")
    }
    assert stems == set(access.entities()) - {"attachments"}
    kept = set(re.findall(r"\| ([a-z_]+) \|$", text[text.index("Kept for") :], re.M))
    assert not kept & set(access.entities())
