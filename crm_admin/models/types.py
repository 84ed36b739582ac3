"""Column types: moments with their zone, exact money, documents and enumerations in plain text."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A moment in time: stored as naive UTC, always given back with its zone.

    Raises:
        ValueError: a moment without a zone is written; which moment it means, nobody can say.
    """

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs its time zone.")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Money(TypeDecorator[Decimal]):
    """An amount with two decimals, kept as a whole number of hundredths: never as a float."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        return None if value is None else int(exact(value) * 100)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-2)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self


def exact(value: Any) -> Decimal:
    """Return the amount to the hundredth, halves away from zero."""
    return Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)


# Documents are compared and indexed only as JSONB.
Document = JSON().with_variant(JSONB(), "postgresql")


class State(StrEnum):
    """A closed set that code acts on; each member says its value, its label and its colour.

    `PAID = "paid", N_("Paid"), "ok"`. The colours are ok, warn, bad, inf and mut; "" shows none.
    """

    label: str
    tone: str

    def __new__(cls, value: str, label: str = "", tone: str = "") -> Self:
        """Make the member: equal to its value, with its label and colour beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label, member.tone = label or value, tone
        return member


# Enumerations are kept as their values in plain text, so that adding one needs no migration.
ENUMERATION = Enum(
    StrEnum, native_enum=False, length=40, values_callable=lambda e: [m.value for m in e]
)
