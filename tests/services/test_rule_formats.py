"""Phone numbers, addresses and codes as people write them."""

import pytest

from crm_admin.models.rules import Severity
from crm_admin.services.rule_kinds import KINDS, RuleFacts


def fits(kind, value, *beside, parameter=""):
    rule = RuleFacts(0, "customers", "x", kind, parameter, Severity.WARN, 1, "")
    return KINDS[kind].check(value, rule, *beside)


@pytest.mark.parametrize(
    "number",
    ["010-65551234", "(010) 6555 1234", "０１０－６５５５１２３４", "13800138000",
     "+86 138 0013 8000",
     "65551234", "010-65551234转123", "010-65551234 转 123", "010-65551234-123",
     "021-55551234 ext. 9",
     "95588", "400-810-8888", "4008108888", "12315", "10086", "110", "+886 2 2345 6789",
     "13800138000/010-65551234", "0086 10 65551234", None, ""],
)  # fmt: skip
def test_a_number_that_can_be_dialled_is_one(number):
    assert fits("phone", number)


@pytest.mark.parametrize(
    "number", ["call me", "123", "1380013800", "0000", "138001380001", "-", "x"]
)
def test_what_cannot_be_dialled_is_none(number):
    assert not fits("phone", number)


def test_a_number_is_read_by_the_country_of_its_record():
    assert fits("phone", "02-2345-6789", "台湾") and not fits("phone", "02-2345-6789", "中国")
    assert fits("phone", "(206) 555-9857", "USA")
    assert fits("phone", "02-2345-6789", None, parameter="TW")


@pytest.mark.parametrize(
    ("code", "country", "right"),
    [("100080", "", True), ("10008", None, False), ("１０００８０", "中国", True),
     ("10119", "Germany", True),
     ("SW1A 1AA", "UK", True), ("ABC", "USA", False), ("98101-1234", "US", True),
     ("OX15 4NB", "Atlantis", True)],
)  # fmt: skip
def test_a_postal_code_is_as_its_country_writes_it(code, country, right):
    assert fits("postal_code", code, country) == right


@pytest.mark.parametrize(
    ("address", "right"),
    [("ana@example.com", True), ("ana.b+c@mail.example.cn", True), ("中文@例子.中国", True),
     ("ana", False), ("ana@example", False), ("a b@example.com", False), ("a@-x.com", False),
     ("", True)],
)  # fmt: skip
def test_an_address_has_the_form_of_one(address, right):
    assert fits("email", address) == right


def test_a_credit_code_is_known_by_its_check_digit():
    assert fits("credit_code", "91110000600037341L") and fits("credit_code", "91110000600037341l")
    assert not fits("credit_code", "91110000600037342L") and not fits("credit_code", "911100006000")
