"""The attackers' cast and their records, with values planted that nobody else's page may show."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

from flask import current_app

from crm_admin.database import db
from crm_admin.models.base import Model
from crm_admin.models.roles import Role
from crm_admin.models.sharing import Deputy
from crm_admin.models.users import User
from crm_admin.services import attachments, organisation, records, sharing, zones
from crm_admin.views import columns
from tests.attacks import table
from tests.make import make
from tests.sweeps.cases import FIXED, cases, stem
from tests.sweeps.test_field_rights import FIXED as UNPLANTED
from tests.sweeps.test_field_rights import PLANTED

#: Tables that are written by looking: when somebody was last seen.
TRACES = {"user_sessions", "heartbeats", "sign_in_attempts"}


def hire(people, client_of, views) -> dict[str, object]:
    """Add the attackers to the cast; return {who: their browser}."""
    places = {code: organisation.department(code).id for code in ("north", "south")}
    places["hq"] = people.dev.department_id
    fields = {stem(view): limits(view) for view in views}
    role = make(Role, code="limited", label_en="Limited", grants=table.LIMITED, fields=fields)
    for name in ("gus", "hal", "ivy", "joe", "dan"):
        place, code = table.ACTORS.get(name, ("hq", "administrator"))
        user = make(User, username=name, name=name.title(), department_id=places[place])
        held = [role if code == "limited" else organisation.role(code)] if code else []
        with records.transaction("tests"):
            records.change(user, {"roles": held}, people.system)
        setattr(people, name, user)
    today = zones.today()
    make(Deputy, person_id=people.ana.id, deputy_id=people.ivy.id, occasion="Over",
         from_on=today - timedelta(days=9), until_on=today - timedelta(days=1))  # fmt: skip
    browsers = {who: client_of(getattr(people, who)) for who in (*table.ACTORS, "dan")}
    with records.transaction("tests"):
        records.change(people.dan, {"is_active": False}, people.system)
    return browsers | {"nobody": current_app.test_client()}


def plantable(view) -> dict[str, columns.Column]:
    """Return {field: column} of those that can hold a value found nowhere else."""
    kept = {*view.model.name_keys(), view.model.title, "code", "number", "currency"}
    kept |= UNPLANTED.get(stem(view), set()) | {"time_zone", "credit_code"}
    return {
        c.column_key: c
        for c in columns.labelled(view.model)
        if c.kind in PLANTED and c.column_key not in kept and not c.given and not c.picklist
    }


def limits(view) -> dict[str, str]:
    """Return the fields hidden from Hal, half of them in part only."""
    words = ("hidden", "masked")
    return {key: words[n % 2] for n, key in enumerate(plantable(view))}


def targets(view, people) -> list[SimpleNamespace]:
    """Make the records that are attacked: (id, whose, title, planted texts by field)."""
    entity, number, found = stem(view), 0, []
    kinds = [(case, case.whose) for case in cases(entity, people)]
    if table.shared(entity):
        kinds += [(case, "shared") for case in cases(entity, people) if case.whose == "ana"]
    if entity not in FIXED:
        kinds += [(case, "bin") for case in _more(entity, people)]
    for case, whose in kinds:
        texts = {}
        with records.transaction("tests"):
            for key, column in plantable(view).items():
                number += 1
                value = PLANTED[column.kind](number)
                setattr(case.record, key, value)
                money = column.kind == "money"
                texts[key] = f"{value:,.2f}" if money else str(value).partition("\n")[0]
            if not case.record.append_only:
                records.save(case.record, people.system)
        if whose == "shared":
            with records.transaction("tests"):
                sharing.share(case.record, people.joe.id, people.ana, may_edit=False, until_on=None)
        texts = {key: text for key, text in texts.items() if getattr(case.record, key)}
        found.append(SimpleNamespace(id=case.record.id, whose=whose, title=case.title,
                                     record=case.record, texts=texts))  # fmt: skip
    for one in found:
        if one.whose == "bin":
            with records.transaction("tests"):
                records.delete(one.record, people.system)
    return found


def _more(entity, people):
    """Make another of Ana's, or of everybody's, for the bin."""
    if entity == "users":
        with records.transaction("tests"):  # a user name may be had once
            first = organisation.by_username("quokka")
            first.username = "quokka1"
            records.save(first, people.system)
    return [case for case in cases(entity, people) if case.whose in ("ana", "all")][:1]


def files(found, people) -> None:
    """Give each record a file, known as `file`."""
    for one in found:
        if one.whose == "bin":
            with records.transaction("tests"):
                records.restore(one.record, people.system)
        keep_file(one, people)
        if one.whose == "bin":
            with records.transaction("tests"):
                records.delete(one.record, people.system)


def keep_file(one, people) -> None:
    instance, text = Path(current_app.config["INSTANCE"]), BytesIO(b"kept")
    row = attachments.store(
        one.record, "kept.txt", text, people.system, instance=instance, limit=1000
    )
    one.file = row.id


@cache
def _asked() -> str:
    asked = []
    for one in Model.metadata.sorted_tables:
        if one.name not in TRACES:
            written = "coalesce(sum(version), 0)" if "version" in one.c else "0"
            asked.append(f"(SELECT count(*) * 1000000 + {written} FROM {one.name})")
    return f"SELECT {', '.join(asked)}"


def prints() -> tuple[int, ...]:
    """Return how many rows each table has and how often they were written: one statement."""
    db.session.rollback()
    with db.engine.connect() as connection:
        return tuple(connection.exec_driver_sql(_asked()).one())


def dump() -> dict[str, list[str]]:
    """Return {table: its rows, byte for byte} of all that people may change."""
    db.session.rollback()
    return {
        one.name: sorted(map(repr, db.session.execute(one.select())))
        for one in Model.metadata.sorted_tables
        if one.name not in TRACES
    }


def unseen(who: str, entity: str, found) -> Iterator[tuple[str, str]]:
    """Yield (what, text) of all that no answer to this actor may hold."""
    titles, seen = {one.title for one in found}, set()
    for one in found:
        whose = ("ana" if table.owned(entity) else "all") if one.whose == "bin" else one.whose
        sees = who not in table.OUT and table.may(who, "view", entity, whose)
        looks = who not in table.OUT and table.may(who, "lookup", entity, whose)
        for key, text in one.texts.items():
            if not sees or (who == "hal" and len(text) > 4):
                yield f"{one.whose} {key}", text
        if sees or looks or not table.owned(entity):
            seen.add(one.title)
    yield from (("title", title) for title in titles - seen)
