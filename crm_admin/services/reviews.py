"""Reviews: passing and failing what one's people wrote, taking it back, and what came of it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from crm_admin import clock
from crm_admin.database import ask, db
from crm_admin.errors import Conflict, Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.base import Record
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.reviews import LONGEST_NOTE, STANDING, Review, Verdict
from crm_admin.models.users import User
from crm_admin.services import access, history, mending, notices, picklists, records, tips, zones
from crm_admin.services.outbox import Post
from crm_admin.services.tips import Tip

REASONS = "review_reasons"


class Said(NamedTuple):
    """One verdict as the page of a record tells it."""

    at: datetime
    by: str
    verdict: Verdict
    reason: str | None
    note: str | None
    fixed_at: datetime | None
    superseded: bool
    id: int


class Failed(NamedTuple):
    """How many of somebody's records failed and were not put right, and the latest of them.

    Each is (entity, id, title, reason, note, on which day).
    """

    total: int
    few: Sequence[tuple[str, int, str, str | None, str | None, date]]


def models() -> list[type[Record]]:
    """Return the entities whose records are looked at, interactions first."""
    found = access.entities()
    return [found[e] for e in sorted(mending.REVIEWED, key=lambda e: (e != "interactions", e))]


def may_review(actor: User) -> bool:
    """Return whether the actor may look at anybody's records."""
    return any(access.allows(actor, "review", model) for model in models())


def people(actor: User) -> dict[int, tuple[str, int | None]]:
    """Return {id: (name, department)} of those whose records the actor may look at.

    Who stands in for somebody does not look after that person's own work.
    """
    grants = {grant for m in models() for grant in access.grants_of(actor, "review", m)}
    users = access.table_of(User).c
    statement = (
        select(users.id, users.name, users.department_id)
        .where(users.is_system.is_(False), users.deleted_at.is_(None), users.id != actor.id)
        .order_by(users.name, users.id)
    )
    return {
        id: (name, department)
        for id, name, department in ask(statement)
        if any(grant.person.id != id and access.reaches_person(grant, id) for grant in grants)
    }


def person_of(record: Record) -> int | None:
    """Return whose work a record is: its owner's, else that of who wrote it."""
    if isinstance(record, Contact):
        customer = db.session.get(Customer, record.customer_id)
        manager = customer.account_manager_id if customer is not None else None
        return manager or record.created_by_id
    owner: int | None = getattr(record, record.owners[0]) if record.owners else None
    return owner or record.created_by_id


def may_judge(record: Record, actor: User) -> bool:
    """Return whether it is not the actor's own work, nor that of those by whose right they look.

    Nobody has their own work passed by who stands in for them.
    """
    person = person_of(record)
    authors = (person, record.created_by_id)
    if person is None or actor.id in authors:
        return False
    grants = [
        grant
        for grant in access.grants_of(actor, "review", type(record))
        if access.reaches_person(grant, person)
    ]
    return not grants or any(grant.person.id not in authors for grant in grants)


def standing(entity: str, id: int) -> Review | None:
    """Return the verdict on a record that counts now."""
    return db.session.scalar(
        select(Review).where(Review.entity == entity, Review.record_id == id, STANDING)
    )


def give(
    model: type[Record],
    id: Any,
    verdict: Verdict,
    actor: User,
    *,
    version: int,
    seen: int = 0,
    reason: str | None = None,
    note: str | None = None,
    post: Post | None = None,
) -> Review:
    """Pass or fail a record, within a transaction; whose work failed is told. Source: B4

    Args:
        version: the record's when the actor read it.
        seen: the id of the verdict that stood then, 0 for none.

    Raises:
        Conflict: it has changed since, or somebody else was quicker. Denied: it is one's own.
        Invalid: it fails without a reason.
    """
    record = records.claimed(model, id, actor, "review")
    if record is None:
        raise Conflict(N_("This record is no longer there."))
    person = person_of(record)
    if person is None or not may_judge(record, actor):
        raise Denied(N_("Nobody reviews their own records."))
    if problems := _problems(verdict, reason, note):
        raise Invalid(problems)
    if record.version != version:
        raise Conflict(N_("This record has changed since you read it; please look again."))
    before = standing(record.__tablename__, record.id)
    if (before.id if before else 0) != seen:
        raise Conflict(N_("Somebody else has just reviewed this record; please look again."))
    if before is not None:
        before.superseded_at = clock.now()
        db.session.flush()  # there is room for one that stands
    failed = verdict is Verdict.FAILED
    review = Review(
        entity=record.__tablename__,
        record_id=record.id,
        version=record.version,
        on_day=zones.today(),
        person_id=person,
        by_id=actor.id,
        verdict=verdict,
        reason=(reason or None) if failed else None,
        note=((note or "").strip() or None) if failed else None,
    )
    db.session.add(review)
    db.session.flush()
    if failed:
        _tell(review, record, actor, post)
    return review


def _problems(verdict: Verdict, reason: str | None, note: str | None) -> list[Problem]:
    note = (note or "").strip()
    if verdict is not Verdict.FAILED:
        return []
    if reason and reason not in picklists.items(REASONS):
        return [Problem("reason", N_("Please choose one of those offered."))]
    if not reason and not note:
        return [Problem("reason", N_("Say why it fails: its author reads it."))]
    if len(note) > LONGEST_NOTE or "\0" in note:
        message = N_("A reason has at most %(count)s characters.")
        return [Problem("note", message, {"count": LONGEST_NOTE})]
    return []


def _tell(review: Review, record: Record, actor: User, post: Post | None) -> None:
    """Tell whose work failed, in their inbox and by mail."""
    person = db.session.get(User, review.person_id)
    if person is None:
        return
    language = person.language or (post.language if post else "en")
    words = [picklists.label(REASONS, review.reason, language) if review.reason else ""]
    why = " · ".join(part for part in (*words, review.note or "") if part)
    said = {"by": actor.name, "reason": why[:300]}
    notices.tell(person, _key(review), "review", said, post, record=record)


def _key(review: Review) -> str:
    return f"review:{review.id}"


def last_of(actor: User) -> Review | None:
    """Return the actor's latest verdict of today that can still be taken back."""
    latest = (
        select(Review)
        .where(Review.by_id == actor.id, Review.undone_at.is_(None))
        .order_by(Review.id.desc())
    )
    found = db.session.scalar(latest.limit(1))
    fresh = found is not None and found.superseded_at is None and found.on_day == zones.today()
    return found if fresh else None


def undo(actor: User) -> Review | None:
    """Take back the actor's latest verdict, within a transaction; the one before stands again.

    What was not read of it nor mailed yet is taken back as well. None: there is nothing to undo.
    """
    review = last_of(actor)
    if review is None:
        return None
    model = access.entities()[review.entity]
    if records.claimed(model, review.record_id, actor, "review") is None:
        return None
    db.session.refresh(review)  # somebody may have judged it while this waited for the record
    if review.superseded_at is not None or review.undone_at is not None:
        return None
    review.undone_at = clock.now()
    db.session.flush()
    before = select(Review).where(
        Review.entity == review.entity,
        Review.record_id == review.record_id,
        Review.id < review.id,
        Review.undone_at.is_(None),
    )
    earlier = db.session.scalar(before.order_by(Review.id.desc()).limit(1))
    if earlier is not None:
        earlier.superseded_at = None
    notices.take_back(_key(review))
    db.session.flush()
    return review


def may_read(record: Record, actor: User) -> bool:
    """Return whether the actor may read the verdicts on a record: its owner, and who gives them."""
    if record.__tablename__ not in mending.REVIEWED:
        return False
    return person_of(record) == actor.id or access.may(record, actor, "review")


def of(record: Record, *, limit: int = 20) -> list[Said]:
    """Return the verdicts on a record, the latest first; those taken back are left out."""
    reviews, users = access.table_of(Review).c, access.table_of(User).c
    statement = (
        select(
            reviews.created_at, users.name, reviews.verdict, reviews.reason, reviews.note,
            reviews.fixed_at, reviews.superseded_at, reviews.id,
        )
        .join_from(access.table_of(Review), access.table_of(User), users.id == reviews.by_id)
        .where(
            reviews.entity == record.__tablename__,
            reviews.record_id == record.id,
            reviews.undone_at.is_(None),
        )
        .order_by(reviews.id.desc())
    )  # fmt: skip
    return [
        Said(at, by, Verdict(verdict), reason, note, fixed, gone is not None, id)
        for at, by, verdict, reason, note, fixed, gone, id in ask(statement.limit(limit))
    ]


def unfixed() -> list[ColumnElement[bool]]:
    """Return the conditions of the verdicts that wait for whose work it is."""
    reviews = access.table_of(Review).c
    return [
        reviews.verdict == Verdict.FAILED,
        reviews.fixed_at.is_(None),
        reviews.superseded_at.is_(None),
        reviews.undone_at.is_(None),
    ]


def failed_of(actor: User, few: int = 5) -> Failed:
    """Return which of the actor's own records failed and were not put right. Source: C4"""
    reviews = access.table_of(Review).c
    mine = [reviews.person_id == actor.id, *unfixed()]
    count = ask(select(func.count()).where(*mine)).scalar() or 0
    chosen = select(reviews.entity, reviews.record_id, reviews.reason, reviews.note, reviews.on_day)
    rows = ask(chosen.where(*mine).order_by(reviews.id.desc()).limit(few)).all() if count else []
    by_entity: dict[str, set[int]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, set()).add(row.record_id)
    titles = {
        (entity, id): title
        for entity, ids in by_entity.items()
        for id, title in _titles(actor, entity, ids).items()
    }
    return Failed(
        count,
        [
            (entity, id, titles[entity, id], reason, note, day)
            for entity, id, reason, note, day in rows
            if (entity, id) in titles
        ],
    )


def _titles(actor: User, entity: str, ids: set[int]) -> dict[int, str]:
    """Return {id: title} of those of the records that the actor sees."""
    model = access.entities()[entity]
    table = access.table_of(model)
    seen = ask(select(table.c.id).where(table.c.id.in_(ids), *access.rows(model, actor))).scalars()
    return history.names(model, set(seen))


@tips.source(4)
def _did_not_pass(day: tips.Day) -> Iterator[Tip]:
    """Name the actor's own records that failed and are still to be put right. Source: B4, C4"""
    failed = failed_of(day.actor)
    for entity, id, title, _reason, _note, on_day in failed.few:
        said = {"record": " ".join(title[:60].split())}
        message = N_("Did not pass: %(record)s")
        yield Tip(message, said, "bad", on_day, entity=entity, record_id=id)
    if failed.total > len(failed.few):
        more = {"count": failed.total - len(failed.few)}
        yield Tip(N_("%(count)s more of your records did not pass"), more, "bad")
