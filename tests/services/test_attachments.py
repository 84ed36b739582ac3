"""Files of records: who reaches them, and that rows and files stay together."""

import io
import os
import stat
import threading

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Conflict, Denied, Invalid
from crm_admin.models.attachments import Attachment
from crm_admin.models.audit import AuditEntry
from crm_admin.models.customers import Customer
from crm_admin.models.expenses import Expense
from crm_admin.services import attachments, expenses, records
from tests.make import make

PDF = b"%PDF-1.7\n" + "合同".encode() * 1000


@pytest.fixture
def customer(app, people):
    return make(Customer, name="Acme", account_manager_id=people.ana.id)


@pytest.fixture
def keep(tmp_path):
    def keep(record, actor, name="合同.pdf", content=PDF, limit=1_000_000):
        stream = io.BytesIO(content)
        return attachments.store(record, name, stream, actor, instance=tmp_path, limit=limit)

    return keep


def files(folder):
    return [p for p in (folder / "attachments").rglob("*") if p.is_file()]


def rows():
    return db.session.scalar(select(func.count()).select_from(Attachment))


def test_a_file_comes_back_as_it_was(customer, people, keep, tmp_path):
    kept = keep(customer, people.ana)
    row, path = attachments.open_file(kept.id, people.ana, instance=tmp_path)
    assert path.read_bytes() == PDF
    assert (row.name, row.size, row.media_type) == ("合同.pdf", len(PDF), "application/pdf")
    assert [file.id for file in attachments.listed(customer, people.ana)] == [kept.id]
    assert [file.by for file in attachments.listed(customer, people.ana)] == ["Ana"]


def test_its_name_on_the_disk_is_random_and_only_its_owner_reads_it(
    customer, people, keep, tmp_path
):
    for _ in range(2):
        keep(customer, people.ana, "../../../合同.pdf")
    paths = files(tmp_path)
    assert len({p.name for p in paths}) == 2
    for path in paths:
        assert attachments.STORED_AS.fullmatch(f"{path.parent.name}/{path.name}")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_adding_and_deleting_stand_in_the_history_with_who_did_it(customer, people, keep):
    kept = keep(customer, people.ana)
    with records.transaction("tests"):
        assert attachments.delete(kept.id, people.ana)
    statement = select(AuditEntry.action, AuditEntry.actor_id).where(
        AuditEntry.entity == "attachments"
    )
    assert [tuple(e) for e in db.session.execute(statement.order_by(AuditEntry.id))] == [
        ("created", people.ana.id),
        ("deleted", people.ana.id),
    ]


@pytest.mark.parametrize(
    ("who", "opens", "changes"),
    [
        ("ana", True, True),  # her own customer
        ("ben", True, True),  # her supervisor
        ("cho", False, False),  # sells elsewhere
        ("dev", True, True),  # administers
        ("fay", True, False),  # audits
    ],
)
def test_who_reaches_the_record_reaches_its_files(
    customer, people, keep, tmp_path, who, opens, changes
):
    kept, actor = keep(customer, people.ana).id, getattr(people, who)
    assert (attachments.open_file(kept, actor, instance=tmp_path) is not None) is opens
    assert bool(attachments.listed(customer, actor)) is opens
    if changes:
        assert keep(customer, actor).id
        with records.transaction("tests"):
            assert attachments.delete(kept, actor)
        return
    with pytest.raises(Denied if opens else Conflict):
        keep(customer, actor)
    with records.transaction("tests"):
        if opens:
            with pytest.raises(Denied):
                attachments.delete(kept, actor)
        else:
            assert not attachments.delete(kept, actor)
    assert len(files(tmp_path)) == rows() == 1


def test_a_deleted_file_or_record_is_not_opened(customer, people, keep, tmp_path):
    first, second = keep(customer, people.ana).id, keep(customer, people.ana).id
    with records.transaction("tests"):
        attachments.delete(first, people.ana)
    assert attachments.open_file(first, people.ana, instance=tmp_path) is None
    with records.transaction("tests"):
        records.delete(customer, people.ana)
    assert attachments.open_file(second, people.ana, instance=tmp_path) is None
    assert attachments.listed(customer, people.ana) == []


@pytest.mark.parametrize("id", [0, -1, 2**40, "1 or 1", None])
def test_an_id_that_is_none_opens_nothing(customer, people, tmp_path, id):
    assert attachments.open_file(id, people.dev, instance=tmp_path) is None


@pytest.mark.parametrize(("size", "fits"), [(999, True), (1000, True), (1001, False)])
def test_a_file_may_be_as_large_as_the_limit_and_no_larger(
    customer, people, keep, tmp_path, size, fits
):
    if fits:
        assert keep(customer, people.ana, "a.txt", b"x" * size, limit=1000).size == size
    else:
        with pytest.raises(Invalid, match="larger than"):
            keep(customer, people.ana, "a.txt", b"x" * size, limit=1000)
    assert len(files(tmp_path)) == rows() == int(fits)


def test_an_endless_stream_is_not_read_on(customer, people, tmp_path):
    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size=-1):
            self.read_so_far += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(Invalid):
        attachments.store(
            customer, "a.txt", stream, people.ana, instance=tmp_path, limit=10_000_000
        )
    assert stream.read_so_far <= 10_000_001
    assert files(tmp_path) == []


def test_a_connection_that_breaks_leaves_neither_row_nor_file(customer, people, tmp_path):
    class Broken(io.RawIOBase):
        parts = [b"x" * 5000, b"x" * 5000]

        def read(self, size=-1):
            if self.parts:
                return self.parts.pop()
            raise ConnectionResetError("cut")

    with pytest.raises(ConnectionResetError):
        attachments.store(customer, "a.txt", Broken(), people.ana, instance=tmp_path, limit=10**6)
    assert files(tmp_path) == []
    assert rows() == 0


def test_a_file_of_the_wrong_kind_leaves_nothing(customer, people, keep, tmp_path):
    for name, content in [("a.png", PDF), ("a.pdf", b"MZ\x90\x00"), ("a.txt", b"")]:
        with pytest.raises(Invalid):
            keep(customer, people.ana, name, content)
    assert files(tmp_path) == []
    assert rows() == 0


def test_a_record_that_goes_while_its_file_arrives_leaves_nothing(customer, people, tmp_path):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            if not self.closed and self.tell() == 0:
                db.session.rollback()
                with records.transaction("tests"):
                    records.delete(customer, people.system)
            return super().read(size)

    with pytest.raises(Conflict):
        attachments.store(customer, "a.pdf", Slow(PDF), people.ana, instance=tmp_path, limit=10**6)
    assert files(tmp_path) == []
    assert rows() == 0


def test_the_same_name_twice_at_once_makes_two_files(app, customer, people, keep, tmp_path):
    ready, failures = threading.Barrier(8), []

    def attach(content):
        with app.app_context():
            record = db.session.get(Customer, customer_id)
            actor = db.session.get(type(people.ana), ana_id)
            ready.wait()
            try:
                keep(record, actor, "same.txt", content)
            except Exception as error:
                failures.append(error)

    customer_id, ana_id = customer.id, people.ana.id
    threads = [threading.Thread(target=attach, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert failures == []
    found = attachments.listed(customer, people.ana)
    rows = [db.session.get(Attachment, file.id) for file in found]
    contents = {attachments.place_of(row, tmp_path).read_bytes() for row in rows}
    assert contents == {b"%d" % n for n in range(8)}


def test_a_row_cannot_point_outside_the_folder(customer, people, keep, tmp_path):
    kept = keep(customer, people.ana)
    (tmp_path / "secret.key").write_text("secret")
    with records.transaction("tests"):
        db.session.get(Attachment, kept.id).stored_as = "../secret.key"
    with pytest.raises(Conflict):
        attachments.open_file(kept.id, people.ana, instance=tmp_path)


def test_a_file_cannot_hang_on_a_file(customer, people, keep):
    with pytest.raises(Conflict):
        keep(keep(customer, people.ana), people.dev)


def test_what_is_missing_damaged_or_stray_is_found(customer, people, keep, tmp_path):
    missing, shorter, changed, whole = (keep(customer, people.ana) for _ in range(4))
    place = {row.id: attachments.place_of(row, tmp_path) for row in (missing, shorter, changed)}
    place[missing.id].unlink()
    place[shorter.id].write_bytes(PDF[:-1])
    place[changed.id].write_bytes(PDF[:-1] + b"x")
    long_ago = whole.created_at.timestamp() - 2 * 86_400
    strays = [tmp_path / "attachments" / "ab" / ("0" * 30), place[missing.id].parent / ("1" * 30)]
    strays.append(tmp_path / "attachments" / ".incoming" / "half")
    for stray in strays:
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"x")
        os.utime(stray, (long_ago, long_ago))
    (tmp_path / "attachments" / "ab" / ("2" * 30)).write_bytes(b"on its way in")
    quick = attachments.inspect(tmp_path)
    assert quick.missing == [missing.id]
    assert quick.damaged == [shorter.id]
    assert sorted(quick.stray) == sorted(strays)
    assert attachments.inspect(tmp_path, contents=True).damaged == [shorter.id, changed.id]


def test_a_record_that_closes_while_its_file_arrives_takes_none(people, tmp_path):
    claim = make(Expense, claimant_id=people.ana.id)

    class Slow(io.BytesIO):
        def read(self, size=-1):
            if self.tell() == 0:
                db.session.rollback()
                with records.transaction("tests"):
                    expenses.submit(claim, people.ana, version=claim.version)
            return super().read(size)

    with pytest.raises(Invalid):
        attachments.store(claim, "a.pdf", Slow(PDF), people.ana, instance=tmp_path, limit=10**6)
    assert files(tmp_path) == []
    assert rows() == 0
