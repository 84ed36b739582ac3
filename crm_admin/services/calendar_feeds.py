"""Calendar feeds: the secret address under which other calendars read what somebody has. Source: C1

Whoever has the address reads as its owner, so only its hash is kept, and a new one ends the old.
"""

import hashlib
import secrets
import time
from collections import deque
from datetime import timedelta

from icalendar import Calendar
from icalendar import Event as Entry
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.events import Answer, CalendarFeed, Event, EventGuest
from crm_admin.models.users import User
from crm_admin.services import access, calendars, events, records

#: How far back and ahead a feed reaches, and how many events it holds at most.
BACK, AHEAD, MOST = timedelta(days=90), timedelta(days=400), 2_000
#: Other calendars ask every few minutes at most; more often than this, each process refuses.
READS, WITHIN = 30, 60.0
_read: dict[str, deque[float]] = {}


def make(actor: User) -> str:
    """Return a new secret of 256 bits for the actor's feed, within a transaction.

    The last one works no more. The secret itself is kept nowhere.
    """
    secret = secrets.token_urlsafe(32)
    feed = of(actor)
    action = "feed renewed" if feed else "feed made"
    if feed is None:
        feed = CalendarFeed(user_id=actor.id, token_hash="", made_at=clock.now())
        db.session.add(feed)
    feed.token_hash, feed.made_at = _hash(secret), clock.now()
    db.session.flush()
    records.note(actor, actor, action, {})
    return secret


def end(actor: User) -> bool:
    """Switch the actor's feed off; return whether it was on."""
    feed = of(actor)
    if feed is None:
        return False
    db.session.delete(feed)
    db.session.flush()
    records.note(actor, actor, "feed ended", {})
    return True


def of(actor: User) -> CalendarFeed | None:
    """Return the actor's feed, or None where it is off."""
    return db.session.scalar(select(CalendarFeed).where(CalendarFeed.user_id == actor.id))


def reader(secret: str) -> User | None:
    """Return in whose name a secret reads, or None: also for one who may no longer sign in.

    What is looked up is the hash, so that the time it takes tells nothing of the secret.
    """
    statement = (
        select(User)
        .join(CalendarFeed, CalendarFeed.user_id == User.id)
        .where(
            CalendarFeed.token_hash == _hash(secret),
            User.is_active,
            User.is_system.is_(False),
            User.deleted_at.is_(None),
        )
    )
    return db.session.scalar(statement)


def is_read_too_often(secret: str) -> bool:
    """Return whether this process was asked for a feed too often within the last minute."""
    now, place = time.monotonic(), _hash(secret)
    if len(_read) > 10_000:
        _read.clear()
    times = _read.setdefault(place, deque(maxlen=READS))
    while times and now - times[0] > WITHIN:
        times.popleft()
    if len(times) >= READS:
        return True
    times.append(now)
    return False


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def text(actor: User, name: str) -> bytes:
    """Return the actor's calendar as iCalendar, by their rights of this moment.

    It holds their own events, those they said yes to, and what fed sources of the calendar have for
    them. Source: C1 (RFC 5545)

    Args:
        name: what the calendar is called in the program that reads it.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//CRM Admin//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    zone = events.zone_of(actor)
    calendar.add("x-wr-timezone", zone.key)
    for event in _events(actor):
        calendar.add_component(_entry(event, actor))
    today = clock.day_in(zone)
    asked = calendars.Asked(actor, (actor.id,), today - BACK, today + AHEAD, zone)
    for entry in calendars.of_days(asked, fed=True):
        calendar.add_component(_day(entry))
    return bytes(calendar.to_ical())


def _events(actor: User) -> list[Event]:
    """Return the events of the actor's feed, as far as they see them and their times."""
    if not access.allows(actor, "view", Event) or not all(
        access.readable(actor, Event, key) for key in ("starts_at", "ends_at", "owner_id")
    ):
        return []
    now = clock.now()
    accepted = select(EventGuest.event_id).where(
        EventGuest.user_id == actor.id, EventGuest.answer == Answer.YES
    )
    chosen = access.visible(Event, actor).where(
        (Event.owner_id == actor.id) | Event.id.in_(accepted),
        Event.ends_at > now - BACK,
        Event.starts_at < now + AHEAD,
    )
    return list(access.fetch(chosen.order_by(Event.starts_at, Event.id).limit(MOST)))


def _entry(event: Event, actor: User) -> Entry:
    """Return one event; its times are in UTC, its whole days are days."""
    entry = Entry()
    made = int(event.created_at.timestamp())
    entry.add("uid", f"event-{event.id}-{made}@crm-admin")
    entry.add("dtstamp", event.updated_at)
    entry.add("last-modified", event.updated_at)
    entry.add("sequence", event.version)
    if event.is_all_day:
        entry.add("dtstart", event.first_on)
        entry.add("dtend", event.last_on + timedelta(days=1))
    else:
        entry.add("dtstart", event.starts_at)
        entry.add("dtend", event.ends_at)
    said = {"subject": "summary", "place": "location", "notes": "description"}
    for key, name in said.items():
        if getattr(event, key) and access.readable(actor, Event, key, event):
            entry.add(name, getattr(event, key))
    entry.add("status", "CANCELLED" if event.cancelled_at is not None else "CONFIRMED")
    if event.is_private:
        entry.add("class", "PRIVATE")
    return entry


def _day(entry: calendars.Entry) -> Entry:
    """Return what another source has for a day."""
    found = Entry()
    found.add("uid", f"{entry.entity}-{entry.id}-{entry.first_on.isoformat()}@crm-admin")
    found.add("dtstamp", clock.now())
    found.add("dtstart", entry.first_on)
    found.add("dtend", entry.last_on + timedelta(days=1))
    found.add("summary", entry.title)
    found.add("transp", "TRANSPARENT")
    return found
