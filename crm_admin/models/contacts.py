"""Contacts: the people at a customer."""

from datetime import date

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, relationship

from crm_admin.i18n import N_
from crm_admin.models.base import Checked, Customizable, Record, Searchable, field
from crm_admin.models.customers import Customer
from crm_admin.models.types import State


class Gender(State):
    """How a contact is addressed."""

    FEMALE = "female", N_("Female")
    MALE = "male", N_("Male")


class Contact(Searchable, Checked, Customizable, Record):
    """A person at a customer; who may see the customer, may see its people.

    Source: A1, A20
    """

    __tablename__ = "contacts"
    __table_args__ = (Index(None, "updated_at", "id"),)
    singular, plural = N_("Contact"), N_("Contacts")
    detail = "customer"
    follows = "customer_id"
    spoken_keys = ("name",)
    search_keys = ("name", "phone", "mobile", "email", "im")

    customer_id: Mapped[int] = field(ForeignKey("customers.id"), label=N_("Customer"), index=True)
    name: Mapped[str] = field(label=N_("Full name"))
    gender: Mapped[Gender | None] = field(label=N_("Gender"))
    department: Mapped[str | None] = field(label=N_("Department there"))
    job_title: Mapped[str | None] = field(label=N_("Job title"))
    decision_part: Mapped[str | None] = field(
        label=N_("Part in decisions"), picklist="decision_parts"
    )
    phone: Mapped[str | None] = field(label=N_("Phone"), kind="phone")
    mobile: Mapped[str | None] = field(label=N_("Mobile"), kind="phone", index=True)
    email: Mapped[str | None] = field(label=N_("E-mail"), kind="email")
    im: Mapped[str | None] = field(label=N_("Instant messaging"), help=N_("WeChat, LINE, QQ ..."))
    birthday: Mapped[date | None] = field(label=N_("Birthday"))
    is_primary: Mapped[bool] = field(label=N_("Primary contact"), default=False)
    notes: Mapped[str | None] = field(Text, label=N_("Notes"), kind="lines")

    customer: Mapped[Customer] = relationship()
