"""What must stay so of somebody's rights, asked again whenever a role is changed."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_admin.models.base import Model
from crm_admin.models.users import User


class RightsCase(Model):
    """One question about somebody's rights, and the answer that it must have.

    It asks for a right (`verb`), on one record or on any, or for what is seen of a field
    (`field_key`). `expected` is "yes" or "no" of a right, and of a field its limit, or
    "open". Source: S5
    """

    __tablename__ = "rights_cases"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    entity: Mapped[str]
    record_id: Mapped[int | None]
    verb: Mapped[str | None]
    field_key: Mapped[str | None]
    expected: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    user: Mapped[User] = relationship(foreign_keys=[user_id])
