"""Closing interactions: by who wrote them, the same day; and what is still open after it.

What is closed stays as it is (`models/closed.py`); `corrections.py` adds to it, `reopening.py`
opens it again where two people agree.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Date, Select, and_, bindparam, case, func, select

from crm_admin import clock
from crm_admin.database import ask, db, setting
from crm_admin.errors import Conflict, Denied, Invalid, Problem
from crm_admin.i18n import N_, Nn_
from crm_admin.models.interactions import MEETING, Interaction, InteractionStatus, Reopening
from crm_admin.models.roles import Scope
from crm_admin.models.users import User
from crm_admin.services import access, notifications, records, tips, zones
from crm_admin.services.role_rights import rights_kept
from crm_admin.services.tips import Tip

#: What must be filled in when it is closed, in the order in which a form asks for it. Source: B1
NEEDED = ("customer_id", "contact_id", "kind", "happened_at", "place", "content", "effect",
          "next_step")  # fmt: skip
#: Words for a next step of which there is none; it needs no day.
NOTHING = frozenset((
    "none", "nothing", "no next step", "no", "n/a", "-", "无", "没有", "暂无", "不需要", "无需跟进",
    "無", "沒有", "暫無", "無需跟進",
))  # fmt: skip
#: How many interactions one transaction of the nightly job closes.
CHUNK = 200
#: What reaches further than one's own.
_WIDER = (Scope.DEPARTMENT, Scope.BELOW, Scope.ALL)


def missing(interaction: Interaction) -> Iterator[Problem]:
    """Yield what an interaction lacks to be closed, each beside its field. Source: B1, B8"""
    for key in NEEDED:
        value = getattr(interaction, key)
        if value is None or (isinstance(value, str) and not value.strip()):
            yield Problem(key, N_("This must be filled in before it is closed."))
    step = (interaction.next_step or "").strip().rstrip(".。!！").casefold()
    if step and step not in NOTHING and interaction.next_step_on is None:
        message = N_("By which day? Where nothing is to follow, write “None” as the next step.")
        yield Problem("next_step_on", message)
    if interaction.kind == MEETING and not (interaction.colleagues or interaction.guests):
        yield Problem("guests", N_("Say who attended the meeting."))


def may_close(interaction: Interaction, actor: User) -> bool:
    """Return whether it is theirs to close: they wrote it, or stand in for who did."""
    if actor.is_system:
        return True
    return interaction.author_id in {person.id for person in rights_kept().people(actor)}


def offers(interaction: Interaction, actor: User) -> bool:
    """Return whether the actor can close it now, as far as it is filled in."""
    return (
        interaction.closed_at is None
        and interaction.deleted_at is None
        and may_close(interaction, actor)
        and access.may(interaction, actor, "edit")
    )


def close(interaction: Interaction, actor: User, *, version: int | None = None) -> None:
    """Close an interaction; from now on nobody changes it.

    After the company's day on which it was written it is late; one that was opened again is as late
    as it was. Those of before there was closing are never late. Source: B2

    Args:
        version: the record's version when the actor read it, where they did.

    Raises:
        Invalid: something is missing. Denied: somebody else wrote it.
    """
    if not may_close(interaction, actor):
        raise Denied(N_("Who wrote it closes it, or who stands in for them."))
    records.claim(interaction, actor, "edit")
    if version is not None and version != interaction.version:
        raise Conflict(N_("Someone else saved this record while you were editing it."))
    if interaction.closed_at is not None:
        raise Invalid([Problem("", N_("It is closed already."))])
    if problems := [*missing(interaction)]:
        raise Invalid(problems)
    _close(interaction, actor, "closed", zones.today())


def _close(interaction: Interaction, actor: User, action: str, today: date) -> None:
    interaction.closed_late = _is_late(interaction, today)
    interaction.closed_at, interaction.closed_by_id = clock.now(), actor.id
    records.save(interaction, actor, action=action, asked=not actor.is_system)


def _is_late(interaction: Interaction, today: date) -> bool:
    before = select(Reopening.closed_late).where(Reopening.interaction_id == interaction.id)
    if (was := db.session.scalar(before.order_by(Reopening.id).limit(1))) is not None:
        return was
    return interaction.written_on is not None and interaction.written_on < today


# What is open, and what was late.


def _still_open(before: date | None = None) -> list[ColumnElement[bool]]:
    """Return the conditions of what is open, and was written before a day."""
    found = [Interaction.status == InteractionStatus.OPEN, Interaction.deleted_at.is_(None)]
    return [*found, Interaction.written_on < before] if before else found


def open_of(actor: User) -> Select[Interaction]:
    """Return the select of the actor's own interactions that are still to be closed, oldest first.

    Source: B2
    """
    mine = access.visible(Interaction, actor).where(
        Interaction.author_id == actor.id, *_still_open()
    )
    return mine.order_by(Interaction.happened_at, Interaction.id)


def late(actor: User, since: date, until: date) -> Select[Interaction]:
    """Return the select of what the actor sees and was closed late, by its day, both included.

    Source: B3
    """
    return access.visible(Interaction, actor).where(
        Interaction.status == InteractionStatus.CLOSED_LATE,
        Interaction.written_on >= since,
        Interaction.written_on <= until,
    )


# The night.


def supervisors() -> list[User]:
    """Return who sees and may change more interactions than their own: they look after the day."""
    staff = select(User).where(User.is_active, User.is_system.is_(False), User.deleted_at.is_(None))
    return [
        user
        for user in db.session.scalars(staff.order_by(User.id))
        if all(access.reach(user, verb, Interaction) in _WIDER for verb in ("view", "edit"))
    ]


def list_to_supervisors(day: date) -> int:
    """Tell each supervisor how many of their people's interactions are open of the days before.

    Once for each day that ended, whoever runs this and however often; return how many were told
    now. Source: B3
    """
    ended = date.fromordinal(day.toordinal() - 1)
    return notifications.notify_all(
        notifications.Message(
            user_id=user.id,
            key=f"open:{ended}:{user.id}:inbox",
            kind="open_interactions",
            message=N_(
                "%(count)s interactions of your people were not closed by the end of %(day)s."
            ),
            values={"count": count, "day": ended.isoformat(), "query": _query(ended)},
            entity="interactions",
        )
        for user in supervisors()
        if (count := _count(user, day))
    )


def closes_at_midnight() -> bool:
    """Return whether the system closes what is open when its day is over."""
    return bool(setting("CLOSE_AT_MIDNIGHT"))


def _query(ended: date) -> str:
    """Return what asks the list for those that were open when a day ended."""
    state = "closed_late" if closes_at_midnight() else "open"
    return f"status.is={state}&written_on.to={ended}"


def _count(user: User, day: date) -> int:
    others = (*access.rows(Interaction, user), *_still_open(day), Interaction.author_id != user.id)
    statement = select(func.count()).select_from(access.table_of(Interaction)).where(*others)
    return int(ask(statement).scalar() or 0)


def open_after(day: date, last: int) -> Sequence[Interaction]:
    """Return the next interactions that are open of the days before a day, by id."""
    statement = select(Interaction).where(Interaction.id > last, *_still_open(day))
    return db.session.scalars(statement.order_by(Interaction.id).limit(CHUNK)).all()


def close_for(interactions: Iterable[Interaction], actor: User, day: date) -> int:
    """Close what its authors left open, whatever it lacks; return how many."""
    count = 0
    for interaction in interactions:
        _close(interaction, actor, "closed by the system", day)
        count += 1
    return count


@tips.source(6)
def _left_open(day: tips.Day) -> Iterator[Tip]:
    """Tell what is still to be closed, and what one's people did not close. Source: B3, C4"""
    keys, actor = ("status", "author_id", "written_on"), day.actor
    if not access.allows(actor, "view", Interaction) or not all(
        access.readable(actor, Interaction, key) for key in keys
    ):
        return
    supervises = access.reach(actor, "edit", Interaction) in _WIDER
    counted = _left(access.limit(Interaction, actor))
    own, theirs = ask(counted, {"me": actor.id, "today": day.today}).one()
    is_open = ("status.is", "open")
    if own:
        said = {"count": own}
        asked = (("author.is", "me"), is_open)
        message = Nn_(
            "%(count)s of your interactions is to be closed",
            "%(count)s of your interactions are to be closed",
        )
        yield Tip(message, said, "warn", entity="interactions", asked=asked)
    if theirs and supervises:
        asked = (is_open, ("written_on.to", f"{date.fromordinal(day.today.toordinal() - 1)}"))
        message = Nn_(
            "%(count)s interaction of your people was not closed on its day",
            "%(count)s interactions of your people were not closed on their day",
        )
        yield Tip(message, {"count": theirs}, "bad", entity="interactions", asked=asked)


@lru_cache(maxsize=500)
def _left(theirs: ColumnElement[bool] | None) -> Select[Any]:
    """Return the select of how many are open: the actor's, and others' of the days before."""
    table, me = access.table_of(Interaction).c, cast("Any", bindparam("me"))
    before = table.written_on < bindparam("today", type_=Date)
    which = (table.author_id == me, and_(table.author_id != me, before))
    limits = [*_still_open()] if theirs is None else [*_still_open(), theirs]
    return select(*(func.sum(case((one, 1), else_=0)) for one in which)).where(*limits)
