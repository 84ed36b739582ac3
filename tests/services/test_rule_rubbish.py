"""What people type to be rid of a field, and what only looks like it."""

import pytest

from crm_admin.models.rules import Severity
from crm_admin.services.rule_kinds import KINDS, RuleFacts


def says(value, parameter=""):
    rule = RuleFacts(0, "customers", "x", "rubbish", parameter, Severity.WARN, 1, "")
    return KINDS["rubbish"].check(value, rule)


@pytest.mark.parametrize(
    "text",
    ["a", "1", "-", "...", "aaa", "AAAA", "0000", "0000-0000", "哈哈哈", "qwerty", "asdf",
     "asdasd",
     "ytrewq", "12345", "654321", "123123", "ababab", "test", "TEST 2", "测试", "测试1", "无",
     "不详",
     "暂无", "N/A", "none", "ｔｅｓｔ", "abcdef"],
)  # fmt: skip
def test_rubbish_is_known(text):
    assert not says(text)


@pytest.mark.parametrize(
    "text",
    ["王", "莉莉", "IBM", "3M", "Acme", "AA", "可口可乐", "沪", "100080", "13800138000",
     "testimony",
     "Power", "无锡机床厂", "8888 Ltd", "ABC", None, "", "  ", 7],
)  # fmt: skip
def test_what_says_something_is_none(text):
    assert says(text)


def test_a_company_adds_its_own_words():
    assert says("同上面") and not says("同上面", "见附件，同上面")
