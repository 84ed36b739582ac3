"""Names, addresses, telephone and licence numbers as demo customers have them.

Sites and mail addresses end in `.example`, which leads nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from stdnum.cn import uscc

from crm_admin.services.demo_words import FORM, Lot, Words, lot

#: The characters of an organisation code and their check digit's weights (GB 11714).
_ORGANISATION = (3, 7, 9, 10, 5, 8, 4, 2)
_KINDS = {"hans": "mainland_kinds", "hant": "taiwan_kinds", "en": "english_kinds"}


@dataclass(frozen=True)
class Person:
    """A contact's name, gender and the name's Latin letters."""

    name: str
    gender: str
    latin: str


class Names:
    """Draws names from the vocabularies."""

    def __init__(self, words: Words) -> None:
        self.words = words.names
        self.avoid = set(self.words["avoid"])
        surnames = self.words["surnames"]
        self.surnames = lot(*((row, 1 / (n + 6)) for n, row in enumerate(surnames)))
        self.kinds: dict[str, Lot[str]] = {
            language: lot(*((kind, weight) for kind, weight in self.words[key]))
            for language, key in _KINDS.items()
        }

    def person(self, random: Random, language: str) -> Person:
        """Return a person's name as the language writes it."""
        if language == "en":
            first, gender = random.choice(self.words["english_first"])
            last = random.choice(self.words["english_last"])
            return Person(f"{first} {last}", gender, f"{first}.{last}".lower())
        form = FORM[language]
        gender = "female" if random.random() < 0.45 else "male"
        surname = self.surnames.draw(random)
        given = random.choices(self.words[gender], k=1 if random.random() < 0.25 else 2)
        if len(given) == 2 and given[0] == given[1] and gender == "male":
            given = given[:1]
        name = surname[form] + "".join(part[form] for part in given)
        return Person(name, gender, f"{surname[2]}.{''.join(part[2] for part in given)}")

    def company(
        self, random: Random, language: str, place: Mapping[str, Any], industry: str
    ) -> tuple[str, str, str]:
        """Return a company's name, its short name and its name in Latin letters."""
        form = FORM[language]
        trade = random.choice(self.words["trades"][industry])[form]
        kind = self.kinds[language].draw(random)
        if language == "en":
            brand = random.choice(self.words["english_brands"])
            return f"{brand} {trade} {kind}", brand, brand.lower().replace(" ", "")
        first, second = self._brand(random)
        brand = first[form] + second[form]
        region = place["city"] if random.random() < 0.35 else place["short"]
        if language == "hant":
            region = "" if random.random() < 0.8 else place["short"]
        name = f"{region}{brand}{trade}{kind}"
        if random.random() < 0.12 and region and language == "hans":
            name = f"{brand}（{place['short']}）{trade}{kind}"
        return name, brand + trade, first[2] + second[2]

    def _brand(self, random: Random) -> tuple[Sequence[str], Sequence[str]]:
        while True:
            first = random.choice(self.words["brand_first"])
            second = random.choice(self.words["brand_second"])
            if first[0] + second[0] not in self.avoid:
                return first, second

    def office(
        self, random: Random, language: str, place: Mapping[str, Any], district: str, category: str
    ) -> str:
        """Return the name of an authority, a school or another public body."""
        local = district if random.random() < 0.6 and category != "institution" else ""
        number = random.choice(self.words["offices"][category])[FORM[language]]
        return f"{place['city']}{local}{number}"


def address(random: Random, place: Mapping[str, Any], district: str) -> str:
    """Return a mailing address."""
    street, number = random.choice(place["streets"]), random.randint(1, 999)
    language = place.get("language", "hans")
    if language == "en":
        floor = random.randint(2, 32)
        return f"{floor}/F, {number} {street}, {district}, {place['city']}"
    if language == "hant":
        return f"{place['city']}{district}{street}{number % 300 + 1}號{random.randint(2, 18)}樓"
    province = "" if place["province"] == place["city"] else place["province"]
    room = f"{random.randint(1, 28)}{random.randint(1, 20):02}室"
    building = random.choice(("", "", "A座", "2号楼", "科技大厦"))
    return f"{province}{place['city']}{district}{street}{number}号{building}{room}"


def phone(random: Random, place: Mapping[str, Any]) -> str:
    """Return a telephone number of a place."""
    area, language = place["area"], place.get("language", "hans")
    if language == "en":
        return f"{area} {random.randint(2000, 3999)} {random.randint(0, 9999):04}"
    if language == "hant":
        return f"{area}-2{random.randint(100, 999)}-{random.randint(0, 9999):04}"
    start = "" if place["city"] == "厦门市" else random.choice("568")  # seven digits there
    return f"{area}-{start}{random.randint(2_000_000, 8_999_999)}"


def mobile(random: Random, language: str) -> str:
    """Return a mobile telephone number."""
    if language == "en":
        return f"+852 9{random.randint(100, 999)} {random.randint(0, 9999):04}"
    if language == "hant":
        return f"09{random.randint(10, 89)}-{random.randint(0, 999):03}-{random.randint(0, 999):03}"
    start = random.choice(("130", "133", "135", "136", "137", "138", "139", "150", "158", "186"))
    return f"{start}{random.randint(0, 99_999_999):08}"


def credit_code(random: Random, authority: str, division: str) -> str:
    """Return a unified social credit code with both its check digits right.

    Args:
        authority: its first two characters, such as 91 for companies.
        division: the division code of the district, six digits.
    """
    digits = [random.randint(0, 9) for _ in _ORGANISATION]
    rest = sum(d * w for d, w in zip(digits, _ORGANISATION, strict=True)) % 11
    check = {10: "X", 11: "0"}.get(11 - rest, str(11 - rest))
    code = f"{authority}{division}{''.join(map(str, digits))}{check}"
    return code + str(uscc.calc_check_digit(code))


def uniform_number(random: Random) -> str:
    """Return a Taiwanese company's uniform number with its check digit right."""
    while True:
        digits = [random.randint(0, 9) for _ in range(7)]
        weighted = [d * w for d, w in zip(digits, (1, 2, 1, 2, 1, 2, 4), strict=True)]
        last = -sum(d // 10 + d % 10 for d in weighted) % 10
        if digits[6] != 7:  # sevens there have a second rule
            return "".join(map(str, [*digits, last]))
