import pytest

from crm_admin.models.customers import Customer
from crm_admin.services import listing, pinyin
from crm_admin.services.listing import Question
from tests.make import make


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("北京银行", "bjyh"),
        ("单田芳", "stf"),
        ("单田芳", "dtf"),
        ("A股研究所", "gyjs"),
    ],
)
def test_a_name_is_known_by_its_initials(name, typed):
    assert typed in pinyin.keys(name)


def test_a_name_without_chinese_has_no_sound():
    assert pinyin.keys("Acme Ltd") == ""


def test_a_customer_is_found_by_the_initials_of_its_name(people):
    make(Customer, name="王府井百货大楼")
    make(Customer, name="Acme")
    page = listing.page(Customer, people.dev, Question(search="wfjbh"), ["name"])
    assert [row[1] for row in page.rows] == ["王府井百货大楼"]
