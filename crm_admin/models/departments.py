"""Departments: the company's offices and their sections, as a tree."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, relationship

from crm_admin.i18n import N_
from crm_admin.models.base import Record, field, unique_alive


class Department(Record):
    """Headquarters, a branch or a section; one without a parent heads the company.

    Source: A8, G3
    """

    __tablename__ = "departments"
    search_keys = ("name", "code")
    __table_args__ = (unique_alive("code"),)
    singular, plural = N_("Department"), N_("Departments")
    configures = True

    code: Mapped[str] = field(
        label=N_("Code"), help=N_("A short name that commands and files use; it never changes.")
    )
    name: Mapped[str] = field(label=N_("Name"))
    kind: Mapped[str | None] = field(label=N_("Kind"), picklist="department_kinds")
    parent_id: Mapped[int | None] = field(
        ForeignKey("departments.id"), label=N_("Belongs to"), index=True
    )
    time_zone: Mapped[str | None] = field(
        label=N_("Time zone"), help=N_("Where it differs from the company's, such as Asia/Taipei.")
    )

    parent: Mapped["Department | None"] = relationship(remote_side="Department.id")
