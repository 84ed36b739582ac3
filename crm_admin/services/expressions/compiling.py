"""From a text to an expression that judges a record, and selects the same ones in the database."""

from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement

from crm_admin.models.base import Model
from crm_admin.models.users import User
from crm_admin.services import entity_names, zones
from crm_admin.services.expressions.meaning import Meaning
from crm_admin.services.expressions.reading import normalised, read
from crm_admin.services.expressions.terms import Asked, Asker, Term
from crm_admin.services.role_rights import Person

#: How many texts, and how many conditions of each, are kept ready.
KEPT, CONDITIONS_KEPT = 500, 200


class Expression:
    """A condition on the records of an entity, ready to be asked."""

    def __init__(self, model: type[Model], text: str, term: Term) -> None:
        self.model = model
        #: As it is written plainly: with half-width signs and single gaps.
        self.text = text
        #: The columns of the entity that it reads; for a field of another record, the relation's.
        self.fields = term.fields
        #: The fields of other records that it reads: (entity, field).
        self.steps = term.steps
        #: What it asks beside the record: "me", "my_department", "today", "zone".
        self.uses = term.uses
        self._term, self._judge = term, term.value
        self._conditions: dict[Any, ColumnElement[bool]] = {}

    def __repr__(self) -> str:
        return f"<Expression {self.model.__tablename__}: {self.text}>"

    def holds(self, record: Any, actor: User | Person, today: date) -> bool:
        """Return whether it is true of a record as it stands, saved or not.

        Args:
            today: the company's day.
        """
        answer: bool = self._judge(record, actor, today)
        return answer

    def condition(self, actor: User | Person, today: date) -> ColumnElement[bool]:
        """Return the condition of the records it is true of, over the entity's own table.

        It is true or false, never NULL. For the same person on the same day it is the same object,
        so that statements can be kept by it.
        """
        uses, asker = self._term.uses, Asker(actor.id, actor.department_id)
        key = (
            asker.id if "me" in uses else None,
            asker.department_id if "my_department" in uses else None,
            today if "today" in uses else None,
            zones.here().key if "zone" in uses else None,
        )
        if (found := self._conditions.get(key)) is None:
            if len(self._conditions) >= CONDITIONS_KEPT:
                self._conditions.clear()
            found = self._term.sql(Asked(entity_names.table_of(self.model), asker, today))
            self._conditions[key] = found
        return found


@lru_cache(maxsize=KEPT)
def compiled(model: type[Model], text: str) -> Expression:
    """Return the expression that a text is, for the records of an entity.

    Raises:
        Invalid: it is none; the one problem says what is wrong, where, and what may be meant.
    """
    reading = read(text)
    return Expression(model, normalised(reading.tokens), Meaning(model, reading).whole())
