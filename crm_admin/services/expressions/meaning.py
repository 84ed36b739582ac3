"""From a tree to terms: names are looked up, and what does not go together is refused."""

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from crm_admin.errors import Invalid, Label
from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.models.departments import Department
from crm_admin.models.users import User
from crm_admin.services.expressions import comparing, reckoning
from crm_admin.services.expressions.faults import Place, fault
from crm_admin.services.expressions.fields import Field, fields_of, of_related, related
from crm_admin.services.expressions.functions import FUNCTIONS
from crm_admin.services.expressions.likeness import closest
from crm_admin.services.expressions.reading import RESERVED, Reading, Token
from crm_admin.services.expressions.terms import Kind, Term, Value, fixed_sql

_SIGNS: dict[type[ast.AST], str] = {
    ast.Eq: "=",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
}
_ORDERED = (Kind.NUMBER, Kind.DAY)
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")


class Meaning:
    """Finds what a text that was read means for an entity."""

    def __init__(self, model: type[Model], reading: Reading) -> None:
        self.model, self.reading = model, reading
        self.fields = fields_of(model)

    def wrong(self, place: Place, message: str, **values: Any) -> Invalid:
        """Return what is wrong at a place, to be raised."""
        return fault(self.reading.text, place, message, **values)

    def said(self, term: Term) -> str:
        """Return how a term is written."""
        return self.reading.text[slice(*term.place)]

    def whole(self) -> Term:
        """Return the condition that the text is.

        Raises:
            Invalid: it is none.
        """
        return self.truth(self.reading.tree)

    def truth(self, node: ast.expr) -> Term:
        """Return a part that must be a condition."""
        term = self.term(node)
        if term.kind is not Kind.TRUTH:
            message = N_("“%(left)s” is %(kind)s, not a condition such as amount > 1000.")
            raise self.wrong(term.place, message, left=self.said(term), kind=term.kind.label)
        return comparing.holding(term)

    def term(self, node: ast.expr) -> Term:
        """Return what a node of the tree means."""
        return replace(self.meant(node), place=self.reading.place(node))

    def meant(self, node: ast.expr) -> Term:
        """Return what a node of the tree means, by its kind."""
        match node:
            case ast.Name():
                return self.operand(self.reading.operand(node.id))
            case ast.Attribute():
                return self.step(node)
            case ast.Call():
                return self.call(node)
            case ast.BoolOp():
                words = "and" if isinstance(node.op, ast.And) else "or"
                return comparing.together(words, [self.truth(part) for part in node.values])
            case ast.UnaryOp(op=ast.Not()):
                return comparing.opposite(self.truth(node.operand))
            case ast.UnaryOp():
                return self.signed(node)
            case ast.BinOp():
                return self.reckoned(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.Tuple():
                message = N_("A list stands only after “in”; numbers are written without commas.")
                raise self.wrong(self.reading.place(node), message)
        raise self.wrong(self.reading.place(node), N_("This is not part of the language."))

    # Operands.

    def operand(self, token: Token) -> Term:
        """Return what a name, a number or a text stands for."""
        if token.sort == "number":
            return _number(token)
        if token.sort == "text":
            return _fixed(Kind.TEXT, token.place, token.value or None, written=token.value)
        if token.value in RESERVED:
            return _reserved(token)
        return self.found(token, self.fields, self.model)

    def found(self, token: Token, known: dict[str, Field], model: type[Model]) -> Term:
        """Return the field that a name stands for."""
        if token.value in known:
            return replace(known[token.value].term, place=token.place)
        if token.value in FUNCTIONS:
            shown = FUNCTIONS[token.value].shown
            raise self.wrong(token.place, N_("Write %(function)s."), function=shown)
        entity = Label(getattr(model, "plural", model.__tablename__))
        labels = {name: field.label for name, field in known.items()}
        others = [*RESERVED[3:], *FUNCTIONS] if model is self.model else []
        if guess := closest(token.value, [*known, *others], labels):
            message = N_("%(entity)s: no field “%(name)s”. Did you mean “%(guess)s”?")
            raise self.wrong(token.place, message, entity=entity, name=token.value, guess=guess)
        message = N_("%(entity)s: no field “%(name)s”. A text stands in quotes: '%(name)s'.")
        raise self.wrong(token.place, message, entity=entity, name=token.value)

    def step(self, node: ast.Attribute) -> Term:
        """Return the field of a related record."""
        if isinstance(node.value, ast.Attribute):
            message = N_("Only one step leads on to another record.")
            raise self.wrong(self.reading.operand(node.attr).place, message)
        assert isinstance(node.value, ast.Name)
        token = self.reading.operand(node.value.id)
        key = self.model.form_key(token.value)
        relations = related(self.model)
        if key not in relations:
            self.operand(token)  # says better what is wrong with a name there is not
            message = N_("“%(name)s” does not lead on to another record.")
            raise self.wrong(token.place, message, name=token.value)
        last, target = self.reading.operand(node.attr), relations[key]
        self.found(last, fields_of(target), target)
        place = (token.place[0], last.place[1])
        return replace(of_related(self.model, key, last.value), place=place)

    def call(self, node: ast.Call) -> Term:
        """Return what a function makes of its arguments."""
        if not isinstance(node.func, ast.Name):
            place = self.reading.place(node.func)
            name = self.reading.text[slice(*place)]
            raise self.wrong(
                place, N_("“%(name)s” is no function: leave out the brackets."), name=name
            )
        token = self.reading.operand(node.func.id)
        function = FUNCTIONS.get(token.value)
        if function is None:
            name = token.value
            if name in self.fields or name in RESERVED:
                message = N_("“%(name)s” is no function: leave out the brackets.")
                raise self.wrong(token.place, message, name=name)
            if guess := closest(name, [*FUNCTIONS]):
                message = N_("There is no function “%(name)s”. Did you mean “%(guess)s”?")
                raise self.wrong(token.place, message, name=name, guess=guess)
            raise self.wrong(token.place, N_("There is no function “%(name)s”."), name=name)
        given = [self.term(part) for part in node.args]
        if len(given) != len(function.takes):
            raise self.wrong(token.place, N_("Write %(function)s."), function=function.shown)
        fitting = [self.argument(a, kind) for a, kind in zip(given, function.takes, strict=True)]
        return function.make(*fitting)

    def argument(self, term: Term, kind: Kind) -> Term:
        """Return an argument of a function as the kind it takes."""
        if kind is Kind.DAY and term.written is not None and term.kind is Kind.TEXT:
            term = self.day(term)
        if term.kind is not kind:
            values = {"left": self.said(term), "kind": term.kind.label, "wanted": kind.label}
            message = N_("“%(left)s” is %(kind)s; %(wanted)s belongs here.")
            raise self.wrong(term.place, message, **values)
        if term.kind is Kind.TEXT and term.written == "":
            raise self.wrong(term.place, N_("This text is empty."))
        return term

    # Reckoning.

    def signed(self, node: ast.UnaryOp) -> Term:
        """Return a number with a sign before it."""
        term = self.of_kind(self.term(node.operand), Kind.NUMBER)
        return reckoning.negative(term) if isinstance(node.op, ast.USub) else term

    def of_kind(self, term: Term, kind: Kind) -> Term:
        """Return a term, which must be of this kind."""
        if term.kind is not kind:
            message = N_("“%(left)s” is %(kind)s and cannot be reckoned with.")
            raise self.wrong(term.place, message, left=self.said(term), kind=term.kind.label)
        return term

    def reckoned(self, node: ast.BinOp) -> Term:
        """Return a sum, a difference or a product."""
        sign = _SIGNS[type(node.op)]
        left, right = self.term(node.left), self.term(node.right)
        kinds = (left.kind, right.kind)
        if sign != "*" and Kind.DAY in kinds:
            return self.days(sign, left, right)
        left, right = self.of_kind(left, Kind.NUMBER), self.of_kind(right, Kind.NUMBER)
        if sign == "*" and left.scale + right.scale > reckoning.MOST_DECIMALS:
            message = N_("More than %(most)s decimal places.")
            place = (left.place[0], right.place[1])
            raise self.wrong(place, message, most=reckoning.MOST_DECIMALS)
        return reckoning.combined(sign, left, right)

    def days(self, sign: str, left: Term, right: Term) -> Term:
        """Return a day some days away from another, or the days between two."""
        if left.written is not None and left.kind is Kind.TEXT:
            left = self.day(left)
        if right.written is not None and right.kind is Kind.TEXT:
            right = self.day(right)
        if sign == "-" and left.kind is right.kind is Kind.DAY:
            return reckoning.apart(left, right)
        if sign == "+" and right.kind is Kind.DAY:
            left, right = right, left
        message = N_("To a day only a whole number of days is added.")
        if left.kind is not Kind.DAY:
            raise self.wrong(left.place, message)
        if self.of_kind(right, Kind.NUMBER).scale:
            raise self.wrong(right.place, message)
        return reckoning.moved(sign, left, right)

    # Comparing.

    def comparison(self, node: ast.Compare) -> Term:
        """Return a comparison; one that goes on (1 < x < 5) holds where each of its own does."""
        sides = [node.left, *node.comparators]
        signs = [_SIGNS.get(type(sign), "") for sign in node.ops]
        if len(signs) > 1 and not all(sign[:1] in ("<", ">") for sign in signs):
            message = N_("Use brackets to say what is compared with what.")
            raise self.wrong(self.reading.place(node), message)
        if isinstance(node.ops[0], ast.Is | ast.IsNot):
            return self.emptiness(node)
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            return self.among(node)
        terms = [self.term(side) for side in sides]
        made = [
            self.compared(sign, left, right)
            for sign, left, right in zip(signs, terms, terms[1:], strict=False)
        ]
        return made[0] if len(made) == 1 else comparing.together("and", made)

    def emptiness(self, node: ast.Compare) -> Term:
        """Return whether a value is, or is not, empty."""
        term = self.term(node.left)
        if term.condition:
            raise self.wrong(term.place, N_("A condition is never empty."))
        found = comparing.empty(term)
        return comparing.opposite(found) if isinstance(node.ops[0], ast.IsNot) else found

    def among(self, node: ast.Compare) -> Term:
        """Return whether a value is, or is not, one of a list."""
        [items] = node.comparators
        left = self.term(node.left)
        listed = items.elts if isinstance(items, ast.Tuple) else [items]
        pairs = [self.alike("=", left, self.term(item)) for item in listed]
        found = comparing.among(pairs)
        return comparing.opposite(found) if isinstance(node.ops[0], ast.NotIn) else found

    def compared(self, sign: str, left: Term, right: Term) -> Term:
        """Return the comparison of two terms, which must be of one kind."""
        return comparing.compared(sign, *self.alike(sign, left, right))

    def alike(self, sign: str, left: Term, right: Term) -> tuple[Term, Term]:
        """Return two terms as of one kind, as what is compared must be."""
        left, right = self.as_other(left, right), self.as_other(right, left)
        for term in (left, right):
            if term.condition:
                message = N_("Join conditions with “and”, “or” and “not”.")
                raise self.wrong(term.place, message)
            if term.written == "":
                raise self.wrong(term.place, N_("Write “is empty” or “is not empty”."))
        values = {"left": self.said(left), "kind": left.kind.label, "right": self.said(right)}
        if left.kind is not right.kind or (left.of and right.of and left.of is not right.of):
            if left.kind is right.kind:
                message = N_("“%(left)s” and “%(right)s” are never the same thing.")
            else:
                message = N_("“%(left)s” is %(kind)s, but “%(right)s” is %(other)s.")
                values["other"] = right.kind.label
            raise self.wrong(right.place, message, **values)
        if sign not in ("=", "!=") and left.kind not in _ORDERED:
            message = N_("“%(left)s” is %(kind)s: there is no more or less, only = and !=.")
            raise self.wrong(left.place, message, **values)
        return left, right

    def as_other(self, term: Term, other: Term) -> Term:
        """Return what was written as the kind of what it is compared with, where it can be one."""
        if not term.written:
            return term
        if term.kind is Kind.TEXT and other.kind is Kind.DAY:
            return self.day(term)
        if term.kind is Kind.TEXT and other.kind is Kind.STATE:
            return self.state(term, other.of)
        if term.kind is Kind.NUMBER and other.kind is Kind.RECORD and not term.scale:
            return replace(_fixed(Kind.RECORD, term.place, term.low), of=None)
        return term

    def day(self, term: Term) -> Term:
        """Return the day that a text names."""
        match = _DAY.fullmatch(term.written or "")
        try:
            return _fixed(Kind.DAY, term.place, date(*map(int, match.groups() if match else ())))
        except (TypeError, ValueError):
            message = N_("“%(text)s” is not a day such as '2026-01-31'.")
            raise self.wrong(term.place, message, text=term.written) from None

    def state(self, term: Term, choices: Iterable[Any]) -> Term:
        """Return the state that a text names by its value."""
        values = [choice.value for choice in choices]
        if term.written in values:
            return replace(term, kind=Kind.STATE, sql=fixed_sql(Kind.STATE, term.value))
        labels = {choice.value: choice.label for choice in choices}
        if guess := closest(term.written or "", values, labels):
            message = N_("There is no “%(text)s” here. Did you mean “%(guess)s”?")
            raise self.wrong(term.place, message, text=term.written, guess=guess)
        message = N_("There is no “%(text)s” here, only: %(known)s.")
        raise self.wrong(term.place, message, text=term.written, known=", ".join(values))


def _fixed(kind: Kind, place: Place, value: Any, **more: Any) -> Term:
    """Return a term that is the same for everybody and every record."""
    always: Value = lambda record, asker, today: value  # noqa: E731
    return Term(kind, place, always, fixed_sql(kind, always), fixed=True, **more)


def _number(token: Token) -> Term:
    whole, _, decimals = token.value.partition(".")
    value, scale = int(whole + decimals), len(decimals)
    bounds = {"low": value, "high": value, "scale": scale}
    return _fixed(Kind.NUMBER, token.place, value, written=token.value, **bounds)


def _reserved(token: Token) -> Term:
    """Return what a name that is the same in every entity stands for."""
    name, place = token.value, token.place
    if name in ("true", "false"):
        return _fixed(Kind.TRUTH, place, name == "true")
    values: dict[str, tuple[Kind, Value, Any]] = {
        "me": (Kind.RECORD, lambda record, asker, today: asker.id, User),
        "my_department": (
            Kind.RECORD,
            lambda record, asker, today: asker.department_id,
            Department,
        ),
        "today": (Kind.DAY, lambda record, asker, today: today, None),
    }
    kind, value, of = values[name]
    uses = frozenset((name,))
    return Term(kind, place, value, fixed_sql(kind, value), fixed=True, of=of, uses=uses)
