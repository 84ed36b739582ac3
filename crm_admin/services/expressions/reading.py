"""From a text to its signs, names, numbers and texts, and to the tree that they make."""

import ast
import keyword
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from crm_admin.i18n import N_
from crm_admin.models import reckoning
from crm_admin.services.expressions.faults import Place, fault

LONGEST = 500
#: How many signs and words a text may have, how far they may be nested, and decimals of a number.
MOST_TOKENS, DEEPEST, MOST_DECIMALS = 200, 12, 6

#: What typed signs stand for, where Unicode itself does not say it (full-width letters and signs).
_ALIKE = {"、": ",", "−": "-", "×": "*", "“": '"', "”": '"', "‘": "'", "’": "'"}
_SIGNS = {"≥": ">=", "≧": ">=", "≤": "<=", "≦": "<=", "≠": "!=", "==": "=", "<>": "!="}
#: What opens a text, and what may close it.
_QUOTES = {"'": "'", '"': '"', "＇": "＇", "＂": "＂", "「": "」", "『": "』",
           "“": "“”", "”": "“”", "‘": "‘’", "’": "‘’"}  # fmt: skip
_WORDS = {"and", "or", "not", "in", "is"}
#: Names that stand for the same in every entity, in capitals too.
RESERVED = ("empty", "true", "false", "me", "my_department", "today")
_NUMBER = re.compile(r"\d\w*(?:\.\w+)?")
_NAME = re.compile(r"[^\W\d]\w*")
_NO_DIVISION = N_("There is no division: multiply instead, such as amount > 2 * credit_limit.")
_NO_MAKING = N_("Functions cannot be made here, only those there are can be used.")
_NO_LOOP = N_("Nothing can be repeated here.")
#: What other languages have and this one has not, with what to write instead.
_ABSENT = {
    "**": N_("There are no powers: multiply instead."),
    "/": _NO_DIVISION,
    "//": _NO_DIVISION,
    "÷": _NO_DIVISION,
    "%": N_("There are no percentages: multiply by 0.05 instead."),
    "&": N_("Write “and”."),
    "&&": N_("Write “and”."),
    "|": N_("Write “or”."),
    "||": N_("Write “or”."),
    "!": N_("Write “not”."),
    "=>": N_("Write “>=”."),
    "=<": N_("Write “<=”."),
    "[": N_("Write a list in round brackets."),
    "]": N_("Write a list in round brackets."),
    ":=": N_("Nothing can be kept under a name here; write “=” to compare."),
    "lambda": _NO_MAKING,
    "def": _NO_MAKING,
    "for": _NO_LOOP,
    "while": _NO_LOOP,
    "if": N_("There is no “if”: join conditions with “and”, “or” and “not”."),
    "else": N_("There is no “if”: join conditions with “and”, “or” and “not”."),
    "none": N_("Write “is empty” or “is not empty”."),
    "null": N_("Write “is empty” or “is not empty”."),
}
_TWO = (">=", "<=", "==", "<>", "!=", "=>", "=<", "**", "//", "&&", "||", ":=")
_ONE = "=<>+-*(),."


@dataclass(frozen=True, eq=False)
class Token:
    """A piece of a text: a "name", "number", "text", "word" of the grammar, "sign" or the "end"."""

    sort: str
    value: str
    place: Place

    def __eq__(self, other: object) -> bool:
        """Compare what they are, not where they stand."""
        return isinstance(other, Token) and (self.sort, self.value) == (other.sort, other.value)

    @property
    def operand(self) -> bool:
        """Whether it stands for a value by itself."""
        return self.sort in ("name", "number", "text")

    def is_(self, *values: str) -> bool:
        """Return whether it is one of these words or signs."""
        return self.sort in ("word", "sign") and self.value in values


_EMPTY = Token("name", "empty", (0, 0))


@dataclass(frozen=True)
class Reading:
    """A text that was read: its tokens, and the tree in which each operand is `_<its index>`."""

    text: str
    tokens: tuple[Token, ...]
    tree: ast.expr
    #: Where in the tree's own text each token begins.
    starts: tuple[int, ...]

    def place(self, node: ast.expr) -> Place:
        """Return where a part of the tree begins and ends in the text."""
        first = bisect_right(self.starts, node.col_offset) - 1
        last = bisect_right(self.starts, (node.end_col_offset or 1) - 1) - 1
        return self.tokens[first].place[0], self.tokens[last].place[1]

    def operand(self, name: str) -> Token:
        """Return the operand that a name of the tree stands for."""
        return self.tokens[int(name[1:])]


def read(text: str) -> Reading:
    """Return a text as a tree of what this language has; names are not yet looked up.

    Raises:
        Invalid: it is too long, or has what the language has not.
    """
    if len(text) > LONGEST:
        raise fault(
            text, (LONGEST, LONGEST + 1), N_("Longer than %(most)s characters."), most=LONGEST
        )
    tokens = _tokens(text)
    if not tokens:
        raise fault(text, (0, 0), N_("Nothing is written here."))
    if len(tokens) > MOST_TOKENS:
        place = tokens[MOST_TOKENS].place
        raise fault(text, place, N_("More than %(most)s words and signs."), most=MOST_TOKENS)
    end = Token("end", "", (len(text), len(text)))
    _check_brackets(text, tokens)
    _check_order(text, [Token("sign", "(", (0, 0)), *tokens, end])
    try:
        tree = ast.parse(_source(tokens), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        unread = N_("This cannot be read; use brackets to say what belongs together.")
        raise fault(text, tokens[0].place, unread) from None
    if _depth(tree) > DEEPEST:
        raise fault(text, tokens[0].place, N_("Nested more than %(most)s deep."), most=DEEPEST)
    lengths = (len(_written(at, token)) + 1 for at, token in enumerate(tokens))
    return Reading(text, tuple(tokens), tree, (*accumulate(lengths, initial=0),))


def normalised(tokens: tuple[Token, ...]) -> str:
    """Return the text as it is written plainly: with half-width signs and single gaps."""
    written = ""
    before: Token | None = None
    tight = True  # nothing stands between the last token and the next
    for token in tokens:
        opens_call = token.is_("(") and before is not None and before.sort == "name"
        if not (tight or opens_call or token.is_(")", ",", ".")):
            written += " "
        written += _quoted(token.value) if token.sort == "text" else token.value
        tight = token.is_("(", ".") or (token.is_("-", "+") and not _ends_value(before))
        before = token
    return written


def _quoted(value: str) -> str:
    """Return a text in quotes, as `_text` reads it."""
    if "'" in value and '"' not in value:
        return f'"{value}"'
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _ends_value(token: Token | None) -> bool:
    """Return whether a value may end with this token, so that an operator follows."""
    return token is not None and (token.operand or token.is_(")"))


# From characters to tokens.


def _tokens(text: str) -> list[Token]:
    plain = "".join(map(_plain, text))
    found: list[Token] = []
    at = 0
    while at < len(text):
        if plain[at].isspace():
            at += 1
            continue
        if text[at] in _QUOTES:
            token = _text(text, at)
        elif match := _NUMBER.match(plain, at):
            token = _number(text, match)
        elif match := _NAME.match(plain, at):
            token = _name(text, match)
        else:
            token = _sign(text, plain, at)
        found.append(token)
        at = token.place[1]
    return found


def _plain(letter: str) -> str:
    """Return the half-width sign or letter that a full-width one stands for, or itself."""
    if letter in _ALIKE:
        return _ALIKE[letter]
    alike = unicodedata.normalize("NFKC", letter)
    return alike if len(alike) == 1 and alike.isascii() else letter


def _text(text: str, start: int) -> Token:
    """Read up to the closing quote; a doubled one stands for itself."""
    closing = _QUOTES[text[start]]
    value, at = "", start + 1
    while at < len(text):
        if text[at] in closing:
            if text[at + 1 : at + 2] != text[at]:
                return Token("text", _kept(text, value, (start, at + 1)), (start, at + 1))
            at += 1
        value += text[at]
        at += 1
    raise fault(text, (start, len(text)), N_("This quote is not closed."))


def _kept(text: str, value: str, place: Place) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
        raise fault(text, place, N_("This holds a character that cannot be kept."))
    return value


def _number(text: str, match: re.Match[str]) -> Token:
    value, place = match[0], match.span()
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", value):
        raise fault(text, place, N_("“%(word)s” is not a number such as 1234.5."), word=value)
    whole, _, decimals = value.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    if len(decimals) > MOST_DECIMALS:
        raise fault(text, place, N_("More than %(most)s decimal places."), most=MOST_DECIMALS)
    if int(whole + decimals) >= reckoning.LIMIT:
        raise fault(text, place, N_("This number is too large."))
    return Token("number", f"{whole}.{decimals}" if decimals else whole, place)


def _name(text: str, match: re.Match[str]) -> Token:
    value, place = match[0], match.span()
    small = value.lower()
    if small in _WORDS:
        return Token("word", small, place)
    if small in _ABSENT:
        raise fault(text, place, _ABSENT[small])
    if keyword.iskeyword(small) and small not in RESERVED:
        raise fault(text, place, N_("“%(word)s” is not part of the language."), word=value)
    return Token("name", small if small in RESERVED else value, place)


def _sign(text: str, plain: str, at: int) -> Token:
    for length, known in ((2, _TWO), (1, (*_ONE, *_SIGNS, *_ABSENT))):
        sign = plain[at : at + length]
        if sign in known and len(sign) == length:
            place = (at, at + length)
            if sign in _ABSENT:
                raise fault(text, place, _ABSENT[sign])
            return Token("sign", _SIGNS.get(sign, sign), place)
    word = text[at] if text[at].isprintable() else "?"
    raise fault(text, (at, at + 1), N_("“%(word)s” is not part of the language."), word=word)


# What may follow what.


def _check_brackets(text: str, tokens: list[Token]) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.is_("("):
            opened.append(token)
            if len(opened) > DEEPEST:
                raise fault(text, token.place, N_("Nested more than %(most)s deep."), most=DEEPEST)
        elif token.is_(")") and not opened:
            raise fault(text, token.place, N_("This bracket was never opened."))
        elif token.is_(")"):
            opened.pop()
    if opened:
        raise fault(text, opened[-1].place, N_("This bracket is not closed."))


def _check_order(text: str, tokens: list[Token]) -> None:
    """Refuse what is no sentence, in plainer words than Python's own parser has.

    The tokens stand between an opening bracket and the end, so that each has a neighbour.
    """
    for at in range(1, len(tokens)):
        before, token, after = tokens[at - 1], tokens[at], tokens[min(at + 1, len(tokens) - 1)]
        if token == _EMPTY or before.is_("is"):
            _check_emptiness(text, tokens, at)
        elif token.is_("in") and before.is_("not") and _ends_value(tokens[at - 2]):
            continue
        elif _ends_value(before):
            _check_after_value(text, before, token, after)
        else:
            _check_value(text, before, token, called=at > 1 and tokens[at - 2].sort == "name")


def _check_emptiness(text: str, tokens: list[Token], at: int) -> None:
    """Refuse an “is” without “empty”, and the other way round."""
    before, token = tokens[at - 1], tokens[at]
    if before.is_("is") and token != _EMPTY and not (token.is_("not") and tokens[at + 1] == _EMPTY):
        raise fault(
            text, token.place, N_("After “is” comes “empty” or “not empty”; compare with “=”.")
        )
    follows = before.is_("is") or (before.is_("not") and tokens[at - 2].is_("is"))
    if token == _EMPTY and not follows:
        raise fault(text, token.place, N_("Write “is empty” or “is not empty” after a field."))


def _check_after_value(text: str, before: Token, token: Token, after: Token) -> None:
    """Refuse what cannot follow a value."""
    if token.operand or (token.is_("not") and not after.is_("in")):
        values = {"left": before.value, "right": token.value}
        if before.sort == "name" and token.sort == "text" and before.place[1] == token.place[0]:
            raise fault(
                text,
                before.place,
                N_("Leave out “%(left)s”: a text begins with its quote."),
                **values,
            )
        missing = N_("Something is missing between “%(left)s” and “%(right)s”, such as = or and.")
        raise fault(text, token.place, missing, **values)
    if token.is_("(") and before.sort != "name":
        raise fault(
            text, token.place, N_("Something is missing before this bracket, such as = or and.")
        )
    if token.is_(".") and not (before.sort == after.sort == "name"):
        raise fault(text, token.place, N_("A point stands only between a relation and its field."))


def _check_value(text: str, before: Token, token: Token, *, called: bool) -> None:
    """Refuse what cannot begin a value, after a sign or a word that wants one."""
    if before.is_("in") and not token.is_("("):
        raise fault(text, token.place, N_("After “in” comes a list in round brackets."))
    if token.sort == "end":
        raise fault(text, before.place, N_("Something is missing at the end."))
    if token.is_("not") and not before.is_("(", ",", "and", "or", "not"):
        raise fault(text, token.place, N_("Put what begins with “not” in brackets."))
    if token.operand or token.is_("(", "+", "-", "not"):
        return
    if not (token.is_(")") and before.is_("(") and called):
        raise fault(
            text, token.place, N_("A value is missing before “%(word)s”."), word=token.value
        )


# From tokens to a tree.


def _source(tokens: list[Token]) -> str:
    """Return the tokens as Python has them, each operand as a name that says which it is."""
    return " ".join(_written(at, token) for at, token in enumerate(tokens))


def _written(at: int, token: Token) -> str:
    if token.operand:
        return f"_{at}"
    return "==" if token.is_("=") else token.value


def _depth(node: ast.AST) -> int:
    below = [_depth(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return 1 + max(below, default=0)
