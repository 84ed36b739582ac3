"""Rows and facts of pages, put together at once: a template takes ten times as long for each."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

#: Parts texts while they are escaped together; nobody can type it.
_GAP = "\x04"


def escaped(texts: Sequence[str | Markup]) -> list[str]:
    """Return all texts escaped; together, since each call costs more than what it escapes."""
    plain = [text for text in texts if type(text) is str]
    together = str(escape(_GAP.join(plain))).split(_GAP) if plain else []
    if len(together) != len(plain):  # one of them holds what nobody can type
        together = [str(escape(text)) for text in plain]
    following = iter(together)
    return [
        next(following) if type(t) is str else t if type(t) is Markup else str(escape(t))
        for t in texts
    ]


def facts(items: Sequence[Mapping[str, Any]], not_filled_in: str) -> Markup:
    """Return the fields of a record's page, each with its label, and those that rules miss.

    Args:
        items: each with `label`, `value` and `missing`.
        not_filled_in: what stands where something is missing.
    """
    shown = escaped([not_filled_in if i["missing"] else i["value"] or "—" for i in items])
    parts = [
        f"{_fact(item['label'], bool(item['missing']))}{text}</dd></div>"
        for item, text in zip(items, shown, strict=True)
    ]
    return Markup("".join(parts))  # noqa: S704  (every value in them was escaped)


@lru_cache(maxsize=2_000)
def _fact(label: str, missing: bool) -> str:
    """Return how a fact begins."""
    kind = "missing" if missing else "pre-line"
    return str(Markup('<div><dt>{}</dt><dd class="{}">').format(label, kind))


def linked_rows(headings: Sequence[str], lines: Sequence[tuple[str, Sequence[Any]]]) -> Markup:
    """Return the rows of a small table; each of `lines` is the address it leads to, and its cells.

    An empty address leads nowhere.
    """
    shown = escaped([text for url, cells in lines for text in (url, *(c or "—" for c in cells))])
    texts = iter(shown)
    openings = [_cell(heading) for heading in headings[1:]]
    return Markup("".join(_line(texts, openings) for _ in lines))  # noqa: S704  (escaped)


def _line(texts: Iterator[str], openings: list[str]) -> str:
    url, title = next(texts), next(texts)
    title = f'<a href="{url}">{title}</a>' if url else title
    cells = "".join(f"{opening}{next(texts)}</td>" for opening in openings)
    return f'<tr><td class="title">{title}</td>{cells}</tr>'


@lru_cache(maxsize=2_000)
def _cell(heading: str) -> str:
    """Return how a cell under this heading begins."""
    return str(Markup('<td data-label="{}">').format(heading))
