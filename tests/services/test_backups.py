"""Backups are whole, whoever writes meanwhile; nothing else is ever restored."""

import io
import json
import os
import sqlite3
import stat
import threading
import time
import zipfile
from datetime import date
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy import func, select

from crm_admin.database import MIGRATIONS, db
from crm_admin.errors import CrmError
from crm_admin.models.accounts import Purpose
from crm_admin.models.attachments import Attachment
from crm_admin.models.audit import AuditEntry
from crm_admin.models.configuration import NumberSeries, SentForm
from crm_admin.models.customers import Customer
from crm_admin.models.users import UserSession
from crm_admin.services import (
    account_tokens,
    attachments,
    backup_archives,
    backups,
    installation,
    mail,
    organisation,
    outbox,
    records,
    restoring,
    sessions,
)
from crm_admin.services.backup_archives import Unusable
from crm_admin.services.sealing import Seal
from tests.fresh import installed
from tests.make import make

CONTENT = "合同内容𠮷\r\n".encode() * 500


@pytest.fixture
def instance(tmp_path):
    return tmp_path / "instance"


@pytest.fixture
def live(request, instance):
    """An installation with one customer and one attachment, within its context."""
    with installed(instance, request) as app, app.app_context():
        customer = make(Customer, name="北京泰坦軟件股份有限公司")
        attach(customer, instance)
        yield app
        db.session.remove()


def attach(customer, instance, content=CONTENT):
    stream, system = io.BytesIO(content), organisation.system()
    return attachments.store(
        customer, "合同.txt", stream, system, instance=instance, limit=10_000_000
    )


@pytest.fixture
def backup(live, instance, tmp_path):
    """A backup of the installation as it is."""
    file = tmp_path / "elsewhere" / "a.crmbackup"
    backups.write(file, instance)
    return file


def restore(file, instance):
    return restoring.restore(file, instance, instance / "backups")


def names():
    return set(db.session.scalars(select(Customer.name)))


def state(instance):
    """What restoring may not touch when it refuses: rows, and every file but SQLite's own."""
    db.session.rollback()
    tables = (Customer, AuditEntry, Attachment)
    rows = [db.session.scalar(select(func.count()).select_from(t)) for t in tables]
    files = {
        p.relative_to(instance): p.read_bytes()
        for p in instance.rglob("*")
        if p.is_file() and not p.name.startswith("crm.db")
    }
    installation.disconnect()
    return rows, names(), files, sorted(p.name for p in instance.iterdir())


def test_what_was_backed_up_comes_back_and_what_came_after_is_gone(live, backup, instance):
    make(Customer, name="Later Ltd")
    attach(db.session.scalars(select(Customer)).first(), instance, b"later")
    done = restore(backup, instance)
    assert names() == {"北京泰坦軟件股份有限公司"}
    [row] = db.session.scalars(select(Attachment))
    assert attachments.place_of(row, instance).read_bytes() == CONTENT
    assert done.manifest.attachments == 1
    found = attachments.inspect(instance, contents=True)
    assert (found.missing, found.damaged, found.stray) == ([], [], [])
    make(Customer, name="Works on")


def test_restoring_again_and_again_gives_the_same(live, backup, instance):
    for _ in range(3):
        make(Customer, name="Later Ltd")
        restore(backup, instance)
        assert names() == {"北京泰坦軟件股份有限公司"}


def test_the_old_data_is_kept_and_can_itself_be_put_back(live, backup, instance, request):
    make(Customer, name="Later Ltd")
    kept = restore(backup, instance).kept
    if request.config.getoption("postgresql"):
        [old] = [p for p in kept if p.suffix == ".crmbackup"]
        restore(old, instance)
        assert names() == {"北京泰坦軟件股份有限公司", "Later Ltd"}
        return
    [old] = [p for p in kept if p.name.startswith("crm.db")]
    with sqlite3.connect(old) as connection:
        found = connection.execute("SELECT name FROM customers ORDER BY id").fetchall()
    connection.close()
    assert found == [("北京泰坦軟件股份有限公司",), ("Later Ltd",)]
    assert any(p.name.startswith("attachments.before-restore-") for p in kept)


def test_a_backup_restores_into_an_empty_installation(live, backup, tmp_path, request):
    if request.config.getoption("postgresql"):
        pytest.skip("the other installation has a database of its own kind only on SQLite")
    from app import create_app

    db.session.remove()
    other = create_app(INSTANCE=str(tmp_path / "new"), DATABASE_URL="", TESTING=True)
    with other.app_context():
        restore(backup, tmp_path / "new")
        assert names() == {"北京泰坦軟件股份有限公司"}
        installation.disconnect()


def test_everybody_signs_in_anew(live, backup, instance):
    limits = sessions.Limits(idle=date.resolution, longest=date.resolution)
    admin = organisation.by_username("admin")
    token = sessions.open_session(admin, "127.0.0.1", "tests", limits)
    backups.write(backup, instance)
    restore(backup, instance)
    assert db.session.scalars(select(UserSession.ended_at)).one() is not None
    assert sessions.find(token, limits) is None


def test_links_and_mail_that_waited_in_a_backup_are_not_good_again(live, backup, instance):
    admin = organisation.by_username("admin")
    server = mail.Server("127.0.0.1", 1, "", "", "none", "crm@example.com")
    post = outbox.Post(server, "https://crm.example.com", "en", "CRM", Seal(["tests"]))
    with records.transaction("tests"):
        token = account_tokens.make(admin, Purpose.RESET)
        outbox.write(post, admin, "test", "Hello", "Text", recipient="admin@example.com")
    assert account_tokens.owner(token, Purpose.RESET) is not None
    assert outbox.state().waiting == 1
    backups.write(backup, instance)
    restore(backup, instance)
    assert account_tokens.owner(token, Purpose.RESET) is None
    assert (outbox.state().waiting, len(outbox.state().failed)) == (0, 1)


def test_a_backup_is_for_its_owner_only_and_never_half_there(live, backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    assert list(backup.parent.iterdir()) == [backup]


def test_a_backup_that_fails_leaves_the_one_before_and_no_litter(live, backup, instance):
    before = backup.read_bytes()
    broken = next(path for _, path in attachments.stored(instance))
    broken.unlink()
    broken.mkdir()
    broken.rename(broken.with_name("0" * 30))
    stored = broken.with_name("0" * 30)
    stored.rmdir()
    os.mkfifo(stored)  # not a file: it is left out, and nothing waits on it
    backups.write(backup, instance)
    assert backups.check(backup).attachments == 0
    backup.write_bytes(before)
    (instance / "attachments").rename(instance / "away")
    with pytest.raises(OSError):
        backups.write(backup / "not a folder" / "b", instance)
    assert list(backup.parent.iterdir()) == [backup]


def test_the_manifest_says_what_is_in_it(live, backup):
    manifest = backups.check(backup)
    assert manifest.schema == installation.newest()
    assert manifest.database == db.engine.dialect.name
    assert manifest.rows["customers"] == 1
    assert manifest.rows["attachments"] == 1
    with zipfile.ZipFile(backup) as archive:
        said = json.loads(archive.read("manifest.json"))
    assert (said["product"], said["format"]) == ("crm-admin", 1)
    assert "secret.key" not in " ".join(archive.namelist())


def test_an_empty_database_is_not_backed_up(tmp_path, request):
    from app import create_app

    if request.config.getoption("postgresql"):
        pytest.skip("an SQLite installation that was never started")
    app = create_app(INSTANCE=str(tmp_path / "new"), DATABASE_URL="", TESTING=True)
    with app.app_context(), pytest.raises(CrmError, match="nothing to back up"):
        backups.write(tmp_path / "b", tmp_path / "new")
    assert not (tmp_path / "new" / "crm.db").exists()
    assert not (tmp_path / "b").exists()


# What is refused.


def rewritten(file, change=None, members=None, manifest=True):
    """Write the backup anew: `change(manifest)` alters what it says, `members` what it holds."""
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(content.pop("manifest.json"))
    if change:
        change(said)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {**content, **(members or {})}.items():
            archive.writestr(name, data)
        if manifest:
            archive.writestr("manifest.json", json.dumps(said))


def truncate(file):
    with file.open("r+b") as raw:
        raw.truncate(file.stat().st_size // 2)


def flip(file):
    """Change one byte of the data within the file."""
    data = bytearray(file.read_bytes())
    data[len(data) // 4] ^= 0xFF
    file.write_bytes(data)


def cut_end(file):
    file.write_bytes(file.read_bytes()[:-3])


def says(**values):
    return lambda file: rewritten(file, lambda said: said.update(values))


def more_rows(file):
    rewritten(file, lambda said: said["rows"].update(customers=2))


def traversal(name):
    def attack(file):
        def lie(said):
            said["members"][name] = [4, "0" * 64]

        rewritten(file, lie, {name: b"evil"})

    return attack


def link(file):
    name = "attachments/ab/" + "0" * 30
    rewritten(file, lambda said: said["members"].update({name: [11, "0" * 64]}))
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, "/etc/passwd")


def twice(file):
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning):
        archive.writestr(archive.namelist()[0], b"another")


def other_data(file):
    def lie(said):
        said["members"][backup_archives.DATA[said["database"]]] = [3, "0" * 64]

    with zipfile.ZipFile(file) as archive:
        name = next(n for n in archive.namelist() if n.startswith("database."))
    rewritten(file, lie, {name: b"new"})


def no_database(file):
    """A file that is right in all but that its data is no database."""
    import hashlib

    with zipfile.ZipFile(file) as archive:
        name = next(n for n in archive.namelist() if n.startswith("database."))
    data = b"not a database" * 100
    digest = hashlib.sha256(data).hexdigest()
    rewritten(file, lambda said: said["members"].update({name: [len(data), digest]}), {name: data})


REFUSED = {
    "cut in half": truncate,
    "cut at its end": cut_end,
    "a changed byte": flip,
    "empty": lambda file: file.write_bytes(b""),
    "a text": lambda file: file.write_text("hello"),
    "another ZIP": lambda file: rewritten(file, manifest=False),
    "another product": says(product="other"),
    "a newer format": says(format=2),
    "a newer version": says(schema="9999"),
    "no version": says(schema=None),
    "another database": says(database="oracle"),
    "a list that is no list": says(members=[]),
    "rows that are no rows": says(rows="x"),
    "other rows than it says": more_rows,
    "other data than it says": other_data,
    "no database in it": no_database,
    "a name above": traversal("../evil"),
    "an absolute name": traversal("/tmp/evil"),
    "a name above within": traversal("attachments/../../evil"),
    "a backslash": traversal("attachments\\..\\evil"),
    "a foreign member": traversal("secret.key"),
    "a link": link,
    "a name twice": twice,
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_whole_backup_of_ours_is_refused_and_nothing_is_touched(
    live, backup, instance, tmp_path, spoil
):
    make(Customer, name="Later Ltd")
    before, outside = state(instance), set(tmp_path.iterdir())
    spoil(backup)
    for door in (backups.check, lambda file: restore(file, instance)):
        with pytest.raises(Unusable):
            door(backup)
    assert state(instance) == before
    assert set(tmp_path.iterdir()) == outside
    assert list(backup.parent.iterdir()) == [backup]


def test_a_backup_of_the_other_kind_of_database_is_refused(live, backup):
    kind = {"sqlite": "postgresql", "postgresql": "sqlite"}[db.engine.dialect.name]
    with zipfile.ZipFile(backup) as archive:
        data = archive.read(backup_archives.DATA[db.engine.dialect.name])

    def lie(said):
        said["database"] = kind
        said["members"][backup_archives.DATA[kind]] = said["members"].pop(
            backup_archives.DATA[db.engine.dialect.name]
        )

    with zipfile.ZipFile(backup) as archive:
        said = json.loads(archive.read("manifest.json"))
    lie(said)
    with zipfile.ZipFile(backup, "w") as archive:
        archive.writestr(backup_archives.DATA[kind], data)
        for name in said["members"]:
            if name.startswith("attachments/"):
                archive.writestr(name, CONTENT)
        archive.writestr("manifest.json", json.dumps(said))
    with pytest.raises(Unusable, match="runs on"):
        backups.check(backup)


def test_nothing_is_restored_while_the_application_runs(live, backup, instance):
    make(Customer, name="Later Ltd")
    inside, leave = threading.Event(), threading.Event()

    def serve():
        from app import create_app

        with create_app(INSTANCE=str(instance), DATABASE_URL=url).app_context():
            db.session.scalar(select(Customer.id))
            db.session.remove()  # it goes back to the pool, as after any request
            inside.set()
            leave.wait(30)
            installation.disconnect()

    url = db.engine.url.render_as_string(hide_password=False)
    thread = threading.Thread(target=serve)
    thread.start()
    assert inside.wait(30)
    with pytest.raises(CrmError, match="is running"):
        restore(backup, instance)
    leave.set()
    thread.join()
    assert names() == {"北京泰坦軟件股份有限公司", "Later Ltd"}
    restore(backup, instance)
    assert names() == {"北京泰坦軟件股份有限公司"}


def test_a_restore_that_fails_half_way_leaves_everything_as_it_was(live, backup, instance):
    make(Customer, name="Later Ltd")
    before = state(instance)
    # It unpacks and proves well, but cannot be brought to this version.
    spoil_schema(backup)
    with pytest.raises(Exception, match="rows"):
        restore(backup, instance)
    after = state(instance)
    assert after[:3] == before[:3] or db.engine.dialect.name == "postgresql"
    assert after[1] == {"北京泰坦軟件股份有限公司", "Later Ltd"}


def spoil_schema(file):
    """Make a backup of an earlier version whose upgrade must fail."""
    first = [s.revision for s in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][-1]
    if db.engine.dialect.name == "postgresql" or first == installation.newest():
        more_rows(file)
        return
    import hashlib

    with zipfile.ZipFile(file) as archive:
        data = archive.read("database.sqlite")
    copy = file.with_name("copy")
    copy.write_bytes(data)
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [first])
        # The upgrade's own check finds a row that points at nothing.
        connection.execute("UPDATE customers SET account_manager_id = 4711")
    connection.close()
    data = copy.read_bytes()
    copy.unlink()
    digest = hashlib.sha256(data).hexdigest()

    def lie(said):
        said["schema"] = first
        said["members"]["database.sqlite"] = [len(data), digest]

    rewritten(file, lie, {"database.sqlite": data})


VERSIONS = [s.revision for s in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backup_of_each_version_restores_and_is_brought_to_this_one(
    request, tmp_path, live, instance, version
):
    from app import create_app
    from tests.fresh import database

    db.session.remove()
    with database(request) as url:
        old = create_app(INSTANCE=str(tmp_path / "old"), DATABASE_URL=url, TESTING=True)
        with old.app_context():
            upgrade(directory=str(MIGRATIONS), revision=version)
            backups.write(tmp_path / "old.crmbackup", tmp_path / "old")
            installation.disconnect()
    restore(tmp_path / "old.crmbackup", instance)
    assert installation.version() == installation.newest()
    assert names() == set()


# While people work.


def work(app, until, done, failures):
    """Give numbers away until told to stop: each is one row more and one number further."""
    with app.app_context():
        while not until.is_set():
            try:
                with records.transaction("tests"):
                    series = db.session.scalars(
                        select(NumberSeries)
                        .where(NumberSeries.entity == "customers")
                        .with_for_update()
                    ).one()
                    series.next_number += 1
                    key = f"{threading.get_ident()}:{series.next_number}"
                    db.session.add(SentForm(key=key, user_id=1, entity="x", record_id=1))
                done.append(1)
            except Exception as error:
                failures.append(error)
            finally:
                db.session.remove()


def test_a_backup_taken_under_forty_writers_is_of_one_moment(live, instance, tmp_path):
    from app import create_app

    url = db.engine.url.render_as_string(hide_password=False)
    started = db.session.scalar(
        select(NumberSeries.next_number).where(NumberSeries.entity == "customers")
    )
    db.session.remove()
    stop, done, failures, taken = threading.Event(), [], [], []
    web = create_app(INSTANCE=str(instance), DATABASE_URL=url)  # a process of its own has a pool
    threads = [threading.Thread(target=work, args=(web, stop, done, failures)) for _ in range(40)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 3
    while time.monotonic() < ends or len(taken) < 2:
        taken.append(tmp_path / f"{len(taken)}.crmbackup")
        backups.write(taken[-1], instance)
    stop.set()
    for thread in threads:
        thread.join()
    with web.app_context():
        installation.disconnect()
    assert failures == []
    assert len(done) > 100
    seen = []
    for file in taken:
        restore(file, instance)
        forms = db.session.scalar(select(func.count()).select_from(SentForm))
        numbers = db.session.scalar(
            select(NumberSeries.next_number).where(NumberSeries.entity == "customers")
        )
        assert numbers - started == forms
        seen.append(forms)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


# Nightly backups.


def test_the_newest_nightly_backups_are_kept_and_others_are_never_removed(tmp_path):
    for day in range(1, 21):
        backups.nightly(tmp_path, date(2026, 1, day)).write_text("x")
    others = [tmp_path / name for name in ("by-hand.crmbackup", "crm-old.crmbackup", "a.txt")]
    for other in others:
        other.write_text("x")
    assert len(backups.rotate(tmp_path, 14)) == 6
    assert [p.name for p in backups.kept(tmp_path)][-1] == "crm-2026-01-07.crmbackup"
    assert len(backups.kept(tmp_path)) == 14
    assert all(other.exists() for other in others)
    assert backups.rotate(tmp_path, 14) == []


def test_what_an_interrupted_backup_left_is_removed_after_a_day(tmp_path):
    old, new = tmp_path / ".a.crmbackup.1.partial", tmp_path / ".b.crmbackup.2.partial"
    left = tmp_path / ".crm-abc.scratch"
    left.mkdir()
    for path in (old, new):
        path.write_text("x")
    long_ago = time.time() - 2 * 86_400
    os.utime(old, (long_ago, long_ago))
    os.utime(left, (long_ago, long_ago))
    backups.rotate(tmp_path, 14)
    assert not old.exists()
    assert not left.exists()
    assert new.exists()


def test_a_database_that_is_whole_has_no_faults_and_a_broken_one_says_so(live, instance, request):
    assert backups.faults() == []
    if request.config.getoption("postgresql"):
        return
    installation.disconnect()
    file = Path(instance / "crm.db")
    data = bytearray(file.read_bytes())
    data[8192:12288] = b"\x55" * 4096
    file.write_bytes(data)
    assert backups.faults()
