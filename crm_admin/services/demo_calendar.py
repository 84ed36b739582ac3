"""The calendar of demo data: what people have this week and the next, and how often they visit."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.cadences import Cadence
from crm_admin.models.customers import Customer
from crm_admin.models.events import Event
from crm_admin.models.users import User
from crm_admin.services import cadences, records
from crm_admin.services.demo_company import Staff
from crm_admin.services.demo_dealings import CADENCES
from crm_admin.services.demo_words import Calendar, dice

#: What is planned with a customer: (kind, title, place); {customer} is its name.
WITH_CUSTOMER = (
    ("visit", "拜访{customer}", None),
    ("visit", "{customer}：产品演示", "客户会议室"),
    ("call", "致电{customer}，确认报价", None),
    ("meeting", "与{customer}讨论续约", "二楼会议室"),
    ("appointment", "陪同{customer}用餐", "聚贤阁"),
)
#: So many days around the reference day have something in them.
BEHIND, AHEAD = 4, 11


def settle(actor: User, staff: Staff, calendar: Calendar, seed: int) -> None:
    """Add cadences and events, unless there are some, within a transaction."""
    if db.session.scalar(select(Event.id).limit(1)) is not None:
        return
    if db.session.scalar(select(Cadence.id).limit(1)) is None:
        _cadences(actor)
    sellers = [id for office in staff.sellers.values() for id in office]
    random = dice(seed, calendar.day, "calendar")
    for id in sellers:
        _of_seller(random, id, calendar, actor)
    for office, head in staff.heads.items():
        _of_team(head, staff.sellers.get(office, []), calendar, actor)


def _cadences(actor: User) -> None:
    counting = [item for item in cadences.kinds() if item.code in ("visit", "meeting")]
    for grade, days in CADENCES.items():
        cadence = Cadence(
            name=f"{grade} 级客户", grade=grade, every_days=days, tells_chief=grade == "A"
        )
        cadence.kinds = list(counting)
        records.save(cadence, actor)


def _of_seller(random: Random, owner_id: int, calendar: Calendar, actor: User) -> None:
    """Plan some visits and calls of one person, and now and then a day of leave."""
    theirs = select(Customer).where(
        Customer.account_manager_id == owner_id, Customer.deleted_at.is_(None)
    )
    known = db.session.scalars(theirs.order_by(Customer.id).limit(40)).all()
    for day in range(-BEHIND, AHEAD):
        if calendar.is_weekend(-day) or not known:
            continue
        for minute in sorted(
            random.sample((540, 630, 840, 930, 1020), random.choice((0, 1, 1, 2)))
        ):
            kind, title, place = random.choice(WITH_CUSTOMER)
            customer = random.choice(known)
            length = 30 if kind == "call" else random.choice((60, 60, 90))
            event = _event(owner_id, calendar, day, minute, length)
            event.subject = title.format(customer=customer.short_name or customer.name)[:200]
            event.kind, event.place, event.customer_id = kind, place, customer.id
            records.save(event, actor)
    workdays = [day for day in range(1, AHEAD) if not calendar.is_weekend(-day)]
    if random.random() < 0.3:
        event = _event(owner_id, calendar, random.choice(workdays), 0, 60)
        event.subject, event.kind, event.is_all_day = "年假", "leave", True
        records.save(event, actor)
    if random.random() < 0.3:
        event = _event(owner_id, calendar, random.choice(workdays), 720, 60)
        event.subject, event.kind, event.is_private = "体检", "other", True
        records.save(event, actor)


def _of_team(head: int, team: Sequence[int], calendar: Calendar, actor: User) -> None:
    """Let the head of an office meet the team every Monday, and invite it to an outing."""
    guests = db.session.scalars(select(User).where(User.id.in_(team))).all()
    for day in range(-BEHIND, AHEAD):
        weekday = (calendar.day + timedelta(days=day)).weekday()
        if weekday not in (0, 4):
            continue
        if weekday == 4 and day < 7:
            continue
        event = _event(head, calendar, day, 525 if weekday == 0 else 960, 60)
        event.subject = "销售周会" if weekday == 0 else "团队活动：羽毛球"
        event.kind = "meeting" if weekday == 0 else "team"
        event.place = "大会议室" if weekday == 0 else "体育中心"
        event.guests = list(guests)
        records.save(event, actor)


def _event(owner_id: int, calendar: Calendar, day: int, minute: int, length: int) -> Event:
    starts = calendar.moment(-day, minute)
    return Event(
        owner_id=owner_id,
        starts_at=starts,
        ends_at=starts + timedelta(minutes=length),
        time_zone=calendar.zone.key,
    )
