"""The page on rules names every check there is, and its examples can be written."""

import re
from pathlib import Path

import pytest

from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.services import expressions
from crm_admin.services.rule_kinds import KINDS
from crm_admin.views.rules import GROUPS

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
_TABLE, _, _MORE = PAGE.partition("## Examples")
CHECKS = re.findall(r"^\| ([^|`]+) \| `(\w+)` \|", _TABLE, re.MULTILINE)
EXAMPLES = re.findall(r"^\| [^|`]+ \| `(\w+)` \| (.*?) ?\| ?(.*?) ?\|$", _MORE, re.MULTILINE)


def test_every_check_is_explained_by_its_label_and_offered():
    assert dict(map(reversed, CHECKS)) == {name: kind.label for name, kind in KINDS.items()}
    assert {name for _, names in GROUPS for name in names} == set(KINDS)


@pytest.mark.parametrize(("kind", "parameter", "condition"), EXAMPLES)
def test_an_example_can_be_written(kind, parameter, condition):
    assert kind in KINDS
    written = [condition.strip("` ")] + ([parameter.strip("` ")] if kind == "holds" else [])
    for text in filter(None, written):
        model = Contract if "amount" in text else Customer
        assert expressions.compiled(model, text).text == text


def test_there_are_examples():
    assert len(EXAMPLES) >= 6
