"""`flask backup`, `flask restore` and `flask check`: what they say, and their exit codes."""

import io

import pytest

from crm_admin.models.customers import Customer
from crm_admin.services import attachments, installation, organisation
from tests.fresh import installed
from tests.make import make


@pytest.fixture
def run(request, tmp_path):
    """Run a command on an installation with a customer and a file; return its result."""
    with installed(tmp_path / "instance", request) as app:
        with app.app_context():
            customer, system = make(Customer, name="Acme"), organisation.system()
            attachments.store(
                customer,
                "a.txt",
                io.BytesIO(b"x"),
                system,
                instance=tmp_path / "instance",
                limit=10,
            )
            installation.disconnect()
        runner = app.test_cli_runner()
        yield lambda *words: runner.invoke(args=[str(word) for word in words])


def test_a_backup_is_written_checked_and_restored(run, tmp_path):
    file = tmp_path / "a.crmbackup"
    done = run("backup", file)
    assert (done.exit_code, file.exists()) == (0, True)
    assert "1 attachments" in done.stdout
    assert run("restore", "--check", file).exit_code == 0
    restored = run("restore", file)
    assert restored.exit_code == 0
    assert "kept" in restored.stdout
    assert run("check", "--contents").exit_code == 0


def test_a_file_that_exists_is_replaced_only_when_asked(run, tmp_path):
    file = tmp_path / "a.crmbackup"
    file.write_text("precious")
    refused = run("backup", file)
    assert refused.exit_code == 1
    assert file.read_text() == "precious"
    assert run("backup", file, "--overwrite").exit_code == 0
    assert run("restore", "--check", file).exit_code == 0


@pytest.mark.parametrize("words", [["--check"], []], ids=["check", "restore"])
def test_what_is_refused_ends_with_one_and_its_reason(run, tmp_path, words):
    file = tmp_path / "a.crmbackup"
    file.write_text("no backup")
    refused = run("restore", *words, file)
    assert refused.exit_code == 1
    assert "damaged" in refused.stderr


@pytest.mark.parametrize(
    "words", [["backup"], ["backup", "/"], ["restore"], ["restore", "/nowhere"], ["check", "--x"]]
)
def test_a_wrong_call_ends_with_two(run, words):
    assert run(*words).exit_code == 2


def test_a_folder_that_cannot_be_written_is_said(run):
    refused = run("backup", "/proc/nowhere/a.crmbackup")
    assert refused.exit_code == 1
    assert "No backup was written" in refused.stderr


def test_a_missing_file_is_found(run, tmp_path):
    assert "All is well" in run("check").stdout
    [(_, path)] = attachments.stored(tmp_path / "instance")
    path.unlink()
    found = run("check")
    assert found.exit_code == 1
    assert "its file is missing" in found.stderr
