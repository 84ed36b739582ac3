"""The shape of the code, kept by tests rather than by reminders."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "crm_admin"
MODULES = [
    ROOT / "app.py",
    *sorted((ROOT / "config").rglob("*.py")),
    *sorted(p for p in PACKAGE.rglob("*.py") if "migrations" not in p.parts),
]
SCREENS = [p for p in MODULES if p.parent == PACKAGE / "views"]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

LONGEST = 400
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib", "core", "managers"}

#: What a template must not hold, and what to do instead.
NOT_IN_TEMPLATES = {
    r"""<[^>]*\son[a-z]+\s*=\s*["'{]""": "a handler in the page: listen in a script under static/",
    r"""<[^>{]*\sstyle\s*=""": "a style in the page: give it a class",
    r"\|\s*safe\b": "text taken for HTML: let Jinja escape it, or return Markup where it is made",
    r"javascript:": "a script in an address: use a button",
    r"{%-?\s*autoescape\s+false": "escaping turned off",
    r"""(?:src|href)\s*=\s*["'](?:https?:)?//""": "a file from another host: ship it under static/",
}
#: Only the base of all screens may name these: it scopes what people see and writes by the service.
ONLY_IN_BASE = {
    "ModelView": "extend EntityView",
    "FileAdmin": "files are attachments of a record",
    "session": "ask a service",
    "_refresh_cache": "a view is built once and filtered for each request",
}


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short_and_opens_with_what_it_is_for(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST, "split it by subject"
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "open with one sentence saying what it is for"
        assert text.startswith('"""'), "the sentence comes first"
    assert path.stem not in VAGUE, "name it after its subject"


@pytest.mark.parametrize("path", SCREENS, ids=name)
def test_only_the_base_of_all_screens_reaches_rows_by_itself(path):
    if path.stem == "base":
        return
    text = path.read_text(encoding="utf-8")
    bypasses = [
        f"line {node.lineno}: {word}: {ONLY_IN_BASE[word]}"
        for node in ast.walk(ast.parse(text))
        for word in words_of(node)
        if word in ONLY_IN_BASE
    ]
    assert not bypasses


def words_of(node):
    """Return the names a node uses: what a class extends, `x.name` of db, self or a view."""
    if isinstance(node, ast.ClassDef):
        return [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    return []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_is_safe_under_a_strict_content_policy(path):
    text = without_comments(path.read_text(encoding="utf-8"))
    for pattern, why in NOT_IN_TEMPLATES.items():
        found = re.search(pattern, text, re.IGNORECASE)
        assert found is None, f"{found[0]!r} is {why}"
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script or "nonce=" in script or "json" in script, f"{script} has no nonce"


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_form_that_changes_something_carries_its_token(path):
    text = without_comments(path.read_text(encoding="utf-8"))
    for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL | re.IGNORECASE):
        opening = form[: form.index(">")]
        if re.search(r"method\s*=\s*[\"']?post", opening, re.IGNORECASE):
            assert "csrf" in form, opening


def without_comments(text):
    return re.sub(r"{#.*?#}|<!--.*?-->", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("folder", ["services", "jobs", "reports"])
def test_a_test_is_named_after_the_module_it_tries(folder):
    modules = {p.stem for p in (PACKAGE / folder).glob("*") if p.suffix in (".py", "")} | {"base"}
    tests = {p.stem.removeprefix("test_") for p in (ROOT / "tests" / folder).glob("test_*.py")}
    assert tests <= modules, "a test file has no module"
