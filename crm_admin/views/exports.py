"""Files made of a list: CSV of any size as it is read, XLSX with real dates and numbers."""

import csv
import io
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from flask import Flask, Response, abort, current_app, flash, redirect, stream_with_context

from crm_admin import clock, i18n
from crm_admin.models.users import User
from crm_admin.services import access, large_exports, listing, masking
from crm_admin.services.listing import Question
from crm_admin.views import columns, lists, requests
from crm_admin.views.columns import Column
from crm_admin.views.words import gettext as _

#: An XLSX of more rows is made in the background: it takes longer than anyone waits.
AT_ONCE = 5_000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What a spreadsheet would take for a formula.
_FORMULA = frozenset("=+-@\t\r＝＋－＠")
_PHONE = frozenset("0123456789 ()+-./")


class Sized(Protocol):
    """A column as the width of a sheet's depends on it."""

    @property
    def is_number(self) -> bool:
        """Whether its values stand to the right."""


def answer(view: Any, kind: str) -> Any:
    """Send what the list shows, all pages of it, as a CSV or XLSX file."""
    if kind not in ("csv", "xlsx"):
        abort(404)
    question = lists.asked(view)
    shown = exported(view)
    keys = [c.key for c in shown]
    if kind == "xlsx" and listing.count(view.model, requests.actor(), question) > AT_ONCE:
        return _later(view, question)
    chunks = listing.stream(view.model, requests.actor(), question, keys)
    language, zone = requests.language(), requests.zone()
    headings = [c.text for c in shown]
    make = _writers(view, requests.actor(), shown, language, zone)
    name = f"{view.model.__tablename__}-{clock.day_in(zone)}.{kind}"
    current_app.logger.info("export of %s as %s", view.model.__tablename__, kind)
    if kind == "csv":
        plain = [csv_writer(c, form) for c, form in zip(shown, make, strict=True)]
        lines = stream_with_context(csv_lines(headings, _valued(chunks, plain)))
        return _named(
            Response(lines, mimetype="text/csv", content_type="text/csv; charset=utf-8"), name
        )
    return _named(
        Response(
            xlsx(headings, _valued(chunks, make), shown, _(view.model.plural)), mimetype=_XLSX
        ),
        name,
    )


def exported(view: Any) -> list[Column]:
    """Return the columns of the entity's files: all that the user may see, the list's first."""
    return [c for c in _every_column(view) if view.shows(c.key)]


def _later(view: Any, question: Question) -> Any:
    """Have a large workbook made in the background and tell who asked where it will be."""
    id = large_exports.ask(requests.actor(), view.model, question, requests.language())
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_make, args=(app, view, id), daemon=True).start()
    flash(
        _(
            "The workbook has more than %(count)s rows and is being made. "
            "A message in your inbox will have the link.",
            count=f"{AT_ONCE:,}",
        ),
        "message",
    )
    return redirect(requests.back(view.path))


def _make(app: Flask, view: Any, id: int) -> None:
    """Make a large workbook in a thread, in the language and with the rights of its asker.

    One that a stopped process left half-made is told of by the nightly clean-up.
    """
    with app.app_context():
        export, asker = large_exports.begun(id)
        if asker is None:
            return
        folder = Path(app.config["INSTANCE"]) / "exports"
        folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{secrets.token_hex(16)}.xlsx"
        try:
            i18n.use_language(export.language)
            rows = _write_later(view, export.query, asker, folder / name)
        except Exception as error:
            app.logger.exception("export %s failed", id)
            large_exports.failed(id, type(error).__name__)
        else:
            large_exports.ready(id, name, rows)


def _write_later(view: Any, query: dict[str, Any], asker: User, file: Path) -> int:
    """Write the workbook that a kept question asks for; return how many rows it has."""
    question = large_exports.question(query)
    varies = access.varying(asker, view.model)
    shown = [
        c
        for c in _every_column(view)
        if c.column_key in varies or access.shown(asker, view.model, c.key)
    ]
    language = i18n.language()
    make = _writers(view, asker, shown, language, question.zone)
    chunks = listing.stream(view.model, asker, question, [c.key for c in shown])
    rows = _valued(chunks, make)
    return write_xlsx(file, [c.text for c in shown], rows, shown, _(view.model.plural))


def _writers(
    view: Any, reader: User, shown: list[Column], language: str, zone: tzinfo
) -> list[columns.Writer | None]:
    """Return how each column's values become what a file holds, as far as its reader may see."""

    varies = access.varying(reader, view.model)

    def writer(column: Column) -> columns.Writer | None:
        form = columns.writer(column, language, zone)
        if column.column_key in varies:
            return lambda v: v.shown(column.kind) if type(v) is masking.Part else _by(form, v)
        if access.masked(reader, view.model, column.key):
            return lambda value: masking.mask(column.kind, value)
        return form

    return [writer(column) for column in shown]


def _by(form: columns.Writer | None, value: Any) -> Any:
    return value if form is None else form(value)


def _every_column(view: Any) -> list[Column]:
    every = {c.key: c for c in (*view.listed, *columns.labelled(view.model))}
    return list(every.values())


def _named(response: Response, name: str) -> Response:
    """Have the browser save the answer under a name."""
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


def _valued(
    chunks: Iterable[Sequence[tuple[Any, ...]]], make: Sequence[columns.Writer | None]
) -> Iterator[list[Any]]:
    """Yield the rows without their ids, each value as a file is to hold it."""
    for chunk in chunks:
        for row in chunk:
            yield [
                value if form is None or value is None else form(value)
                for form, value in zip(make, row[1:], strict=True)
            ]


def csv_writer(column: Column, form: columns.Writer | None) -> columns.Writer | None:
    """Return how a column's values are written as text that no spreadsheet runs."""
    if column.kind in ("number", "money", "date", "percent"):
        return form
    if column.kind == "moment" and form is not None:
        return lambda value: _moment(form(value))
    if form is None:
        return harmless
    return lambda value: harmless(form(value))


def _moment(value: Any) -> str:
    """Return a moment as text; one that is masked is text already."""
    return value if isinstance(value, str) else str(value.isoformat(" ", "seconds"))


def csv_lines(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the file in pieces, with the mark by which Excel knows UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(headings)
    for number, row in enumerate(rows):
        writer.writerow(row)
        if number % 500 == 499:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def table(
    kind: str, name: str, headings: Sequence[str], rows: Sequence[Sequence[Any]], title: str
) -> Response:
    """Send rows that are no list of records as a CSV or XLSX file; texts in them stay texts."""
    if kind == "csv":
        plain = [[harmless(v) if isinstance(v, str) else v for v in row] for row in rows]
        content = "text/csv; charset=utf-8"
        return _named(Response(csv_lines(headings, plain), content_type=content), name)
    number = [any(isinstance(row[n], (int, float)) for row in rows) for n in range(len(headings))]
    return _named(
        Response(xlsx(headings, rows, [Width(n) for n in number], title), mimetype=_XLSX), name
    )


class Width(NamedTuple):
    """A column of a file that is no field of an entity."""

    is_number: bool


def harmless(text: str) -> str:
    """Return the text so that no spreadsheet runs it; phone numbers such as +86 10 stay as is."""
    if type(text) is not str:
        text = str(text)  # such as the rights of a role
    if not text or text[0] not in _FORMULA or (text[0] in "+-" and _PHONE.issuperset(text)):
        return text
    return f"'{text}"


def xlsx(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], shown: Sequence[Sized], title: str
) -> bytes:
    """Return a workbook: texts stay texts, dates and amounts are dates and amounts."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "list.xlsx"
        write_xlsx(file, headings, rows, shown, title)
        return file.read_bytes()


def write_xlsx(
    file: Path,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    shown: Sequence[Sized],
    title: str,
) -> int:
    """Write a workbook row by row, in bounded memory; return how many rows it has."""
    import xlsxwriter  # slow to import, and seldom needed

    count = 0
    with xlsxwriter.Workbook(
        file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet(title[:31])
        formats = {
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            "money": book.add_format({"num_format": "#,##0.00"}),
        }
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(shown):
            sheet.set_column(place, place, 14 if column.is_number else 20)
            sheet.write_string(0, place, headings[place], bold)
        for count, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                _cell(sheet, count, place, value, formats)
    return count


def _cell(sheet: Any, row: int, place: int, value: Any, formats: dict[str, Any]) -> None:
    """Write one value as what it is."""
    writers: dict[type, Callable[[], Any]] = {
        str: lambda: sheet.write_string(row, place, value[:32_767]),
        datetime: lambda: sheet.write_datetime(row, place, value, formats["moment"]),
        date: lambda: sheet.write_datetime(row, place, value, formats["date"]),
        Decimal: lambda: sheet.write_number(row, place, value, formats["money"]),
        int: lambda: sheet.write_number(row, place, value),
        float: lambda: sheet.write_number(row, place, value),
    }
    if value is not None:
        writers.get(type(value), lambda: sheet.write_string(row, place, str(value)))()
