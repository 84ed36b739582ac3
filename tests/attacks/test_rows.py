"""Attacks on other people's records: by id, list, relation and file, and by what was open before.

The numbers are those of docs/security.md. `test_matrix.py` tries every route; here are the ways
that need more than one.
"""

import io
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import current_app
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import CrmError
from crm_admin.models.attachments import Attachment
from crm_admin.models.customers import Customer
from crm_admin.models.notifications import Notification
from crm_admin.models.sharing import Deputy
from crm_admin.models.transfers import Export, ExportState
from crm_admin.services import (
    access,
    attachments,
    import_fields,
    importing,
    organisation,
    records,
    sharing,
    zones,
)
from crm_admin.views import columns
from tests.make import make
from tests.pages import form_of, words_of
from tests.sweeps.cases import OWNED, VIEWS, cases, stem

ALIASES = import_fields.read_aliases(Path("config/import_aliases.toml"))


@pytest.fixture
def firms(people):
    """A customer of Ana's, one of Cho's, and one in the pool."""
    return SimpleNamespace(
        mine=make(Customer, name="Mine", account_manager_id=people.ana.id),
        theirs=make(Customer, name="Theirs", account_manager_id=people.cho.id),
        pool=make(Customer, name="Pool"),
    )


def now(record):
    model, id = type(record), record.id
    db.session.rollback()
    return db.session.scalar(select(model).where(model.id == id))


def test_a_list_is_edited_in_no_other_way(firms, people, client_of):
    """Attack 3: Flask-Admin's own way of changing a cell of a list is not there for anybody."""
    for who in (people.ana, people.dev, people.fay):
        sent = {"list_form_pk": firms.theirs.id, "name": "Taken", f"name-{firms.theirs.id}": "x"}
        answer = client_of(who).post("/customers/ajax/update/", data=sent)
        assert answer.status_code in (403, 404)
    assert now(firms.theirs).name == "Theirs"


@pytest.mark.parametrize("other", ["theirs", "pool"])
def test_an_action_on_ones_own_and_on_anothers_does_neither(other, firms, people, client_of):
    """Attack 4."""
    client, foreign = client_of(people.ana), getattr(firms, other)
    for ids in ([firms.mine.id, foreign.id], [foreign.id, firms.mine.id], [foreign.id]):
        answer = client.post("/customers/action/", data={"action": "delete", "rowid": ids})
        assert answer.status_code == 404
        assert now(firms.mine).deleted_at is None
        assert now(foreign).deleted_at is None
    sent = {"action": "delete", "rowid": [firms.mine.id]}
    assert client.post("/customers/action/", data=sent).status_code == 302
    assert now(firms.mine).deleted_at is not None


RELATIONS = [
    (view, column)
    for view in VIEWS
    if stem(view) in OWNED
    for column in columns.labelled(view.model)
    if column.target is not None and column.target.__tablename__ in OWNED and not column.given
]


@pytest.mark.parametrize(
    ("view", "column"), RELATIONS, ids=[f"{stem(v)}.{c.key}" for v, c in RELATIONS]
)
def test_nothing_is_tied_to_anothers_record(view, column, people, client_of):
    """Attack 6: the id of a record out of reach, in every field that points at one."""
    entity, client = stem(view), client_of(people.ana)
    record = next(c.record for c in cases(entity, people) if c.whose == "ana")
    target = column.target.__tablename__
    ids = {case.whose: case.record.id for case in cases(target, people)}
    there = f"/{entity}/edit/?id={record.id}"
    form = form_of(client.get(there))
    assert column.key in form
    before = getattr(record, column.column_key)
    for whose in ("cho", "pool", "absent"):
        if whose == "pool" and whose not in ids:
            continue
        form[column.key] = str(ids.get(whose, 999999))
        answer = client.post(there, data=form)
        assert answer.status_code == 200, whose
        assert getattr(now(record), column.column_key) == before
        answer = client.get(f"/{entity}/new/?{column.key}={ids.get(whose, 999999)}")
        assert f"Quokka {whose}" not in answer.text
    form[column.key] = str(ids["ana"])
    if (entity, column.key) not in CLASHING:
        answer = client.post(there, data=form)
        assert answer.status_code == 302, words_of(answer)[-500:]
        assert getattr(now(record), column.column_key) == ids["ana"]


#: Where one's own record fits only together with another field: tests of the entity try those.
CLASHING = {
    ("contracts", "predecessor"), ("interactions", "contact"), ("interactions", "contract"),
    ("expenses", "contract"), ("contracts", "contact"), ("tasks", "contact"),
    ("tasks", "contract"), ("tasks", "interaction"),
}  # fmt: skip


def test_a_file_is_fetched_by_no_other_than_who_may_see_its_record(firms, people, client_of):
    """Attacks 8, 23, 80: by its number, the numbers beside it, a name that leads elsewhere."""
    instance = Path(current_app.config["INSTANCE"])
    kept = [
        attachments.store(one, "a.txt", io.BytesIO(b"secret of theirs"), people.system,
                          instance=instance, limit=1000).id
        for one in (firms.theirs, firms.mine, firms.pool)
    ]  # fmt: skip
    client = client_of(people.ana)
    assert [client.get(f"/attachments/{id}").status_code for id in kept] == [404, 200, 404]
    for id in (kept[2] + 1, 0, -1, "..%2f..%2fcrm.db", "%2e%2e/%2e%2e/crm.db", "1%00"):
        assert client.get(f"/attachments/{id}").status_code == 404
    with records.transaction("tests"):
        records.delete(firms.mine, people.system)
    assert client.get(f"/attachments/{kept[1]}").status_code == 404
    assert client_of(people.dev).get(f"/attachments/{kept[0]}").status_code == 200


def test_a_workbook_made_for_one_is_fetched_by_no_other(people, client_of):
    """Attacks 8, 34: another's export, and one's own after the right to export was taken away."""
    folder = Path(current_app.config["INSTANCE"]) / "exports"
    folder.mkdir(exist_ok=True)
    (folder / "x.xlsx").write_bytes(b"PK")
    with records.transaction("tests"):
        export = Export(user_id=people.cho.id, entity="customers", language="en", query={},
                        state=ExportState.READY, stored_as="x.xlsx")  # fmt: skip
        db.session.add(export)
    id = export.id
    for who, status in ((people.ana, 404), (people.dev, 404), (people.cho, 200)):
        assert client_of(who).get(f"/exports/{id}").status_code == status
    with records.transaction("tests"):
        records.change(people.cho, {"roles": []}, people.system)
    assert client_of(people.cho).get(f"/exports/{id}").status_code == 404


def test_what_was_handed_over_is_gone_with_all_that_was_open(firms, people, client_of):
    """Attack 14: every address of before, the form that is still open, the message in the inbox."""
    client, id = client_of(people.ana), firms.mine.id
    with records.transaction("tests"):
        sharing.share(firms.pool, people.ana.id, people.dev, may_edit=False, until_on=None)
    message = db.session.scalar(
        select(Notification.id).where(Notification.user_id == people.ana.id)
    )
    form = form_of(client.get(f"/customers/edit/?id={id}"))
    ways = [
        f"/customers/details/?id={id}",
        f"/customers/edit/?id={id}",
        f"/customers/sharing/?id={id}",
    ]
    assert {client.get(way).status_code for way in ways} == {200}
    assert client.get(client.get(f"/inbox/open/?id={message}").location).status_code == 200
    with records.transaction("tests"):
        records.change(firms.mine, {"account_manager": people.cho}, people.dev)
        sharing.withdraw(firms.pool, sharing.of(firms.pool)[0].id, people.dev)
    assert {client.get(way).status_code for way in ways} == {404}
    assert client.get(client.get(f"/inbox/open/?id={message}").location).status_code == 404
    assert client.post(f"/customers/edit/?id={id}", data=form).status_code == 404
    for where in ("/customers/", "/customers/export/csv/", "/search/?query=Mine", "/"):
        page = client.get(where, follow_redirects=True).text.partition("<main")[2]
        assert "Mine" not in page.replace("“Mine”", "").replace('value="Mine"', ""), where
    assert client_of(people.cho).get(ways[0]).status_code == 200


def test_another_persons_messages_are_neither_read_nor_marked(firms, people, client_of):
    """Attack 16: whose the messages are follows from the session alone."""
    with records.transaction("tests"):
        sharing.share(firms.theirs, people.ben.id, people.cho, may_edit=False, until_on=None)
    message = db.session.scalar(
        select(Notification.id).where(Notification.user_id == people.ben.id)
    )
    client = client_of(people.ana)
    for asked in ("", f"?user={people.ben.id}", f"?user_id={people.ben.id}&unread=1"):
        assert "Theirs" not in client.get(f"/inbox/{asked}").text
    assert client.get(f"/inbox/open/?id={message}").location == "/inbox/"
    client.post("/inbox/read/", data={"id": message, "user_id": people.ben.id})
    db.session.rollback()
    assert db.session.get(Notification, message).read_at is None
    assert "Theirs" in client_of(people.ben).get("/inbox/").text


def test_a_name_that_somebody_else_has_tells_nothing_else_of_it(people, client_of):
    """Attack 11: a new record like a hidden one is made as if that one were not there."""
    make(Customer, name="Hidden Ltd", phone="13900000002", account_manager_id=people.cho.id)
    client = client_of(people.ana)
    form = form_of(client.get("/customers/new/"))
    form |= {"name": "Hidden Ltd", "phone": "13900000002"}
    answer = client.post("/customers/new/", data=form, follow_redirects=True)
    assert answer.status_code == 200
    assert "Cho" not in answer.text.partition("<main")[2]


def test_a_deputy_reaches_nothing_before_and_after_their_days(firms, people, client_of):
    """Attack 31: and on their days no more than whom they stand in for."""
    client, today = client_of(people.cho), zones.today()
    there = f"/customers/details/?id={firms.mine.id}"
    dates = {"past": (-9, -1, 404), "to come": (1, 9, 404), "now": (0, 0, 200)}
    for start, end, status in dates.values():
        days = {
            "from_on": today + timedelta(days=start),
            "until_on": today + timedelta(days=end),
        }
        people_of = {"person_id": people.ana.id, "deputy_id": people.cho.id}
        deputy = make(Deputy, **people_of, occasion="Away", **days)
        assert client.get(there).status_code == status
        assert client.get(f"/customers/details/?id={firms.pool.id}").status_code == 404
        with records.transaction("tests"):
            records.delete(deputy, people.system)
        assert client.get(there).status_code == 404


def test_a_file_taken_in_for_somebody_reaches_no_further_than_they(firms, people, tmp_path):
    """Attacks 8, 24: an import changes no record and no field that its person may not change."""
    role = organisation.role("sales")
    with records.transaction("tests"):
        grants = {**role.grants, "customers": {"view": "own", "create": "own", "edit": "own",
                                               "import": "own"}}  # fmt: skip
        fields = {"customers": {"phone": "hidden"}}
        records.change(role, {"grants": grants, "fields": fields}, people.system)
    file = tmp_path / "in.csv"
    file.write_text(
        f"number,name,city\n{firms.theirs.number},Taken,X\n{firms.mine.number},Mine,Y\n"
    )
    run(file, people.ana)
    assert (now(firms.theirs).name, now(firms.theirs).city) == ("Theirs", None)
    assert now(firms.mine).city == "Y"
    file.write_text(f"number,name,phone\n{firms.mine.number},Mine,12345\n")
    run(file, people.ana)
    assert now(firms.mine).phone is None


def run(file, actor):
    try:
        importing.run(Customer, file, actor, aliases=ALIASES)
    except CrmError:
        db.session.rollback()  # refused as a whole is refused too


def test_the_files_table_is_reached_by_no_screen(people, client_of):
    """Attack 10: what belongs to a record is reached through it alone."""
    assert access.model_of("attachments") in (None, Attachment)
    assert client_of(people.dev).get("/attachments/").status_code == 404
