"""A supervisor's morning, by the keyboard alone."""

import pytest

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.services import records, reviews
from tests.browser import barriers
from tests.services.test_reviews import inbox
from tests.stories.test_stories import NARROW, WIDE


@pytest.fixture
def talks(people):
    with records.transaction("tests"):
        acme = Customer(name="Acme 天剑", account_manager_id=people.ana.id)
        records.save(acme, people.system)
        found = []
        for text in ("First talk", "Second talk", "Third talk"):
            talk = Interaction(customer=acme, author=people.ana, content=text)
            records.save(talk, people.ana)
            found.append(talk)
    return found[::-1]  # as the queue has them: the latest first


def verdicts(talks):
    db.session.rollback()
    found = [reviews.standing("interactions", talk.id) for talk in talks]
    return [one and str(one.verdict) for one in found]


def opened(page, text):
    page.locator(f".entry h2:has-text('{text}')").wait_for()


@pytest.mark.parametrize(
    ("locale", "checked", "reason"),
    [("en", "2 of 3 checked", "Says too little"), ("zh-CN", "已检查 2 / 3", "内容太简单")],
)
def test_the_queue_is_worked_through_by_keyboard(talks, people, enter, locale, checked, reason):
    page = enter("ben", locale=locale, viewport=WIDE)
    page.goto("/cockpit/?entity=interactions")
    opened(page, "Third talk")
    page.keyboard.press("p")
    opened(page, "Second talk")
    page.keyboard.press("f")
    page.keyboard.press("1")
    page.keyboard.press("Tab")
    page.keyboard.type("What came of it?")
    page.keyboard.press("Enter")
    opened(page, "First talk")
    assert page.locator("[data-progress]").inner_text() == checked
    assert verdicts(talks) == ["passed", "failed", None]
    page.keyboard.press("k")
    opened(page, "Second talk")
    assert f"{reason} · What came of it?" in page.locator(".callout.bad").inner_text()
    assert "at=interactions-" in page.url, "the address leads back here"
    page.keyboard.press("u")
    page.locator(".entry-marks .badge.inf").wait_for()
    assert verdicts(talks) == ["passed", None, None]
    assert inbox(people.ana) == []
    page.keyboard.press("r")
    page.locator(".toasts .toast").last.wait_for()
    page.keyboard.press("Shift+?")
    page.locator("dialog#keys[open]").wait_for()
    page.keyboard.press("Escape")
    assert barriers(page) == []


def test_what_is_missing_is_filled_in_by_keyboard(talks, enter):
    page = enter("ben", locale="en", viewport=WIDE)
    page.goto("/cockpit/?entity=interactions")
    opened(page, "Third talk")
    page.keyboard.press("e")
    page.locator(".fix-place [name=effect]").fill("They will buy")
    page.locator(".fix-place .button.primary").click()
    page.locator(".prose:has-text('They will buy')").wait_for()
    db.session.rollback()
    db.session.expire_all()
    assert talks[0].effect == "They will buy"


def test_on_a_phone_the_list_and_the_entry_take_turns(talks, enter):
    page = enter("ben", locale="en", viewport=NARROW)
    page.goto("/cockpit/?entity=interactions")
    assert not page.locator(".entry").is_visible()
    page.locator(".queue a").nth(1).click()
    opened(page, "Second talk")
    assert not page.locator(".queue").is_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW["width"], "the page is wider than its window"
    page.locator("[data-back]").click()
    page.locator(".queue").wait_for()


def test_without_scripts_it_is_links_and_forms(talks, enter):
    page = enter("ben", locale="en", viewport=WIDE, java_script_enabled=False)
    page.goto("/cockpit/?entity=interactions")
    opened(page, "Third talk")
    page.locator("form[data-verdict=passed] button").click()
    opened(page, "Second talk")
    assert verdicts(talks) == ["passed", None, None]
