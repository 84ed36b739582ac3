"""One row into its record: found or made, and written where it says something new."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from crm_admin.database import db
from crm_admin.errors import Conflict, CrmError, Denied, Invalid, Label
from crm_admin.i18n import N_
from crm_admin.models.base import Customizable, Record
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import access, import_fields, numbers, organisation, records
from crm_admin.services.changes import CUSTOM
from crm_admin.services.import_fields import CONTACT, NUMBER
from crm_admin.services.import_matching import Unmatched
from crm_admin.services.import_people import username_for
from crm_admin.services.import_rows import BadRow, Reader, Reason, Row

Outcome = Literal["created", "updated", "unchanged"]


@dataclass
class Writer:
    """Writes rows within the open transaction, each by `records.change`."""

    reader: Reader
    actor: User
    records: dict[int, Record] = field(default_factory=dict)
    contacts: dict[int, list[Contact]] = field(default_factory=dict)  #: by customer
    #: {(entity, record): the line that wrote it}; a later line may add to it, not change it.
    written: dict[tuple[str, int], int] = field(default_factory=dict)
    _fresh: list[Record] = field(default_factory=list)
    _numbers: list[str] = field(default_factory=list)  #: those not given yet, the last one first

    def __post_init__(self) -> None:
        self.model = self.reader.model
        self.keys = self.reader.keys
        fields = {*self.reader.plan.sources, *self.reader.plan.constants}
        self.has_contacts = any(key.startswith(CONTACT) for key in fields)

    def load(self, rows: Iterable[Row]) -> None:
        """Read the records that the rows may change, with a few queries for all."""
        self.records.clear()
        self.contacts.clear()
        ids: set[int] = set()
        unknown = 0
        for row in rows:
            known = {id for key, text in self._asked(row) for id in self.reader.index.by(key, text)}
            ids |= known
            unknown += not known
        if self.model.number_prefix and unknown:
            self._numbers = numbers.take(self.model.__tablename__, unknown)[::-1]
        wanted = sorted(ids)
        for start in range(0, len(wanted), CHUNK):
            some = wanted[start : start + CHUNK]
            mine = access.visible(self.model, self.actor, "edit").where(self.model.id.in_(some))
            self.records |= {record.id: record for record in db.session.scalars(mine)}
            if self.has_contacts:
                theirs = access.visible(Contact, self.actor).where(Contact.customer_id.in_(some))
                for contact in db.session.scalars(theirs.order_by(Contact.id)):
                    self.contacts.setdefault(contact.customer_id, []).append(contact)

    def finish(self) -> None:
        """Give back the numbers that the rows did not need, before anyone else can ask for one."""
        if self._numbers:
            numbers.take(self.model.__tablename__, -len(self._numbers))
            self._numbers = []

    def _asked(self, row: Row) -> Iterable[tuple[str, str]]:
        for text in row.numbers:
            yield from ((key, text) for key in self.keys.numbers)
        if name := row.texts.get(self.keys.name):
            yield self.keys.name, name

    def write(self, row: Row) -> Outcome:
        """Make or change the record that a row means; return what became of it.

        Raises:
            BadRow: it means none, or several, or what it says may not be.
        """
        self._fresh.clear()
        try:
            self.reader.understand(row)
            record = self._record(row)
            outcome: Outcome = "created"
            if record is None:
                record = self._make(row)
            else:
                outcome = self._change(row, record, self._said(row, record))
            if self.has_contacts and row.contact and isinstance(record, Customer):
                done = self._contact(row, record)
                outcome = outcome if done == "unchanged" or outcome == "created" else "updated"
        except CrmError as error:
            raise BadRow(*self._reasons(error)) from error
        except (IntegrityError, StaleDataError) as error:
            said = Conflict(N_("Someone else has just saved the same; please look again."))
            raise BadRow(Reason("", said)) from error
        self._fresh.append(record)
        return outcome

    def settle(self, row: Row) -> None:
        """Remember what the row wrote, now that it stays."""
        for record in self._fresh:
            if self._numbers and getattr(record, "number", "") == self._numbers[-1]:
                self._numbers.pop()
            self.written.setdefault((record.__tablename__, record.id), row.line)
            if isinstance(record, Contact) and self.model is not Contact:
                known = self.contacts.setdefault(record.customer_id, [])
                if record not in known:
                    known.append(record)
            else:
                self.records[record.id] = record
                self.reader.index.note(record)

    def undo(self) -> None:
        """Forget what a bad row wrote: it was taken back."""
        self._fresh.clear()
        if self.reader.places:
            self.reader.places.forget()

    def _reasons(self, error: CrmError) -> list[Reason]:
        if not isinstance(error, Invalid):
            return [Reason("", error)]
        return [
            Reason(self.reader.column(problem.field), Invalid([problem]))
            if problem.field
            else Reason("", Invalid([problem]))
            for problem in error.problems
        ]

    def _record(self, row: Row) -> Record | None:
        """Return the record a row means, or None where it is a new one."""
        index, column, id = self.reader.index, NUMBER, None
        name = row.texts.get(self.keys.name, "")
        try:
            for text in row.numbers:
                column = self._column_of(row, text)
                id = id or index.by_number(text)
            if id is None and name:
                column = self.keys.name
                own, within = "".join(row.numbers[:1]), row.values.get(self.keys.within)
                id = index.by_name(name, own=own, within=within)
        except Unmatched as error:
            raise BadRow(Reason(self.reader.column(column), error)) from error
        if id is not None:
            return self._editable(id, column)
        if self.reader.mapping.update_only:
            said = N_("There is no %(entity)s “%(value)s”.")
            what = Label(self.model.singular.lower())
            missing = Unmatched(said, entity=what, value="".join(row.numbers[:1]) or name)
            raise BadRow(Reason(self.reader.column(column), missing))
        return None

    def _column_of(self, row: Row, number: str) -> str:
        return next(key for key, text in row.texts.items() if text == number)

    def _editable(self, id: int, column: str) -> Record:
        if id not in self.records:
            denied = Denied(N_("You may not change this record."))
            raise BadRow(Reason(self.reader.column(column), denied))
        return self.records[id]

    def _said(self, row: Row, record: Record) -> dict[str, Any]:
        """Return what the row says of a record that is there."""
        values = dict(row.values)
        number = row.texts.get(NUMBER)
        if number and number != getattr(record, "number", number):
            values.setdefault(self.keys.own, number)
        if values.get("external_number", "") == getattr(record, "number", None):
            del values["external_number"]  # the column holds our own numbers
        if isinstance(record, User) and "username" in values:
            del values["username"]  # it was found by it, in whatever letters
        return values

    def _make(self, row: Row) -> Record:
        """Make the record that a row says, with what the mapping file says of new ones."""
        values = self.reader.defaults(row) | row.values
        if number := row.texts.get(NUMBER):
            values.setdefault(self.keys.own, number)
        if self.model is User:
            self._complete_user(row, values)
        record = self.model()
        if self._numbers:
            record.number = self._numbers[-1]  # type: ignore[attr-defined]
        self._ask_rights(record, values)
        records.change(record, values, self.actor)
        return record

    def _complete_user(self, row: Row, values: dict[str, Any]) -> None:
        """Give a new user a user name and a role where the row says none."""
        if not values.get("username") and values.get("name"):
            values["username"] = username_for(values["name"], values.get("email") or "")
        code = self.reader.places.role(row.cells) if self.reader.places else ""
        if code and "roles" not in values:
            role = organisation.role(code)
            if role is None:
                raise Unmatched(N_("There is no role “%(value)s”."), value=code)
            values["roles"] = [role]

    def _change(self, row: Row, record: Record, said: Mapping[str, Any]) -> Outcome:
        """Write what the row says otherwise than the record."""
        values = {key: value for key, value in said.items() if _present(record, key) != value}
        if not values:
            return "unchanged"
        line = self.written.get((record.__tablename__, record.id))
        contradicted = [key for key in values if _present(record, key) not in (None, "", [])]
        if line is not None and contradicted:
            same = N_("Line %(line)s is of the same %(entity)s and says otherwise.")
            error = Unmatched(same, line=line, entity=Label(record.singular.lower()))
            raise BadRow(Reason(self._column(record, contradicted[0]), error))
        self._ask_rights(record, values)
        before = record.version
        records.change(record, values, self.actor)
        return "unchanged" if record.version == before else "updated"

    def _column(self, record: Record, key: str) -> str:
        is_contact = isinstance(record, Contact) and self.model is not Contact
        return self.reader.column(CONTACT + key if is_contact else key)

    def _ask_rights(self, record: Record, values: Mapping[str, Any]) -> None:
        """Refuse the row where the actor may not write one of its columns."""
        model = type(record)
        for key, value in values.items():
            if _present(record, key) != value and not access.writable(self.actor, model, key):
                label = import_fields.fields(model).get(key, key)
                denied = Denied(N_("You may not change %(field)s."), field=Label(label))
                raise BadRow(Reason(self._column(record, key), denied))

    def _contact(self, row: Row, customer: Customer) -> Outcome:
        """Make or change the contact that a customer's row names.

        A customer's first contact becomes its primary one; another name is another contact. Without
        a name the row speaks of the primary contact.
        """
        known = self.contacts.get(customer.id, [])
        primary = next((c for c in known if c.is_primary), known[0] if known else None)
        named = [c for c in known if c.name == row.contact.get("name")]
        if len(named) > 1:
            named = [c for c in named if c is primary] or named[:1]
        contact = next(iter(named), None) if "name" in row.contact else primary
        try:
            if contact is not None:
                outcome = self._change(row, contact, row.contact)
            else:
                contact, outcome = Contact(), "created"
                values = {"customer_id": customer.id, **row.contact, "is_primary": primary is None}
                self._ask_rights(contact, values)
                records.change(contact, values, self.actor)
        except Invalid as error:
            of = [
                Reason(self.reader.column(CONTACT + p.field), Invalid([p])) for p in error.problems
            ]
            raise BadRow(*of) from error
        self._fresh.append(contact)
        return outcome


#: How many records one query reads.
CHUNK = 500


def _present(record: Record, key: str) -> Any:
    """Return what a record has now, as a row would say it."""
    if key.startswith(CUSTOM) and isinstance(record, Customizable):
        return (record.custom or {}).get(key.removeprefix(CUSTOM))
    value = getattr(record, key)
    return sorted(value, key=lambda role: role.id) if isinstance(value, list) else value
