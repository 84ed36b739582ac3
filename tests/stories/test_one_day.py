"""The story of one day: written, forgotten, found out in the morning, put right, and counted."""

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crm_admin import clock, jobs
from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction, InteractionStatus
from crm_admin.services import access, crm_use, records, zones
from tests.browser import barriers
from tests.make import make
from tests.stories.test_stories import WIDE

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def customer(people, app, request):
    """One of Ana's customers: of a real file where that is at hand, with all that it names."""
    folder = DATA / request.param
    if not folder.is_dir():
        found = make(Customer, name="Acme 天剑", city="Beijing")
    else:
        root = Path(__file__).parents[2]
        file = folder / {"northwind": "customers.csv", "maven-crm": "accounts.csv"}[request.param]
        mapping = {"northwind": "northwind-customers", "maven-crm": "maven-accounts"}[request.param]
        example = root / "docs" / "examples" / f"{mapping}.toml"
        asked = ["import", "customers", str(file), "--mapping", str(example)]
        done = app.test_cli_runner().invoke(args=asked)
        assert done.exit_code == 0, done.output
        found = access.fetch(access.visible(Customer, people.dev).limit(1))[0]
    with records.transaction("tests"):
        found.account_manager_id = people.ana.id
        records.save(found, people.system)
    if access.fetch(access.visible(Contact, people.dev).limit(1)) == []:
        make(Contact, name="Li Lei", customer=found, is_primary=True)
    return found


def at(day, hour):
    return datetime.combine(day, datetime.min.time(), zones.here()) + timedelta(hours=hour)


def use_of(people):
    db.session.rollback()
    db.session.expire_all()
    [ana] = [u for u in crm_use.of(crm_use.people(people.ben), zones.today()) if u.name == "Ana"]
    return ana


def write(page, customer, content, *, closing):
    """Write an interaction down from the customer's page, by keyboard alone."""
    page.goto(f"/customers/details/?id={customer.id}")
    page.keyboard.press("n")
    page.locator("#content:focus").wait_for()
    page.keyboard.type(content)
    if not closing:
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/customers/details/**")
        return
    page.locator("#kind").select_option("visit")
    page.locator("#place").fill("Their office")
    page.locator("#effect").fill("They like it")
    page.locator("#next_step").fill("Send the offer")
    page.locator("#next_step_on").fill((zones.today() + timedelta(days=3)).isoformat())
    page.keyboard.press("Control+Shift+Enter")
    page.wait_for_url("**/customers/details/**")


def check(desk, day):
    """Let a supervisor work through a day's interactions, the latest first: one fails."""
    desk.goto("/inbox/")
    assert day.isoformat() in desk.locator("main").inner_text()
    desk.goto(f"/cockpit/?day={day}&entity=interactions")
    desk.locator(".entry h2:has-text('Rang about the price')").wait_for()
    desk.keyboard.press("f")
    desk.keyboard.press("1")
    desk.keyboard.press("Tab")
    desk.keyboard.type("What did they say?")
    desk.keyboard.press("Enter")
    desk.locator(".entry h2:has-text('Showed the new edition')").wait_for()
    desk.keyboard.press("p")
    desk.locator("[data-progress]:has-text('2')").wait_for()
    assert barriers(desk) == []


def put_right(page, id):
    """Fill in what the forgotten one lacks, and close it."""
    page.goto(f"/interactions/edit/?id={id}")
    page.locator("#kind").select_option("call")
    page.locator("#place").fill("By telephone")
    page.locator("#effect").fill("They want a discount")
    page.locator("#next_step").fill("None")
    page.keyboard.press("Control+Shift+Enter")
    page.wait_for_url("**/interactions/details/**")


@pytest.mark.parametrize(
    ("customer", "locale", "failed", "use"),
    [("northwind", "en", "Did not pass", "CRM use"), ("maven-crm", "zh-CN", "未通过", "使用")],
    indirect=["customer"],
)
def test_a_day_is_written_down_checked_and_put_right(
    customer, people, enter, monkeypatch, locale, failed, use
):
    today = zones.today().replace(day=10)  # a month's middle: yesterday is of the same month
    now = [at(today, 10)]
    standing = type("Standing", (datetime,), {"now": lambda zone=None: now[0].astimezone(zone)})
    monkeypatch.setattr(clock, "datetime", standing)

    # Ana writes a visit down and closes it; the second she forgets to close.
    page = enter("ana", locale=locale, viewport=WIDE)
    write(page, customer, "Showed the new edition", closing=True)
    write(page, customer, "Rang about the price", closing=False)
    db.session.rollback()
    talks = db.session.query(Interaction).order_by(Interaction.id).all()
    assert [t.status for t in talks] == [InteractionStatus.CLOSED, InteractionStatus.OPEN]
    [kept, forgotten] = [t.id for t in talks]

    # The night.
    tomorrow = today + timedelta(days=1)
    now[0] = at(tomorrow, 0.1)
    jobs.run(jobs.JOBS["close_the_day"], tomorrow, scheduled=True)
    jobs.run(jobs.JOBS["check_completeness"], tomorrow, scheduled=True)

    # The next morning Ben works through yesterday by keyboard alone.
    now[0] = at(tomorrow, 8)
    desk = enter("ben", locale=locale, viewport=WIDE)
    before = use_of(people)
    check(desk, today)
    between = use_of(people)
    assert (between.passed, between.failed, between.fixed) == (1, 1, 0)

    # Ana is told on her first page, puts it right and closes it, late.
    page = enter("ana", locale=locale, viewport=WIDE)
    page.locator("main a", has_text=failed).click()
    page.wait_for_url(f"**/interactions/details/?id={forgotten}*")
    put_right(page, forgotten)
    db.session.rollback()
    db.session.expire_all()
    talk = access.find(Interaction, forgotten, people.system)
    assert talk.status == InteractionStatus.CLOSED_LATE
    assert access.find(Interaction, kept, people.system).status == InteractionStatus.CLOSED

    # What came of it: the score moves, and the file for the appraisal says so.
    after = use_of(people)
    assert (before.still_open, after.still_open, after.closed_late) == (1, 0, 1)
    assert after.fixed == 1
    assert before.score != after.score
    desk.goto(f"/crm-use/?month={today:%Y-%m}")
    assert use in desk.locator("h1").inner_text()
    answer = desk.request.get(f"/crm-use/export/csv/?month={today:%Y-%m}")
    rows = list(csv.reader(io.StringIO(answer.body().decode("utf-8-sig"))))
    assert [str(after.score) in row for row in rows if "Ana" in row] == [True]
