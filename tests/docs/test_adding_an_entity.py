"""What docs/adding-an-entity.md promises, done: three files make an entity, nothing else does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).parent / "example"
PAGE = (ROOT / "docs" / "adding-an-entity.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^`([\w/.]+\.py)`\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STEM = "competitor_prices"
#: Where each file of the example goes.
FILES = {
    f"crm_admin/models/{STEM}.py": EXAMPLE / "models" / f"{STEM}.py",
    f"crm_admin/views/{STEM}.py": EXAMPLE / "views" / f"{STEM}.py",
    f"tests/views/test_{STEM}.py": EXAMPLE / "tests" / f"test_{STEM}.py",
}
COPIED = ("app.py", "config", "crm_admin", "pyproject.toml", "scripts", "templates")
#: The sweeps that try the list, the form, the page, the files, the choices, the bin and the rights,
#: for two in sales and their supervisor; odd addresses and values are left to the other entities.
TRIED = ("test_access.py", "test_entities.py")
LEFT = [f"{STEM}-{who}" for who in ("dev", "eve", "fay")] + ["its_address_says", "cannot_be_kept"]
CHOSEN = f"{STEM} and not ({' or '.join(LEFT)})"


def test_every_piece_of_code_on_the_page_is_taken_from_a_file():
    assert PAGE.count("```python") == len(BLOCKS), "name the file above the code"
    for path, code in BLOCKS:
        if path in FILES:
            assert code == FILES[path].read_text(encoding="utf-8"), path
        else:
            assert code in (ROOT / path).read_text(encoding="utf-8"), path
    assert FILES.keys() <= {path for path, _ in BLOCKS}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A copy of the project with the example in it, its migration made, and what was said."""
    copy = tmp_path_factory.mktemp("project")
    for name in COPIED:
        _copy(ROOT / name, copy / name)
    (copy / "tests").mkdir()
    for file in (ROOT / "tests").glob("*.py"):
        _copy(file, copy / "tests" / file.name)
    _copy(ROOT / "tests" / "sweeps", copy / "tests" / "sweeps")
    before = _contents(copy)
    for path, source in FILES.items():
        (copy / path).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, copy / path)
    _run(copy, "-c", MIGRATING)
    after = _contents(copy)
    return copy, {path for path in after if after[path] != before.get(path)}


def _copy(source, target):
    leave = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source, target, ignore=leave) if source.is_dir() else shutil.copyfile(
        source, target
    )


def _contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.suffix != ".pyc" and "instance" not in file.parts
    }


def _run(copy, *arguments):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRM_", "PYTEST_", "FLASK_"))}
    environment = kept | {"CRM_INSTANCE": str(copy / "instance"), "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


#: What `make migration` and the next start do, in one process.
MIGRATING = """
from pathlib import Path
import flask_migrate
from app import create_app
from crm_admin.database import MIGRATIONS
from crm_admin.services import installation, setup

app = create_app(SECRET_KEY="tests")
with app.app_context():
    installation.upgrade()
    last = int(installation.newest()[:4])
    flask_migrate.migrate(directory=str(MIGRATIONS), message="prices", rev_id=f"{last + 1:04}")
    installation.upgrade()
    flask_migrate.check(directory=str(MIGRATIONS))
    setup.prepare(Path("config"), "a horse, a kingdom")
assert app.test_client().get("/competitor_prices/").status_code in (302, 401)
"""


def test_three_files_and_a_migration_are_all_it_takes(grown):
    _, changed = grown
    [migration] = changed - FILES.keys()
    assert re.fullmatch(r"crm_admin/migrations/versions/\d{4}_prices\.py", migration)


def test_the_migration_makes_the_table_and_nothing_else(grown):
    copy, _ = grown
    [file] = copy.glob("crm_admin/migrations/versions/*_prices.py")
    text = file.read_text(encoding="utf-8")
    tables = re.findall(r"(?:create_table|batch_alter_table|alter_column)\(\s*['\"](\w+)", text)
    assert set(tables) == {STEM}
    assert "crm_admin" not in text, "a migration must not depend on what the models become"


def test_the_new_entity_keeps_every_promise_of_the_others(grown):
    copy, _ = grown
    sweeps = [f"tests/sweeps/{name}" for name in TRIED]
    own = f"tests/views/test_{STEM}.py"
    said = _run(copy, "-m", "pytest", "-p", "no:cacheprovider", "-rA", own, *sweeps, "-k", CHOSEN)
    passed = set(re.findall(r"^PASSED \S*::(test_\w+)", said, re.MULTILINE))
    assert "test_a_salesperson_reports_a_price_in_their_own_name" in passed
    for promise in (
        "test_lists_and_files_hold_what_one_may_see",
        "test_a_record_is_opened_and_changed_by_whom_it_concerns",
        "test_a_record_is_deleted_and_restored_by_whom_it_concerns",
        "test_choices_in_forms_offer_what_one_may_look_up",
        "test_the_recycle_bin_holds_what_one_may_restore",
        "test_a_form_makes_the_record_it_describes",
        "test_a_list_is_sorted_by_every_column",
        "test_every_filter_answers_whatever_is_asked",
    ):
        assert promise in passed
