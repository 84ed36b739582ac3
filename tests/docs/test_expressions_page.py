"""The page on conditions shows conditions that hold, and names all that may be written."""

import re
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Invalid
from crm_admin.models.contracts import Contract
from crm_admin.services import access, expressions
from crm_admin.services.expressions import reading
from crm_admin.services.expressions.functions import FUNCTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| (\w+) \| `([^`]+)` \| .+ \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("entity", "text"), EXAMPLES)
def test_an_example_is_written_plainly_and_asked_of_the_database(entity, text, people):
    model = access.model_of(entity)
    expression = expressions.compiled(model, text)
    assert expression.text == text
    asked = expression.condition(people.ana, date(2026, 3, 31))
    assert db.session.scalar(select(func.count()).select_from(model).where(asked)) == 0


def test_every_entity_with_work_of_its_own_has_an_example():
    assert len(EXAMPLES) >= 12
    assert {entity for entity, _ in EXAMPLES} >= {"contracts", "customers", "expenses"}


def first_cells(heading):
    """Return what stands in the first cells of the table under this heading."""
    table = PAGE[PAGE.index(heading) :].split("\n\n")[0]
    return re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)


def test_the_functions_of_the_page_are_those_there_are():
    shown = [f"`{function.shown}`" for function in FUNCTIONS.values()]
    assert first_cells("| Function |") == shown


def test_the_words_of_the_page_are_those_there_are(app):
    words = {word for cell in first_cells("| Word |") for word in re.findall(r"`([^`]+)`", cell)}
    known = {one.name for one in expressions.completions(Contract) if one.sort == "word"}
    assert known <= words
    assert words - known == {"and", "or", "not", "in", "not in", "is empty", "is not empty"}


def test_the_limits_of_the_page_are_those_there_are():
    text = " ".join(PAGE.split())
    assert f"{reading.LONGEST} characters, {reading.MOST_TOKENS} words and signs" in text
    assert f"and {reading.DEEPEST} levels" in text
    assert f"at most {reading.MOST_DECIMALS} decimal places" in text


def test_the_refusal_of_the_page_is_the_one_that_comes(app):
    with pytest.raises(Invalid) as raised:
        expressions.compiled(Contract, "status = 'drafft'")
    assert f"*{raised.value}*" in " ".join(PAGE.split())
