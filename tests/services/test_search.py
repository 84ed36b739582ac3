"""What a search finds."""

import random

import pytest

from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.services import listing, records, search
from crm_admin.services.listing import Question
from tests.make import make


@pytest.fixture
def acme(app):
    return make(
        Customer, name="Acme 天剑 Ｗｉｄｅ", phone="+86 (10) 1234-5678", email="Info@Acme.cn"
    )


@pytest.mark.parametrize(
    "words",
    ["acme", "ACME", "天剑", "剑 acme", "wide", "ＷＩＤＥ", "1234-5678", "12345678", "861012345678",
     "１２３４５６７８", "info@acme", "  acme  ", "acme\0", "剑", "a", "(", "6 10 剑"],
)  # fmt: skip
def test_a_customer_is_found_however_it_is_written(acme, people, words):
    assert listing.page(Customer, people.dev, Question(search=words), ["name"]).count == 1


@pytest.mark.parametrize(
    "words",
    [
        "acme nothing",
        "%",
        "_",
        "a_me",
        "acme%",
        "'",
        "\\",
        "87654321",
        "剑天",
        "acm剑",
        "aced",
        '"',
        "*",
        "w*",
        "剑 -天",
        "NEAR",
        "pairs:天",
    ],
)
def test_what_it_does_not_have_does_not_find_it(acme, people, words):
    assert listing.page(Customer, people.dev, Question(search=words), ["name"]).count == 0


def test_nobody_finds_what_they_may_not_see(acme, people):
    assert listing.page(Customer, people.ana, Question(search="acme"), ["name"]).count == 0


def test_each_page_holds_others_and_together_they_hold_all(people):
    made = {
        make(Contact, name="Li", customer=acme).id for acme in [make(Customer)] for _ in range(7)
    }
    for sort in ("", "name", "customer", "is_primary", "birthday"):
        for descending in (False, True):
            seen = [
                row[0]
                for number in range(4)
                for row in listing.page(
                    Contact, people.dev,
                    Question(sort=sort, descending=descending, page=number, size=2), ["name"],
                ).rows
            ]  # fmt: skip
            assert sorted(seen) == sorted(made), sort


ALPHABET = "天剑云帆司a1b0- .&𠮷é王"


def test_the_index_finds_just_what_has_the_words(people):
    """Words of one, two and more characters, whatever was written, changed, binned and purged."""
    chance = random.Random(7)
    made = [make(Customer, name=_any(chance, 6)) for _ in range(60)]
    for customer in made[:20]:
        with records.transaction("test"):
            records.change(customer, {"name": _any(chance, 6)}, people.dev)
    for customer in made[20:30]:
        with records.transaction("test"):
            records.delete(customer, people.dev)
    for _ in range(300):
        typed = _any(chance, chance.randint(1, 4))
        words = search.words(typed)
        has = [c for c in made if words and all(word in c.search_text for word in words)]
        for binned in (False, True):
            asked = Question(search=typed, binned=binned, size=100)
            found = {row[0] for row in listing.page(Customer, people.dev, asked, ["name"]).rows}
            assert found == {c.id for c in has if bool(c.deleted_at) == binned}, typed


def _any(chance, length):
    return "x" * (length > 4) + "".join(chance.choices(ALPHABET, k=length))
