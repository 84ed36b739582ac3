"""Demo customers and the people who work there, with the gaps and slips that real files have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from crm_admin.models.customers import LifecycleStage, Part
from crm_admin.services import demo_names
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_names import Names
from crm_admin.services.demo_words import Calendar, Words, lot

Row = dict[str, Any]

#: The oldest customers came so many days before the reference day.
OLDEST = 1095
COMPANIES = ("direct", "distributor", "agent", "member", "subscriber", "partner")
CATEGORIES = lot(
    ("direct", 50), ("distributor", 12), ("agent", 6), ("member", 6), ("subscriber", 8),
    ("partner", 3), ("government", 3), ("institution", 4), ("school", 4), ("individual", 4),
)  # fmt: skip
STAGES = {
    True: lot((LifecycleStage.PROSPECT, 60), (LifecycleStage.OPPORTUNITY, 36),
              (LifecycleStage.CUSTOMER, 4)),
    False: lot((LifecycleStage.PROSPECT, 22), (LifecycleStage.OPPORTUNITY, 18),
               (LifecycleStage.CUSTOMER, 48), (LifecycleStage.LAPSED, 12)),
}  # fmt: skip
GRADES = lot(("A", 10), ("B", 24), ("C", 40), ("D", 16), (None, 10))
SOURCES = lot(
    ("referral", 25), ("exhibition", 18), ("website", 12), ("search_engine", 10), ("visit", 8),
    ("cold_call", 10), ("social_media", 5), ("advertisement", 4), ("tender", 4), (None, 4),
)  # fmt: skip
RATINGS = lot(
    ("AAA", 4), ("AA", 10), ("A", 18), ("BBB", 16), ("BB", 8), ("B", 5), ("CCC", 2), (None, 37)
)
SEGMENTS = lot(
    ("strategic", 4), ("key", 14), ("growth", 22), ("standard", 26), ("small_business", 14),
    (None, 20),
)  # fmt: skip
INDUSTRIES = {
    "government": "government", "institution": "medical", "school": "education", "individual": None,
}  # fmt: skip
AUTHORITIES = {"government": "11", "institution": "12", "school": "12"}
LIMITS = {"A": 500_000, "B": 200_000, "C": 50_000, "D": 10_000}
#: What people type to get past a field, and choices that are none.
RUBBISH = {
    "phone": ("无", "1", "待补", "88888888"), "postal_code": ("000000", "-"),
    "address": ("同上", "待补"), "fax": ("无", "同电话"),
    "industry": ("IT行业", "technolgy", "其它行业"), "category": ("VIP", "老客户"),
}  # fmt: skip
#: How often a field is left empty.
EMPTY = {
    "category": 0.02, "industry": 0.04, "phone": 0.05, "fax": 0.38, "email": 0.18, "website": 0.45,
    "postal_code": 0.07, "address": 0.07, "short_name": 0.3,
}  # fmt: skip


@dataclass
class Profile:
    """What the records about one customer need to know of it."""

    row: Row
    language: str
    office: str
    currency: str
    age: int
    contacts: list[Row] = field(default_factory=list)
    #: The days of its interactions, counted back from the reference day, the earliest first.
    days: list[int] = field(default_factory=list)
    id: int = 0

    @property
    def stage(self) -> LifecycleStage:
        stage: LifecycleStage = self.row["stage"]
        return stage


class Customers:
    """Makes customers for the offices' people to look after."""

    def __init__(self, words: Words, staff: Staff, calendar: Calendar) -> None:
        self.words, self.staff, self.calendar = words, staff, calendar
        self.names = Names(words)
        self.places = lot(*((place, place["weight"]) for place in words.places))
        self.industries = [*words.names["trades"]]
        self.elders: list[tuple[int, str]] = []

    def one(self, random: Random, *, heaviest: bool = False) -> Profile:
        """Return a customer; the heaviest is an old and good one in the capital."""
        place = self.words.places[0] if heaviest else self.places.draw(random)
        language = place.get("language", "hans")
        age = OLDEST if heaviest else 3 + int((OLDEST - 3) * random.random() ** 0.8)
        category = "direct" if heaviest else CATEGORIES.draw(random)
        if language == "en" and category in AUTHORITIES:
            category = "direct"
        row: Row = {"category": category, "created_at": self._in_office(random, age)}
        row |= self._identity(random, language, place, category)
        row |= self._standing(random, heaviest)
        row |= self._managers(random, place["office"], row["grade"], heaviest)
        row |= self._stages(random, age, row["created_at"], heaviest)
        row |= self._earlier_manager(random, place["office"], age, row)
        if not heaviest:
            self._spoil(random, row)
        row["updated_at"] = row["created_at"]
        row["created_by_id"] = row["account_manager_id"] or self.staff.heads[place["office"]]
        currency = place.get("currency") or {"hant": "TWD"}.get(language, "CNY")
        return Profile(row, language, place["office"], currency, age)

    def _in_office(self, random: Random, days: int) -> datetime:
        return self.calendar.moment(days, random.randint(540, 1080))

    def _identity(
        self, random: Random, language: str, place: Mapping[str, Any], category: str
    ) -> Row:
        """Return what the customer is called and where it is."""
        district, postal_code, division = random.choice(place["districts"])
        industry = INDUSTRIES.get(category, "")
        short_name: str | None = None
        if category == "individual":
            person = self.names.person(random, language)
            name, latin = person.name, person.latin.replace(".", "")
        elif category in AUTHORITIES:
            name = self.names.office(random, language, place, district, category)
            latin = f"office{random.randint(100, 9999)}"
        else:
            industry = industry or random.choice(self.industries)
            name, short_name, latin = self.names.company(random, language, place, industry)
        ending = ".tw.example" if language == "hant" else ".example"
        code = self._code(random, language, category, division)
        country = self.words.dealings[language]["country"] or place.get("country")
        return {
            "name": name, "short_name": short_name, "industry": industry, "country": country,
            "province": place["province"], "city": place["city"], "district": district,
            "postal_code": postal_code, "address": demo_names.address(random, place, district),
            "phone": demo_names.phone(random, place), "fax": demo_names.phone(random, place),
            "email": f"info@{latin}{ending}", "website": f"https://www.{latin}{ending}",
            "credit_code": code, "external_number": self._earlier_number(random),
        }  # fmt: skip

    def _earlier_number(self, random: Random) -> str | None:
        return f"KH{random.randint(10_000, 99_999)}" if random.random() < 0.15 else None

    def _code(self, random: Random, language: str, category: str, division: str) -> str | None:
        """Return the licence's number: right for most, missing or mistyped for some."""
        if category == "individual" or language == "en" or random.random() < 0.1:
            return None
        if language == "hant":
            return demo_names.uniform_number(random)
        code = demo_names.credit_code(random, AUTHORITIES.get(category, "91"), division)
        if random.random() < 0.03:
            return code[:10] + ("1" if code[10] != "1" else "7") + code[11:]
        return code

    def _standing(self, random: Random, heaviest: bool) -> Row:
        """Return how the customer is rated."""
        grade = "A" if heaviest else GRADES.draw(random)
        limit = LIMITS.get(grade or "", 0) * random.choice((0, 0.5, 1, 1, 2))
        return {
            "grade": grade,
            "source": SOURCES.draw(random),
            "credit_rating": RATINGS.draw(random),
            "credit_limit": Decimal(int(limit)) if limit else None,
            "segment": "strategic" if heaviest else SEGMENTS.draw(random),
        }

    def _managers(self, random: Random, office: str, grade: str | None, heaviest: bool) -> Row:
        """Return who looks after the customer; one in sixteen lies in the pool."""
        staff = self.staff
        keys = [f"{part}_id" for part in Part]
        if not heaviest and random.random() < 0.06:
            return dict.fromkeys(keys)
        technician = random.choice(staff.technicians[office]) if random.random() < 0.45 else None
        chief = staff.heads[office] if random.random() < (0.7 if grade == "A" else 0.2) else None
        sellers = staff.sellers[office]
        # Some sell more than others: the first of an office look after most of its customers.
        manager = sellers[int(len(sellers) * random.random() ** 1.4)]
        return dict(zip(keys, (manager, technician, chief), strict=True))

    def _earlier_manager(self, random: Random, office: str, age: int, row: Row) -> Row:
        """Return who looked after the customer before, for one in ten of the older ones."""
        now = row["account_manager_id"]
        others = [seller for seller in self.staff.sellers[office] if seller != now]
        if not now or not others or age < 200 or random.random() > 0.1:
            return {}
        until = self._in_office(random, random.randint(30, age - 30))
        before = (Part.ACCOUNT_MANAGER, random.choice(others), row["created_at"], until)
        return {"parts": [before]}

    def _stages(self, random: Random, age: int, created_at: datetime, heaviest: bool) -> Row:
        """Return how far the customer has come, and when it came to each stage before."""
        last = LifecycleStage.CUSTOMER if heaviest else STAGES[age < 60].draw(random)
        order = [*LifecycleStage]
        passed = order[: order.index(last) + 1]
        days = sorted((random.randint(1, age) for _ in passed[1:]), reverse=True)
        since = [created_at, *(self._in_office(random, day) for day in days)]
        since = [max(moment, created_at) for moment in since]
        found: Row = {"stage": last, "stage_since": since[-1]}
        found["stages"] = [*zip(passed[:-1], since[:-1], strict=True)]
        if last is not LifecycleStage.LAPSED and random.random() < 0.6:
            found["next_contact_on"] = self.calendar.before(random.randint(-45, 12))
        return found

    def _spoil(self, random: Random, row: Row) -> None:
        """Leave some fields empty and put rubbish into others, as hurried people do."""
        for key, chance in EMPTY.items():
            if random.random() < chance:
                row[key] = None
        if random.random() < 0.06:
            key = random.choice([*RUBBISH])
            row[key] = random.choice(RUBBISH[key])
        if random.random() < 0.1:
            language = "hant" if row["country"] == "台灣" else "hans"
            row["notes"] = random.choice(self.words.dealings[language]["remarks"])
        if self.elders and row["category"] in COMPANIES and random.random() < 0.03:
            row["parent_id"], parent = random.choice(self.elders)
            row["name"] = f"{parent}{row['city'].removesuffix('市')}分公司"[:100]

    def remember(self, profiles: Sequence[Profile]) -> None:
        """Let later customers be branches of some of these."""
        found = [
            (p.id, p.row["name"])
            for p in profiles
            if p.row["name"].endswith("有限公司") and p.language == "hans"
        ]
        self.elders = (self.elders + found[:20])[-200:]

    def contacts(self, random: Random, profile: Profile, count: int) -> Iterator[Row]:
        """Yield the people at a customer, the one to turn to first."""
        posts = self.words.names["posts"][profile.language]
        place = next(p for p in self.words.places if p["city"] == profile.row["city"])
        site = (profile.row["email"] or "@office.example").partition("@")[2]
        for position in range(count):
            person = self.names.person(random, profile.language)
            department, job_title, part = random.choice(posts)
            created = profile.row["created_at"]
            yield {
                "customer_id": profile.id, "name": person.name, "gender": person.gender,
                "department": department,
                "job_title": job_title if random.random() < 0.94 else None,
                "decision_part": part if random.random() < 0.7 else None,
                "phone": demo_names.phone(random, place) if random.random() < 0.7 else None,
                "mobile": self._or_not(random, 0.85, demo_names.mobile(random, profile.language)),
                "email": self._or_not(random, 0.7, f"{person.latin}@{site}"),
                "im": self._or_not(random, 0.5, person.latin.replace(".", "_")),
                "birthday": self.calendar.before(random.randint(9_000, 21_000))
                if random.random() < 0.2
                else None,
                "is_primary": position == 0,
                "created_at": created, "updated_at": created,
                "created_by_id": profile.row["created_by_id"],
            }  # fmt: skip

    @staticmethod
    def _or_not(random: Random, chance: float, text: str) -> str | None:
        return text if random.random() < chance else None
