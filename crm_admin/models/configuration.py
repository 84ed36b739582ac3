"""What the system keeps for itself: the stamp of the configuration, numbers, forms sent once."""

from sqlalchemy.orm import Mapped, mapped_column

from crm_admin.models.base import Model


class ConfigurationStamp(Model):
    """One row whose value changes whenever rights, rules, picklists or departments do."""

    __tablename__ = "configuration_stamps"

    value: Mapped[str]


class NumberSeries(Model):
    """The next number of one entity, such as 13 for C-000013."""

    __tablename__ = "number_series"

    entity: Mapped[str] = mapped_column(unique=True)
    next_number: Mapped[int]


class SentForm(Model):
    """A form that made a record: sent twice, it still makes one."""

    __tablename__ = "sent_forms"

    key: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int]
    entity: Mapped[str]
    record_id: Mapped[int]
