"""Saying an expression in words: labels for names and codes, the language's own words translated.

What comes out is for people to read, not to be read back.
"""

from collections.abc import Callable, Iterator

from crm_admin.errors import Invalid
from crm_admin.i18n import N_
from crm_admin.models.base import Model
from crm_admin.services import picklists
from crm_admin.services.expressions.completing import Completion, completions
from crm_admin.services.expressions.reading import Token, normalised, read

#: The words of the language, longest first, as people say them.
_WORDS = (
    (("is", "not", "empty"), N_("is not empty")),
    (("is", "empty"), N_("is empty")),
    (("not", "in"), N_("is none of")),
    (("in",), N_("is one of")),
    (("and",), N_("and")),
    (("or",), N_("or")),
    (("not",), N_("not")),
    (("true",), N_("Yes")),
    (("false",), N_("No")),
    (("today",), N_("today")),
    (("me",), N_("me")),
    (("my_department",), N_("my department")),
)


def said(model: type[Model], text: str, translate: Callable[[str], str], language: str) -> str:
    """Return a condition on an entity's records as people read it; as it stands if it is none."""
    try:
        tokens = read(text).tokens
    except Invalid:
        return text
    known = {one.name: one for one in completions(model)}
    return normalised(tuple(_worded(list(tokens), known, model, translate, language)))


def _worded(
    tokens: list[Token],
    known: dict[str, Completion],
    model: type[Model],
    translate: Callable[[str], str],
    language: str,
) -> Iterator[Token]:
    """Yield the tokens with words in place of names; a text is a choice of the last field."""
    last: Completion | None = None
    while tokens:
        values = [token.value for token in tokens]
        length = 3 if values[1:2] == ["."] and len(values) > 2 else 1
        name = ".".join([model.form_key(values[0]), *values[2:length]])
        here = tokens[0]
        if here.sort == "name" and name in known:
            last, word = known[name], translate(known[name].label)
            word = f"{translate(last.relation)}: {word}" if last.relation else word
        elif found := next(((w, s) for w, s in _WORDS if values[: len(w)] == [*w]), None):
            # No name: a bracket after it stands apart.
            yield Token("word", translate(found[1]), here.place)
            del tokens[: len(found[0])]
            continue
        elif here.sort == "text":
            length, word = 1, _choice(last, here.value, translate, language)
        else:
            yield tokens.pop(0)
            continue
        yield Token("name", word, here.place)
        del tokens[:length]


def _choice(
    field: Completion | None, code: str, translate: Callable[[str], str], language: str
) -> str:
    """Return what a text stands for beside a field."""
    if field is not None and field.picklist:
        return picklists.label(field.picklist, code, language)
    if label := dict(field.choices if field is not None else ()).get(code):
        return translate(label)
    return f"“{code}”"
