"""Formats that rules ask for: phone numbers, e-mail addresses, postal codes, credit codes."""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from babel import Locale
from stdnum.cn import uscc

from crm_admin.i18n import N_
from crm_admin.services.rule_kinds import RuleFacts, check

#: The country of a number that is written without one, where neither record nor rule names any.
COUNTRY = "CN"
#: What stands between several numbers in one field.
_BETWEEN = re.compile(r"[/;；、，,]+")
#: An extension: 转 123, ext. 123, or -123 after a number that is long enough by itself.
_EXTENSION = re.compile(
    r"\s*(?:(?:转|轉|分机|分機|内线|內線|ext(?:ension)?\.?|x|#|＃)\s*\d{1,6}|(?<=\d{7})-\d{1,5})$",
    re.IGNORECASE,
)
#: What no plan of numbers holds: Chinese numbers of services such as 110, 12315, 95588, 400 and 800
#: numbers, and what is dialled within a city.
_SHORT = re.compile(r"11\d|12[0-2]|1[0-2]\d{3}|9[56]\d{3,6}|[48]00\d{7}|[2-9]\d{6,7}")
#: Most numbers that are written here, known without asking the plans of all countries.
_CHINESE = re.compile(
    r"(?:\+?86[ -]?)?(?:1[3-9]\d{9}|(?:010|02\d|0[3-9]\d\d)[ -]?[2-9]\d{6,7})", re.ASCII
)
_EMAIL = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}"
)
#: How postal codes are written, by country; where none is given, anything short will do.
_POSTAL_CODES = {
    "CN": r"\d{6}", "TW": r"\d{3}(?:-?\d{2,3})?", "JP": r"\d{3}-?\d{4}", "KR": r"\d{5}",
    "SG": r"\d{6}", "MY": r"\d{5}", "IN": r"\d{3} ?\d{3}", "US": r"\d{5}(?:-\d{4})?",
    "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "DE": r"\d{5}", "FR": r"\d{5}", "IT": r"\d{5}", "ES": r"\d{5}", "FI": r"\d{5}",
    "AT": r"\d{4}", "CH": r"\d{4}", "BE": r"\d{4}", "DK": r"\d{4}", "NO": r"\d{4}",
    "AU": r"\d{4}", "NL": r"\d{4} ?[A-Z]{2}", "SE": r"(?:SE?-)?\d{3} ?\d{2}",
    "PL": r"\d{2}-?\d{3}", "PT": r"\d{4}(?:-\d{3})?", "BR": r"\d{5}-?\d{3}", "MX": r"\d{5}",
    "RU": r"\d{6}", "TH": r"\d{5}", "VN": r"\d{5,6}", "ID": r"\d{5}", "PH": r"\d{4}",
}  # fmt: skip
_ANY_POSTAL_CODE = r"[A-Z\d][A-Z\d -]{1,9}"
#: Names of countries that the usual lists do not have.
_ALSO = {
    "usa": "US", "u.s.a.": "US", "uk": "GB", "england": "GB", "中国大陆": "CN", "中國大陸": "CN",
    "prc": "CN", "中华人民共和国": "CN", "大陆": "CN", "台湾": "TW", "臺灣": "TW", "香港": "HK",
    "hong kong": "HK", "澳门": "MO", "澳門": "MO", "macau": "MO", "韩国": "KR", "korea": "KR",
    "south korea": "KR", "holland": "NL", "russia": "RU",
}  # fmt: skip


def plain(value: Any) -> str:
    """Return a text with full-width signs made half-width and without gaps around it."""
    text = str(value).strip()
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


@cache
def _countries() -> dict[str, str]:
    """Return {name of a country in one of our languages, in small letters: its code}."""
    found: dict[str, str] = {}
    for language in ("en", "zh_Hans", "zh_Hant"):
        names = Locale.parse(language).territories
        found |= {name.casefold(): code for code, name in names.items() if len(code) == 2}
    return found | _ALSO


@lru_cache(maxsize=500)
def country_of(named: str | None) -> str:
    """Return the code of a country by its name or code, "" where there is none of that name."""
    text = plain(named or "")
    if len(text) == 2 and text.isascii() and text.isalpha():
        return text.upper()
    return _countries().get(text.casefold(), "")


def is_country(text: str) -> bool:
    """Return whether a text is the code of a country that has phone numbers."""
    return text.strip().upper() in phonenumbers.SUPPORTED_REGIONS


@check(
    N_("Is a phone number"),
    N_("%(field)s: “%(value)s” is no phone number."),
    help=N_(
        "A number that can be dialled, with or without an extension; several are told apart by “/”."
    ),
    hint=N_("The country of numbers without one, such as CN; empty: the record's, else China."),
    beside="country",
    of_text=True,
)
def phone(value: Any, rule: RuleFacts, country: Any = None) -> bool:
    """Every number in the field can be dialled; service numbers such as 95588 are fine."""
    if value in (None, ""):
        return True
    here = country_of(country if isinstance(country, str) else "")
    return _are_phones(str(value), here or rule.parameter.strip().upper() or COUNTRY)


@lru_cache(maxsize=20_000)
def _are_phones(text: str, country: str) -> bool:
    numbers = [part.strip() for part in _BETWEEN.split(plain(text)) if part.strip()]
    return bool(numbers) and all(_is_phone(number, country) for number in numbers)


def _is_phone(text: str, country: str) -> bool:
    if country == COUNTRY and _CHINESE.fullmatch(text):
        return True
    bare = _EXTENSION.sub("", text)
    if _SHORT.fullmatch(re.sub(r"[\s()-]", "", bare)):
        return True
    return any(_can_be_dialled(number, country) for number in dict.fromkeys((text, bare)))


def _can_be_dialled(text: str, country: str) -> bool:
    if re.search(r"[^\W\d_]", text):
        return False  # letters that stand for digits are no number that people here dial
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))


@check(
    N_("Is an e-mail address"),
    N_("%(field)s: “%(value)s” is no e-mail address."),
    help=N_("An address such as name@company.com; whether it exists is not asked."),
    of_text=True,
)
def email(value: Any, rule: RuleFacts) -> bool:
    """It has the form of an address."""
    return value in (None, "") or _EMAIL.fullmatch(plain(value)) is not None


@check(
    N_("Is a postal code"),
    N_("%(field)s: “%(value)s” is no postal code."),
    help=N_("A code as the record's country writes it: six digits in China."),
    hint=N_("The country of records without one, such as CN; empty: China."),
    beside="country",
    of_text=True,
)
def postal_code(value: Any, rule: RuleFacts, country: Any = None) -> bool:
    """It is written as the country of the record writes them."""
    if value in (None, ""):
        return True
    named = country if isinstance(country, str) else ""
    code = country_of(named) if named else rule.parameter.strip().upper() or COUNTRY
    pattern = _POSTAL_CODES.get(code, _ANY_POSTAL_CODE)
    return re.fullmatch(pattern, plain(value).upper(), re.ASCII) is not None


@check(
    N_("Is a unified social credit code"),
    N_("%(field)s: “%(value)s” is no unified social credit code: its check digit is wrong."),
    help=N_("18 characters whose last one fits the others, as on a Chinese licence."),
    of_text=True,
)
def credit_code(value: Any, rule: RuleFacts) -> bool:
    """Its check digit fits."""
    return value in (None, "") or bool(uscc.is_valid(plain(value).upper()))
