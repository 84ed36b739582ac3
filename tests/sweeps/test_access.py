"""Every screen, tried by everybody, on records of their own, of others and of nobody."""

import io
import re

import pytest
from flask import current_app
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.attachments import Attachment
from crm_admin.services import access, attachments, records, sharing
from tests.conftest import CAST
from tests.pages import form_of, lasting
from tests.sweeps.cases import FIXED, MARK, VIEWS, cases, granted, may, stem

#: Routes of an entity that the tests below try, and those of one entity with what tries them.
TRIED = {
    "index_view", "export", "details_view", "edit_view", "create_view", "ajax_lookup",
    "delete_view", "restore", "action_view", "ajax_update", "sharing", "share", "unshare",
    "bulk_edit", "undo_bulk_edit", "fill_view",
}  # fmt: skip
PARTICULAR = {
    "expenses.step": "edit",  # tests/views/test_expenses.py tries the steps themselves
    "tasks.done": "edit",  # tests/views/test_tasks.py, as the next three
    "tasks.drop": "edit",
    "tasks.reopen": "edit",
    "tasks.quick": "create",
    "interactions.close": "edit",  # tests/views/test_interactions.py, as the next four
    "interactions.correct": "view",
    "interactions.ask_reopening": "edit",
    "interactions.answer_reopening": "reopen",
    "interactions.last_ones": "view",
    "events.answer": "view",  # tests/views/test_events.py
    "events.cancel": "edit",
    "users.set_password": "edit",
    "customers.hand_over": "assign",  # tests/views/test_handovers.py
    "customers.handover": "assign",
    "customers.take_back": "assign",
    "customers.pool": "claim",  # tests/views/test_pool.py
    "customers.take": "claim",
    "customers.release": "view",
    "roles.matrix": "view",
    "roles.save_matrix": "edit",
    "roles.fields_page": "view",
    "roles.save_fields": "edit",
    "roles.copy": "create",
    "roles.compare": "view",
    "rules.preview": "view",  # tests/views/test_rules.py, as the next three
    "rules.breaking": "view",
    "rules.switch": "edit",
    "rules.copy": "create",
    "explain.index": "view",
    "view_as.index": "view_as",  # tests/views/test_view_as.py, as the next
    "view_as.end": "view_as",
    "rights_cases.index": "view",  # tests/views/test_rights_cases.py, as the next two
    "rights_cases.keep": "edit",
    "rights_cases.drop": "edit",
    "cockpit.index": "review",  # tests/views/test_cockpit.py, as the next nine
    "cockpit.entry": "review",
    "cockpit.verdict": "review",
    "cockpit.undo": "review",
    "cockpit.remind": "review",
    "team.index": "review",
    "team.remind": "review",
    "team.send": "review",
    "crm_use.index": "appraise",  # tests/views/test_crm_use.py: one's own, one's people's
    "crm_use.export": "appraise",
}
ELSEWHERE = {
    "static": "files anyone may read",
    "health.healthz": "says only ok",
    "signing_in.sign_in": "tests/views/test_signing_in.py",
    "signing_in.sign_out": "tests/views/test_signing_in.py",
    "second_step.code": "tests/views/test_second_factor.py",
    "second_factor.index": "one's own; tests/views/test_second_factor.py",
    "second_factor.begin": "one's own",
    "second_factor.confirm": "one's own",
    "second_factor.codes": "one's own",
    "second_factor.off": "one's own",
    "account_links.forgot": "tests/views/test_account_links.py",
    "account_links.reset": "tests/views/test_account_links.py",
    "account_links.invitation": "tests/views/test_account_links.py",
    "accounts.index": "below",
    "accounts.invite": "below",
    "accounts.withdraw": "below",
    "accounts.take_away": "tests/views/test_accounts.py",
    "accounts.end_session": "below",
    "accounts.end_sessions": "below",
    "looks.language": "one's own language",
    "looks.look": "one's own look",
    "home.index": "tests/views/test_home.py",
    "profile.index": "one's own",
    "profile.preferences": "one's own",
    "profile.password": "one's own",
    "profile.end_session": "one's own",
    "profile.end_sessions": "one's own",
    "inbox.index": "tests/views/test_home.py",
    "inbox.open": "tests/views/test_home.py",
    "inbox.read": "tests/views/test_home.py",
    "calendar.index": "tests/views/test_calendar.py",
    "calendar.make_feed": "one's own; tests/views/test_calendar_feed.py",
    "calendar.end_feed": "one's own",
    "calendar_feed.read": "tests/views/test_calendar_feed.py",
    "visits.index": "tests/views/test_visits.py",
    "reminders.index": "one's own; tests/views/test_cockpit.py",
    "search.index": "below",
    "recycle_bin.index": "below",
    "completeness.index": "below",
    "completeness_mine.index": "one's own; tests/views/test_incomplete.py",
    "jobs.index": "below",
    "jobs.run": "below",
    "jobs.mail": "below",
    "attachments.download": "below",
    "attachments.upload": "below",
    "attachments.delete": "below",
    "attachments.export": "one's own",
}
#: A text that each form has one of.
TEXTS = ("name", "title_text", "content", "purpose", "notes", "label_en", "message_en", "occasion")
everybody = pytest.mark.parametrize("who", list(CAST))
every_entity = pytest.mark.parametrize("view", VIEWS, ids=stem)


def status(may_see, may_do, done):
    """Return how an attempt must be answered: what is out of sight is not there."""
    return done if may_see and may_do else 403 if may_see else 404


def test_every_route_is_tried_by_everybody(site):
    stems = {stem(view) for view in VIEWS}
    unknown = []
    for rule in site.url_map.iter_rules():
        screen, _, function = rule.endpoint.partition(".")
        known = function in TRIED if screen in stems else rule.endpoint in ELSEWHERE
        if not known and rule.endpoint not in PARTICULAR:
            unknown.append(rule.endpoint)
    assert not unknown, "say here who may use this route, and try it"


def test_every_route_of_a_screen_names_its_right(site):
    from crm_admin.views.base import VERBS

    for screen in VIEWS:
        functions = {
            rule.endpoint.partition(".")[2]
            for rule in site.url_map.iter_rules()
            if rule.endpoint.startswith(f"{stem(screen)}.")
        }
        assert functions - {"action_view"} <= VERBS.keys() | screen.verbs.keys()


@everybody
@every_entity
def test_lists_and_files_hold_what_one_may_see(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    made = cases(entity, people)
    opens, exports = granted(who, "view", entity), granted(who, "export", entity)
    page = client.get(f"/{entity}/")
    assert page.status_code == (200 if opens else 404)
    found = client.get(f"/{entity}/?search={MARK}")
    files = {kind: client.get(f"/{entity}/export/{kind}/") for kind in ("csv", "xlsx")}
    assert {f.status_code for f in files.values()} == {status(opens, exports, 200)}
    for case in made:
        link, sees = f'?id={case.record.id}"', may(who, "view", entity, case.whose)
        assert (link in page.text) is sees
        assert (link in found.text) is (sees and view.is_searchable(view))
        if exports:
            held = may(who, "export", entity, case.whose)
            assert (case.title in files["csv"].text) is held
            assert (case.title in str(_cells(files["xlsx"]))) is held


def _cells(file):
    return CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()


def _bin(record, people):
    if not record.append_only:
        with records.transaction("tests"):
            records.delete(record, people.system)


@everybody
@every_entity
def test_a_record_is_opened_and_changed_by_whom_it_concerns(view, who, people, client_of):
    entity, client, own = stem(view), client_of(getattr(people, who)), client_of(people.dev)
    for case in cases(entity, people):
        id, version = case.record.id, case.record.version
        sees = may(who, "view", entity, case.whose)
        edits = may(who, "edit", entity, case.whose)
        page = client.get(f"/{entity}/details/?id={id}")
        assert page.status_code == (200 if sees else 404)
        if not sees:
            client.get("/inbox/")  # shows what is still to be said
            page = client.get(f"/{entity}/details/?id={id}")
            absent = client.get(f"/{entity}/details/?id=999999")
            assert lasting(page) == lasting(absent), "the answer tells that there is such a record"
        for form in ("edit", "fill"):
            answer = client.get(f"/{entity}/{form}/?id={id}")
            assert answer.status_code == status(sees, edits, 200)
        form = form_of(own.get(f"/{entity}/edit/?id={id}"))
        if edits:
            form = form_of(client.get(f"/{entity}/edit/?id={id}"))
        field = next(f for f in TEXTS if f in form)
        form[field] = f"{MARK} again"
        answer = client.post(f"/{entity}/edit/?id={id}", data=form)
        done = 200 if entity in FIXED else 302
        assert answer.status_code == status(sees, edits, done), answer.text[-600:]
        changed = edits and entity not in FIXED
        assert _now(case.record).version == version + changed


def _now(record):
    """Return a record as it is kept, in the bin or not."""
    model, id = type(record), record.id
    db.session.rollback()
    return db.session.scalar(select(model).where(model.id == id))


@everybody
@every_entity
def test_a_record_is_deleted_and_restored_by_whom_it_concerns(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    for case in cases(entity, people):
        id = case.record.id
        sees = may(who, "view", entity, case.whose)
        deletes = may(who, "delete", entity, case.whose)
        selected = {"action": "delete", "rowid": id}
        many = client.post(f"/{entity}/action/", data=selected)
        if not granted(who, "view", entity):
            assert many.status_code == (404 if view.actions else 403)
        elif not view.actions or not granted(who, "delete", entity):
            assert many.status_code == 403
        else:
            assert many.status_code == status(sees, deletes, 302)
        goes = deletes and entity not in FIXED
        assert bool(_now(case.record).deleted_at) is (goes and bool(view.actions))
        if not _now(case.record).deleted_at:
            answer = client.post(f"/{entity}/delete/", data={"id": id})
            assert answer.status_code == status(sees, deletes, 302)
        assert bool(_now(case.record).deleted_at) is goes
        if entity in FIXED:
            continue
        if not goes:
            _bin(case.record, people)
        assert client.get(f"/{entity}/details/?id={id}").status_code == 404
        restores = granted(who, "view", entity) and granted(who, "restore", entity)
        in_bin = client.get(f"/{entity}/?bin=1")
        named = f'form="restore" name="id" value="{id}"' in in_bin.text
        assert named is bool(restores and may(who, "restore", entity, case.whose))
        answer = client.post(f"/{entity}/restore/", data={"id": id})
        if restores:
            back = may(who, "restore", entity, case.whose)
            assert answer.status_code == (302 if back else 404)
        else:
            assert answer.status_code == (403 if granted(who, "view", entity) else 404)
        assert (_now(case.record).deleted_at is None) is bool(
            restores and may(who, "restore", entity, case.whose)
        )
        if not _now(case.record).deleted_at:
            _bin(case.record, people)


@everybody
@every_entity
def test_a_record_is_shared_and_taken_back_by_whom_it_concerns(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    target = people.cho if who != "cho" else people.ana
    for case in cases(entity, people):
        id = case.record.id
        sees = may(who, "view", entity, case.whose)
        shares = may(who, "share", entity, case.whose)
        offers = shares and sharing.possible(view.model)
        lacks = granted(who, "view", entity) and not granted(who, "share", entity)
        sees = sees or lacks  # whoever has no such right at all is told so, whatever the record
        assert client.get(f"/{entity}/sharing/?id={id}").status_code == status(sees, shares, 200)
        page = client.get(f"/{entity}/details/?id={id}")
        assert (f"/{entity}/sharing/?id={id}" in page.text) is bool(sees and offers)
        answer = client.post(f"/{entity}/share/?id={id}", data={"user": target.id})
        kept = [one for one in sharing.of(case.record) if one.name == target.name]
        could = offers and granted(target.username, "view", entity)
        assert bool(kept) is bool(could)
        assert answer.status_code == status(sees, shares, 302 if could else 200)
        share = kept[0].id if kept else 1
        answer = client.post(f"/{entity}/unshare/", data={"id": id, "share": share})
        assert answer.status_code == status(sees, shares, 302)
        assert not sharing.of(case.record)


@everybody
@every_entity
def test_many_are_changed_by_whom_they_concern(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    made = cases(entity, people)
    sees, edits, many = (granted(who, verb, entity) for verb in ("view", "edit", "bulk_edit"))
    allowed = edits and many and entity not in FIXED
    theirs = {
        case.record.id
        for case in made
        if all(may(who, verb, entity, case.whose) for verb in ("view", "edit", "bulk_edit"))
    }
    ids = " ".join(str(case.record.id) for case in made)
    page = client.post(f"/{entity}/bulk_edit/", data={"ids": ids})
    done = 200 if theirs else 302
    refused = 404 if not sees or (many and entity in FIXED) else 403
    assert page.status_code == (done if allowed else refused)
    if allowed and theirs:
        [kept] = re.findall(r'name="ids" value="([\d ]+)"', page.text)
        assert {int(id) for id in kept.split()} == theirs
    versions = {case.record.id: case.record.version for case in made}
    field = next((f for f in TEXTS if f in _fields(view)), "name")
    sent = {"ids": ids, "field": field, field: f"{MARK} x", "typed": "1", "confirmed": "1"}
    client.post(f"/{entity}/bulk_edit/", data=sent)
    for case in made:
        changed = allowed and case.record.id in theirs
        assert _now(case.record).version == versions[case.record.id] + bool(changed)


@everybody
@every_entity
def test_choices_in_forms_offer_what_one_may_look_up(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    made = cases(entity, people)
    doors = [
        (form, column)
        for form in VIEWS
        for column in _columns(form)
        if column.target is view.model and column.key in _fields(form)
    ]
    for form, column in doors:
        address = f"/{stem(form)}/ajax/lookup/?name={column.key}&query={MARK}&limit=100000"
        answer = client.get(address)
        writes = granted(who, "create", stem(form)) or granted(who, "edit", stem(form))
        asks = column.key in form.filters and granted(who, "view", stem(form))
        assert answer.status_code == (200 if _may_fill(who, form, column, writes) or asks else 404)
        if answer.status_code == 200:
            found = {id for id, _ in answer.json}
            for case in made:
                offered = may(who, "lookup", entity, case.whose)
                assert (case.record.id in found) is offered, address
            assert len(found) <= 50


def _may_fill(who, form, column, writes):
    verb = access.field_info(form.model, column.column_key).get("verb")
    return bool(writes and (not verb or granted(who, verb, stem(form))))


def _columns(view):
    from crm_admin.views import columns

    return columns.labelled(view.model)


def _fields(view):
    return {view.model.form_key(key) for _, keys in view.sections for key in keys}


@everybody
@every_entity
def test_files_of_a_record_follow_it(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    for case in cases(entity, people):
        id = case.record.id
        row = attachments.store(
            case.record,
            "kept.txt",
            io.BytesIO(b"kept"),
            people.system,
            instance=_instance(),
            limit=1000,
        ).id
        sees = may(who, "view", entity, case.whose)
        edits = may(who, "edit", entity, case.whose)
        assert client.get(f"/attachments/{row}", buffered=True).status_code == (
            200 if sees else 404
        )
        sent = {"file": (io.BytesIO(b"new"), "new.txt")}
        answer = client.post(f"/attachments/{entity}/{id}", data=sent)
        assert answer.status_code == status(sees, edits, 302)
        kept = select(Attachment.name).where(
            Attachment.entity == entity, Attachment.record_id == id, Attachment.deleted_at.is_(None)
        )
        expected = {"kept.txt"} | ({"new.txt"} if edits else set())
        assert set(db.session.scalars(kept)) == expected
        deletes = edits and granted(who, "delete", "attachments")
        answer = client.post(f"/attachments/{row}/delete")
        assert answer.status_code == status(sees, deletes, 302)


def _instance():
    return attachments.Path(current_app.config["INSTANCE"])


@everybody
@pytest.mark.parametrize("entity", ["customers", "contacts", "contracts"])
def test_the_search_finds_what_one_may_see(entity, who, people, client_of):
    client = client_of(getattr(people, who))
    made = cases(entity, people)
    seen = [case for case in made if may(who, "view", entity, case.whose)]
    answer = client.get(f"/search/?query={MARK}")
    if len(seen) == 1:
        assert answer.location == f"/{entity}/details/?id={seen[0].record.id}"
    else:
        found = set(re.findall(rf"/{entity}/details/\?id=(\d+)", answer.text))
        assert found == {str(case.record.id) for case in seen}


@everybody
@every_entity
def test_the_recycle_bin_holds_what_one_may_restore(view, who, people, client_of):
    entity, client = stem(view), client_of(getattr(people, who))
    for case in cases(entity, people):
        if entity in FIXED:
            continue
        _bin(case.record, people)
        page = client.get("/recycle-bin/")
        restores = may(who, "restore", entity, case.whose)
        assert (f"/{entity}/restore/" in page.text) is restores
        with records.transaction("tests"):
            records.restore(case.record, people.system)


@everybody
@pytest.mark.parametrize("entity", ["customers", "contacts", "contracts", "interactions"])
def test_the_completeness_page_names_what_one_may_see(entity, who, people, client_of):
    client = client_of(getattr(people, who))
    made = cases(entity, people)
    page = client.get(f"/completeness/?entity={entity}")
    if granted(who, "view", entity) == "own":
        assert page.status_code == 404, "who sees only their own supervises nobody"
        return
    found = set(re.findall(rf"/{entity}/details/\?id=(\d+)", page.text))
    sees = {str(c.record.id) for c in made if may(who, "view", entity, c.whose)}
    assert found == sees


@everybody
def test_jobs_are_for_administrators(who, people, client_of):
    client = client_of(getattr(people, who))
    allowed = bool(granted(who, "run", "job_runs"))
    assert client.get("/jobs/").status_code == (200 if allowed else 404)
    for address in ("/jobs/run/?name=clean_up", "/jobs/mail/"):
        assert client.post(address).status_code == (302 if allowed else 404)


@everybody
def test_rights_of_roles_are_seen_and_given_by_administrators(who, people, client_of):
    from crm_admin.services import organisation

    client, role = client_of(getattr(people, who)), organisation.role("sales")
    id, before = role.id, dict(role.grants)
    sees, edits = granted(who, "view", "roles"), granted(who, "edit", "roles")
    assert client.get(f"/roles/matrix/?id={id}").status_code == (200 if sees else 404)
    answer = client.post(f"/roles/matrix/save/?id={id}", data={"*.view": "all"})
    assert answer.status_code == status(sees, edits, 302)
    assert (_now(role).grants == before) is not bool(edits)
    there = f"?id={id}&entity=customers"
    assert client.get(f"/roles/fields/{there}").status_code == (200 if sees else 404)
    answer = client.post(f"/roles/fields/save/{there}", data={"phone": "hidden"})
    assert answer.status_code == status(sees, edits, 302)
    assert bool(_now(role).fields) is bool(edits)
    assert client.get(f"/roles/compare/?id={id}").status_code == (200 if sees else 404)
    adds = granted(who, "create", "roles")
    answer = client.post("/roles/copy/", data={"id": id})
    assert answer.status_code == status(sees, adds, 302)
    assert (organisation.role("sales_2") is not None) is bool(adds)


@everybody
def test_passwords_of_others_are_given_by_administrators(who, people, client_of):
    client, before = client_of(getattr(people, who)), people.cho.password_hash
    answer = client.post("/users/set_password/", data={"id": people.cho.id})
    sees, edits = granted(who, "view", "users"), granted(who, "edit", "users")
    assert answer.status_code == status(sees, edits, 302)
    assert (_now(people.cho).password_hash == before) is not bool(edits)


@everybody
def test_accounts_are_looked_after_by_who_edits_users(who, people, client_of):
    client, id = client_of(getattr(people, who)), people.cho.id
    sees, edits = granted(who, "view", "users"), granted(who, "edit", "users")
    assert client.get(f"/accounts/?user={id}").status_code == status(sees, edits, 200)
    for address in ("invite/", "withdraw/", "take-away/"):
        answer = client.post(f"/accounts/{address}", data={"id": id})
        assert answer.status_code == status(sees, edits, 302)
    for address in (f"end/?user={id}&id=1", f"end-all/?user={id}"):
        answer = client.post(f"/accounts/sessions/{address}")
        assert answer.status_code == status(sees, edits, 302)


@every_entity
def test_what_nobody_declared_is_refused_to_administrators_too(view, people, client_of):
    client = client_of(people.dev)
    assert client.post(f"/{stem(view)}/ajax/update/").status_code in (403, 404)
    assert client.post(f"/{stem(view)}/action/", data={"action": "drop"}).status_code == 403
