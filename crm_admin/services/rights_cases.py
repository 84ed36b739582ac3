"""Cases that must stay so: asked anew whenever a role is changed, before the change is kept."""

from dataclasses import dataclass

from sqlalchemy import delete, select

from crm_admin.database import db
from crm_admin.errors import Denied, Invalid, Label, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.rights_cases import RightsCase
from crm_admin.models.roles import Role
from crm_admin.models.users import User
from crm_admin.services import access, field_rights, labels, records

#: The answers: to a right, and to a field that is as its record; else one of `access.LIMITS`.
YES, NO, OPEN = "yes", "no", "open"
#: Rights that are about no one record.
_GENERAL = ("create", "import")


@dataclass(frozen=True)
class Asked:
    """A case with its answer now, "" where it can no longer be asked: somebody or it is gone."""

    id: int
    user: User
    model: type[Record]
    record: Record | None
    verb: str
    field_key: str
    expected: str
    now: str

    @property
    def fails(self) -> bool:
        """Whether the answer is no longer the expected one."""
        return bool(self.now) and self.now != self.expected

    @property
    def what(self) -> Label:
        """What the case asks for: a right, or a field."""
        if self.verb:
            return Label(labels.VERBS.get(self.verb, self.verb))
        return Label(field_rights.labels_of(self.model).get(self.field_key, self.field_key))


_FAILS = N_(
    "%(person)s, %(entity)s%(record)s, %(what)s: must be “%(expected)s”, would be “%(now)s”."
)


def words_of(case: Asked, answer: str) -> Label:
    """Return an answer to the case in words."""
    if case.field_key:
        return Label(field_rights.WORDS["" if answer == OPEN else answer])
    return Label({YES: N_("Yes"), NO: N_("No")}.get(answer, answer))


def every() -> list[Asked]:
    """Return all cases with their answers now, in the order they were kept."""
    kept = db.session.scalars(select(RightsCase).order_by(RightsCase.id))
    return [asked for case in kept if (asked := _asked(case)) is not None]


def failing() -> list[Asked]:
    """Return the cases whose answer is no longer the expected one."""
    return [case for case in every() if case.fails]


def check(actor: User) -> None:
    """Refuse a change by which cases fail that must not.

    Raises:
        Invalid: some fail; each problem names one, its record as far as the actor sees it.
    """
    if problems := [_problem(case, actor) for case in failing()]:
        raise Invalid(problems)


def _problem(case: Asked, actor: User) -> Problem:
    record = case.record
    seen = record is not None and access.find(type(record), record.id, actor) is not None
    said = {
        "person": case.user.name,
        "entity": Label(case.model.plural),
        "what": case.what,
        "record": f" · {record if seen else f'#{record.id}'}" if record is not None else "",
        "expected": words_of(case, case.expected),
        "now": words_of(case, case.now),
    }
    return Problem("", _FAILS, said)


def keep(
    user: User, model: type[Record], record: Record | None, what: str, actor: User
) -> RightsCase:
    """Keep what is now so of a right or a field as what must stay so. Source: S5

    Args:
        what: a right's name, or `field:` and the name of a field.

    Raises:
        Denied: the actor may not change roles. Invalid: there is no such right or field.
    """
    _check(actor)
    is_field = what.startswith("field:")
    key = what.removeprefix("field:")
    known = field_rights.labels_of(model) if is_field else labels.VERBS
    if key not in known:
        raise Invalid([Problem("", N_("There is no field %(field)s."), {"field": key})])
    case = RightsCase(
        user_id=user.id,
        entity=model.__tablename__,
        record_id=record.id if record is not None and key not in _GENERAL else None,
        verb=None if is_field else key,
        field_key=key if is_field else None,
        expected="",
        by_id=actor.id,
    )
    case.expected = _answer(case, user, model, record)
    db.session.add(case)
    records.note(user, actor, "case kept", {"case": [None, _named(case)]})
    return case


def drop(id: object, actor: User) -> None:
    """Ask a case no more; twice is once.

    Raises:
        Denied: the actor may not change roles.
    """
    _check(actor)
    case = db.session.get(RightsCase, access.key_of(id) or 0)
    if case is not None:
        records.note(case.user, actor, "case dropped", {"case": [_named(case), None]})
        db.session.execute(delete(RightsCase).where(RightsCase.id == case.id))


def _check(actor: User) -> None:
    if not access.allows(actor, "edit", Role):
        raise Denied(N_("You may not change what roles give."))


def _named(case: RightsCase) -> str:
    record = f" #{case.record_id}" if case.record_id else ""
    return f"{case.entity}{record} {case.verb or case.field_key}: {case.expected or '—'}"


def _asked(case: RightsCase) -> Asked | None:
    """Return a case with its answer now, or None where its kind of record is no more."""
    model = access.model_of(case.entity)
    if model is None:
        return None
    record = db.session.get(model, case.record_id) if case.record_id else None
    gone = case.user.deleted_at is not None or bool(case.record_id and _gone(record))
    now = "" if gone else _answer(case, case.user, model, record)
    verb, key = case.verb or "", case.field_key or ""
    return Asked(case.id, case.user, model, record, verb, key, case.expected, now)


def _gone(record: Record | None) -> bool:
    return record is None or record.deleted_at is not None


def _answer(case: RightsCase, user: User, model: type[Record], record: Record | None) -> str:
    """Return what is so now; of a field, one that is as the record is told as such."""
    if case.field_key:
        return access.limit_of(user, model, case.field_key, record) or OPEN
    if case.record_id is None or record is None:
        return YES if access.allows(user, case.verb or "", model) else NO
    return YES if access.find(model, record.id, user, case.verb or "") is not None else NO
