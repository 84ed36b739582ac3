"""The one way a record is written: checked, noted in the history and saved together, or not at all.

`changes.py` says what differs, `references.py` what points where, `validation.py` what rules say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, singledispatch
from typing import Any, TypeVar

from sqlalchemy import Select, event, insert, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from crm_admin import clock
from crm_admin.database import READS_ONLY, WRITES, ask, db
from crm_admin.errors import Conflict, Denied, Invalid, Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.audit import AuditEntry
from crm_admin.models.base import Customizable, Model, Record, Searchable
from crm_admin.models.configuration import SentForm
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    changes,
    completeness,
    configuration,
    mending,
    numbers,
    references,
    search,
    validation,
)
from crm_admin.services.changes import CUSTOM

M = TypeVar("M", bound=Model)
R = TypeVar("R", bound=Record)

#: Characters that no keyboard types and no page shows; lines and tabs are kept, NUL is refused.
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: What may be written while one looks as somebody else: the use of the session itself, and its end.
_OF_THE_SESSION = ("session", "view as")
#: Where a transaction notes what it has claimed: {(entity, id, verb, actor)}.
CLAIMED = "crm_claimed"


@contextmanager
def transaction(source: str) -> Iterator[None]:
    """Commit what the block did, or none of it; `source` says in the history by which door it came.

    Everything read before the block is read again inside it, under SQLite's write lock; but not who
    acts, and what else is configuration, as long as its stamp is the same.

    Raises:
        Conflict: another transaction got there first; nothing is written.
        Denied: whoever asks looks as somebody else.
    """
    session = db.session()
    if session.info.get(READS_ONLY) and source not in _OF_THE_SESSION:
        raise Denied(N_("You look at it as somebody else; nothing can be changed."))
    if session.info.get(WRITES) or session.new or session.dirty or session.deleted:
        raise RuntimeError("Open one transaction at the edge, before anything is changed.")
    known = configuration.read_under(session)
    session.rollback()  # ends the reading transaction, which could not become a writing one
    session.info[WRITES], session.info[CLAIMED] = source, set()
    try:
        session.connection(execution_options={WRITES: True})
        configuration.take_back(session, known)
        yield
        session.commit()
    except (StaleDataError, IntegrityError) as error:
        raise Conflict(N_("Someone else has just saved the same; please look again.")) from error
    finally:
        session.rollback()
        session.info.pop(WRITES)
        session.info.pop(CLAIMED)


@event.listens_for(db.session, "after_transaction_end")
def _forget_stamp(session: Session, transaction: Any) -> None:
    """Let the next transaction look at the configuration's stamp anew."""
    if transaction.parent is None:
        session.info.pop("crm_stamp", None)


def alive(model: type[R]) -> Select[R]:
    """Return the statement that selects all records of an entity that are not in the bin."""
    return select(model).where(model.deleted_at.is_(None))


def locked(statement: Select[M], model: type[M]) -> Sequence[M]:
    """Return the records of a select as they are now, locked in one order."""
    in_order = statement.order_by(model.id).with_for_update(of=model)
    return db.session.scalars(in_order.execution_options(populate_existing=True)).all()


@singledispatch
def prepare(record: Record, actor: User) -> None:
    """Do what must also happen before this kind of record is saved.

    A subject adds its own beside its other rules, with `@records.prepare.register`.
    """


@singledispatch
def follow_up(record: Record, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Do what must also happen once this kind of record is written and has its id.

    `changed` is {field: [old, new]} as the history has it. Registered like `prepare`.
    """


def change(
    record: Record, values: Mapping[str, Any], actor: User, *, version: int | None = None
) -> None:
    """Put what a person asked for into the record and save it.

    Forms, imports and bulk edits come through here, so each field's right is asked once. A service
    that changes a record by its own rule sets it and calls `save`.

    Args:
        values: field key -> value; a relation's record under the relation's key, an added field's
            value under `custom_<key>`.
        version: the record's version when the person read it, where they did.

    Raises:
        Invalid: it breaks rules. Conflict: it is no longer what they read. Denied: no right.
    """
    if inspect(record).persistent:
        claim(record, actor, "edit")
        if version is not None and version != record.version:
            raise Conflict(N_("Someone else saved this record while you were editing it."))
    elif not access.allows(actor, "create", type(record)):
        raise Denied(N_("You may not add such a record."))
    locked = record.locked() if inspect(record).persistent else ""
    # What a new record starts with, nobody asked for.
    changes.settle(record)
    before = {} if inspect(record).persistent else changes.of(record)
    fixed = _fixed(record, actor) if inspect(record).persistent else None
    for key, value in values.items():
        _put(record, key, value)
    changes.settle(record)
    changed = changes.of(record)
    if changed and locked:
        raise Invalid([Problem("", locked)])
    if fixed is None:  # a new record: as it is to be
        fixed = _fixed(record, actor)
    for key in changed:
        may = not fixed[key] if key in fixed else access.writable(actor, type(record), key)
        if changed[key] != before.get(key) and not (may and _reaches(record, actor, key)):
            label = access.field_info(type(record), key).get("label", key)
            raise Denied(N_("You may not change %(field)s."), field=Label(label))
    save(record, actor, asked=True)


def _reaches(record: Record, actor: User, key: str) -> bool:
    """Return whether the right that a field needs beside "edit" reaches the record as it is kept.

    Who may assign their own people's records may not assign one that was shared with them.
    """
    verb = access.field_info(type(record), key).get("verb")
    if not verb or not inspect(record).persistent:
        return True
    with db.session.no_autoflush:  # not as it is to be
        return access.may(record, actor, verb)


def _fixed(record: Record, actor: User) -> dict[str, bool]:
    """Return {field: whether the actor may not change it} where that depends on the record."""
    model = type(record)
    varies = access.varying(actor, model)
    return {key: not access.writable(actor, model, key, record) for key in varies}


def save(
    record: Record, actor: User, action: str = "", *, asked: bool = False, reason: str = ""
) -> None:
    """Check the record, write it and note what changed, if anything did.

    Args:
        action: the word for it in the history; by default "created" or "changed".
        reason: why, in the words of who did it; the history keeps it.
        asked: whether a person wants it as it is. Only they are stopped by the rules that block:
            what follows by itself must not fail for a field that nobody is filling in now.

    Raises:
        Invalid: it breaks rules. Denied: it would leave the actor's reach. Nothing is written.
    """
    is_new = not inspect(record).persistent
    if record.append_only and not is_new:
        raise Denied(N_("This can be added, but not changed."))
    changes.settle(record)
    prepare(record, actor)
    if is_new:
        numbers.give(type(record), [record])
        if (owner := must_own(type(record))) and getattr(record, owner) is None:
            setattr(record, owner, actor.id)
    changes.settle(record)
    record.derive()
    changed = changes.of(record)
    if problems := _problems(record, changed, actor if asked else None):
        raise Invalid(problems)
    if changed or is_new:
        _write(record, actor, changed, action or ("created" if is_new else "changed"), reason)
        verb = "create" if is_new else "edit"
        if not action and not access.may(record, actor, verb):
            raise Denied(N_("You may not move this record out of your own reach."))


def must_own(model: type[Record]) -> str:
    """Return the column that must say whose a new record is: by default the actor's.

    "" where its records belong to nobody, or may.
    """
    key = model.owners[0] if model.owners else ""
    return key if key and not inspect(model).columns[key].nullable else ""


def create_once(
    record: Record, values: Mapping[str, Any], actor: User, key: str
) -> tuple[int, bool]:
    """Make the record that a form asks for, unless the same form has made one.

    Return its id, and whether it was made now.
    """
    sent = select(SentForm).where(SentForm.key == key, SentForm.user_id == actor.id)
    if key and (before := db.session.scalar(sent)):
        return before.record_id, False
    change(record, values, actor)
    if key:
        entity = record.__tablename__
        form = {"key": key, "user_id": actor.id, "entity": entity, "record_id": record.id}
        ask(insert(access.table_of(SentForm)), form)
    return record.id, True


def delete(record: Record, actor: User) -> None:
    """Move the record to the recycle bin.

    Raises:
        Invalid: living records still point at it.
    """
    claim(record, actor, "delete")
    if record.append_only:
        raise Denied(N_("This can be added, but not deleted."))
    if reason := record.locked():
        raise Invalid([Problem("", reason)])
    if problems := [*references.uses(record)]:
        raise Invalid(problems)
    record.deleted_at = clock.now()
    _write(record, actor, {}, "deleted")


def restore(record: Record, actor: User) -> None:
    """Take the record back out of the recycle bin.

    Raises:
        Invalid: what it points at is in the bin, or its place was taken meanwhile.
    """
    claim(record, actor, "restore", binned=True)
    if problems := [*references.taken(record), *references.dangling(record)]:
        raise Invalid(problems)
    record.deleted_at = None
    _write(record, actor, {}, "restored")


def claim(record: Record, actor: User, verb: str, *, binned: bool = False) -> None:
    """Read the record again, locked until the transaction ends, as far as the actor may.

    PostgreSQL locks the row; SQLite has locked the database already. What this transaction has
    claimed stays claimed.

    Raises:
        Conflict: it is gone, or out of the actor's reach.
    """
    [id] = inspect(record).identity or [None]
    if (type(record), id, verb, actor.id) in db.session.info[CLAIMED] and not binned:
        return
    if claimed(type(record), id, actor, verb, binned=binned) is None:
        raise Conflict(N_("This record is no longer there."))


def claimed(
    model: type[R], id: Any, actor: User, verb: str, *, binned: bool = False, whole: bool = False
) -> R | None:
    """Read a record that is about to be changed and lock it, or return None; as `access.find` does.

    A change that begins with it in one transaction reads the record once.
    """
    if (key := access.key_of(id)) is None:
        return None
    statement = _claimed(model, binned, whole)
    if (theirs := access.limit(model, actor, verb)) is not None:
        statement = statement.where(theirs)
    found: R | None = db.session.scalar(statement, {"key": key})
    if found is not None and not binned:
        db.session.info[CLAIMED].add((model, key, verb, actor.id))
    return found


@cache
def _claimed(model: type[Record], binned: bool, whole: bool) -> Select[Any]:
    """Return the select that reads the record with `key` again and locks it, made once."""
    fresh = access.by_key(model, binned=binned, whole=whole).with_for_update(of=model)
    return fresh.execution_options(populate_existing=True)


def _problems(
    record: Record, changed: Mapping[str, list[Any]], asker: User | None
) -> list[Problem]:
    """Return all that is wrong with the record: itself, its fields, its rules, its references.

    The rules that block are asked where somebody asks for the record as it is.
    """
    found = [*record.problems(), *validation.field_problems(record, changed)]
    found += [*validation.blocking(record, asker)]
    if not found:
        found += [*references.taken(record, changed), *references.dangling(record, changed)]
    return found


def _write(
    record: Record, actor: User, changed: dict[str, list[Any]], action: str, reason: str = ""
) -> None:
    """Stamp the record, write it, add its entry to the history and do what follows from it."""
    if not inspect(record).persistent:
        record.created_by_id = actor.id
    if isinstance(record, Searchable):
        record.search_text = search.text_of(record)
    broken = completeness.rate(record)
    record.updated_at, record.updated_by_id = clock.now(), actor.id
    db.session.add(record)
    db.session.flush()  # gives a new record its id, which the history needs
    why = {changes.REASON: [None, reason]} if reason else {}
    note(record, actor, action, changed | why)
    completeness.note(record, broken, actor, is_new=record.version == 1)
    if configuration.changed(record):
        configuration.touch()
    follow_up(record, changed, actor)
    mending.after(record, action, actor)
    if record.follows and (record.follows in changed or action in ("deleted", "restored")):
        parents = {getattr(record, record.follows), changed.get(record.follows, [None])[0]}
        completeness.rate_parent(record, parents, actor)
    db.session.flush()  # what follows must be there for whoever asks next in this transaction


def note(record: Record, actor: User, action: str, changed: Mapping[str, Any]) -> None:
    """Add one entry to the record's history."""
    entry = {
        "actor_id": actor.id,
        "entity": record.__tablename__,
        "record_id": record.id,
        "action": action,
        "source": db.session.info[WRITES],
        "version": record.version,
        "changes": dict(changed),
    }
    ask(_NOTED, entry)


#: An entry is no record that others work with: it goes straight into its table.
_NOTED = insert(access.table_of(AuditEntry))


def _put(record: Record, key: str, value: Any) -> None:
    """Set one field from what a form, a file or a command holds."""
    mapper = inspect(type(record))
    if key.startswith(CUSTOM):
        if not isinstance(record, Customizable):
            raise Denied(N_("There is no field %(field)s."), field=key)
        added = key.removeprefix(CUSTOM)
        rest = {k: v for k, v in (record.custom or {}).items() if k != added}
        record.custom = rest if value in (None, "") else rest | {added: value}
    elif key in mapper.relationships:
        if not _points_at(record, key, value):
            setattr(record, key, value)
    elif key in mapper.column_attrs and mapper.columns[key].info.get("label"):
        kind = getattr(mapper.columns[key].type, "enum_class", None)
        if isinstance(value, str):
            value = _CONTROL.sub("", value).strip() or None
        value = kind(value) if kind and value is not None else value
        # What is set, even to what it was, is compared several times before it is written.
        if not inspect(record).persistent or getattr(record, key) != value:
            setattr(record, key, value)
    else:
        raise Denied(N_("There is no field %(field)s."), field=key)


def _points_at(record: Record, key: str, target: Any) -> bool:
    """Return whether a relation has this target already: setting it again reads the old one."""
    if isinstance(target, list):
        return False
    kept = getattr(record, record.column_key(key))
    if target is None:
        return kept is None
    [id] = inspect(target).identity or [None]  # its key, without reading it again
    return id is not None and bool(kept == id)
