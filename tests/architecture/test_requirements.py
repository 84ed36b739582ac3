"""What the code imports is what requirements.txt installs."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = [
    line.split("#")[0].strip()
    for file in ("requirements.txt", "requirements-dev.txt")
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
]
PINS = [line for line in LINES if line and not line.startswith("-")]
OURS = {"app", "config", "crm_admin"}
#: Comes with Flask, and is the same in all but name.
OF_FLASK = {"werkzeug", "jinja2", "markupsafe", "click", "itsdangerous"}


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("pin", PINS)
def test_everything_is_pinned_exactly(pin):
    assert re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+(; .+)?", pin)


def test_the_application_imports_only_what_is_required():
    runtime = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = {plain(name) for name in re.findall(r"^([\w.-]+)", runtime, re.MULTILINE)}
    provided_by = packages_distributions()
    files = [ROOT / "app.py", *(ROOT / "config").rglob("*.py"), *(ROOT / "crm_admin").rglob("*.py")]
    unlisted = {
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files
        for module in imported(file) - OURS - OF_FLASK - sys.stdlib_module_names
        if not {plain(name) for name in provided_by.get(module, [module])} & required
    }
    # Alembic is Flask-Migrate's, and its environment is made of it.
    assert {entry for entry in unlisted if not entry.endswith(" alembic")} == set()


def imported(file):
    """Return the top-level packages a module imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found
