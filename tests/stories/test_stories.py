"""What people do in a day, done in a browser."""

import re

import pytest

from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from tests.browser import barriers
from tests.conftest import PASSWORD
from tests.make import make

WIDE, NARROW = {"width": 1360, "height": 850}, {"width": 390, "height": 844}


@pytest.fixture
def acme(people):
    return make(Customer, name="Acme 天剑", city="Beijing", account_manager_id=people.ana.id)


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["desk", "phone"])
@pytest.mark.parametrize(
    ("locale", "save", "history"),
    [
        ("en", "Save", "History of changes"),
        ("zh-CN", "保存", "变更历史"),
        ("zh-TW", "儲存", "變更"),
    ],
)
def test_a_customer_is_found_and_changed_by_keyboard_and_its_history_tells(
    acme, enter, window, locale, save, history
):
    page = enter("ana", locale=locale, viewport=window)
    page.keyboard.press("Control+k")
    page.keyboard.type("天剑")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/details/**")
    page.goto(page.url.replace("details", "edit"))
    page.focus("#city")
    page.keyboard.press("Control+a")
    page.keyboard.type("Shanghai")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/customers/details/**")
    page.locator("details.fold summary").click()
    assert "Beijing" in page.locator(".history del").first.inner_text()
    assert "Shanghai" in page.locator(".history ins").first.inner_text()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= window["width"], "the page is wider than its window"


def test_deleting_asks_first_and_can_be_taken_back(acme, enter):
    page = enter("ana", locale="en")
    page.goto(f"/customers/details/?id={acme.id}")
    page.get_by_role("button", name="Delete").click()
    page.locator("dialog#confirm[open] button[value=no]").click()
    assert page.url.endswith(f"/customers/details/?id={acme.id}")
    page.get_by_role("button", name="Delete").first.click()
    page.locator("dialog#confirm[open] [data-yes]").click()
    page.wait_for_url(re.compile("/customers/$"))
    assert "Acme" not in page.locator("main table, .empty").first.inner_text()
    page.goto("/customers/?bin=1")
    page.get_by_role("button", name="Restore").click()
    page.goto(f"/customers/details/?id={acme.id}")
    assert "Acme" in page.locator("h1").inner_text()


def test_another_record_is_chosen_by_keyboard(acme, enter, people):
    make(Customer, name="Other", account_manager_id=people.ana.id)
    page = enter("ana", locale="en")
    page.goto("/contacts/new/")
    box = page.get_by_role("combobox", name="Customer")
    box.focus()
    page.keyboard.type("天剑")
    page.get_by_role("option", name=re.compile("Acme")).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "Acme" in box.input_value()
    page.locator("#name").fill("Li")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/contacts/details/**")
    from crm_admin.database import db

    db.session.rollback()
    assert db.session.query(Contact).one().customer_id == acme.id


def test_half_a_name_is_never_saved_as_another_record(acme, enter, people):
    make(Customer, name="Beta", account_manager_id=people.ana.id)
    contact = make(Contact, name="Li Wei", customer=acme)
    page = enter("ana", locale="en")
    page.goto(f"/contacts/edit/?id={contact.id}")
    box, id = page.get_by_role("combobox", name="Customer"), page.locator("[name=customer]")
    box.focus()
    box.fill("Be")
    page.keyboard.press("Control+Enter")  # the name is not chosen yet
    assert page.url.endswith(f"/contacts/edit/?id={contact.id}")
    assert id.input_value() == str(acme.id)
    page.keyboard.press("Enter")
    page.get_by_role("option", name="Beta").wait_for()
    page.keyboard.press("Enter")
    assert box.input_value().startswith("Beta")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/contacts/details/**")
    assert "Beta" in page.locator("main").inner_text()


def test_only_the_chosen_customers_contacts_are_offered(acme, enter, people):
    make(Contact, name="Li Ours", customer=acme)
    make(Contact, name="Li Theirs", customer=make(Customer, account_manager_id=people.ana.id))
    page = enter("ana", locale="en")
    page.goto(f"/interactions/new/?customer={acme.id}")
    page.get_by_role("combobox", name="Contact").fill("Li")
    page.get_by_role("option", name=re.compile("Li Ours")).wait_for()
    assert page.locator("[role=option]").count() == 1


def test_an_emptied_choice_is_saved_as_none(acme, enter, people):
    page = enter("ben", locale="en")
    page.goto(f"/customers/edit/?id={acme.id}")
    box = page.get_by_role("combobox", name="Technical manager")
    box.fill("Ana")
    page.get_by_role("option", name="Ana").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/customers/edit/**")
    page.get_by_text("Saved.").wait_for()
    box = page.get_by_role("combobox", name="Technical manager")
    assert box.input_value() == "Ana"
    box.fill("")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/customers/details/**")
    with page.expect_navigation():
        page.goto(f"/customers/edit/?id={acme.id}")
    assert page.get_by_role("combobox", name="Technical manager").input_value() == ""


def test_what_was_typed_is_not_left_without_a_question(acme, enter):
    page = enter("ana", locale="en")
    page.goto(f"/customers/edit/?id={acme.id}")
    page.locator("#city").fill("Rome")
    page.keyboard.press("Escape")
    page.locator("dialog#confirm[open] button[value=no]").click()
    assert page.locator("#city").input_value() == "Rome"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_with_a_screen_reader_out(acme, enter, server, new_page, scheme):
    stranger = new_page(base_url=server, locale="en", color_scheme=scheme)
    stranger.goto("/sign-in")
    found = _serious(stranger)
    page = enter("ana", locale="en", color_scheme=scheme)
    addresses = ["/", "/customers/", f"/customers/details/?id={acme.id}"]
    for address in [*addresses, f"/customers/edit/?id={acme.id}", "/profile/", "/inbox/"]:
        page.goto(address)
        found += [f"{address}: {barrier}" for barrier in _serious(page)]
    assert found == []


def _serious(page):
    return [b for b in barriers(page) if "(serious)" in b or "(critical)" in b]


def test_the_look_is_dark_at_once_and_stays_dark(acme, enter):
    page = enter("ana", locale="en")
    page.locator("summary[aria-label='Light or dark']").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    page.wait_for_load_state("networkidle")
    page.goto("/customers/")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    brightness = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert max(brightness) < 90


def test_a_phone_is_set_up_and_asked_for_at_the_next_sign_in(people, enter):
    import pyotp

    page = enter("ana", locale="en", viewport=NARROW)
    page.goto("/profile/")
    page.get_by_role("link", name="Set up").click()
    page.fill("#current", PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".qr svg").wait_for()
    assert barriers(page) == []
    phone = pyotp.TOTP(page.locator(".secret").inner_text().replace(" ", ""))
    page.fill("#code", phone.now())
    page.keyboard.press("Enter")
    codes = page.locator(".codes li")
    codes.first.wait_for()
    assert codes.count() == 10
    code = codes.first.inner_text()
    assert barriers(page) == []
    page.context.clear_cookies()
    page.goto("/customers/")
    page.fill("#username", "ana")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#code:focus").wait_for()
    assert barriers(page) == []
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    page.locator("#code-error").wait_for()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW["width"]


def test_an_invitation_is_handed_over_and_used(people, enter, new_page, server):
    from crm_admin.models.users import User

    newcomer = make(User, name="New", username="newcomer", is_active=True)
    page = enter("dev", locale="en")
    page.goto(f"/users/details/?id={newcomer.id}")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("#invitation-link").inner_text()
    assert barriers(page) == []
    guest = new_page(locale="zh-CN", viewport=NARROW)
    guest.goto(link)
    assert barriers(guest) == []
    guest.fill("#password-new", "my kingdom for a mule")
    guest.fill("#password-repeat", "my kingdom for a mule")
    guest.keyboard.press("Enter")
    guest.wait_for_url("**/sign-in")
    guest.fill("#username", "newcomer")
    guest.fill("#password", "my kingdom for a mule")
    guest.keyboard.press("Enter")
    guest.wait_for_url(f"{server}/")
    page.goto(f"/accounts/?user={newcomer.id}")
    assert "Used" in page.locator("main").inner_text()
    assert barriers(page) == []


@pytest.mark.parametrize(
    ("locale", "done", "undo"),
    [("en", "Done: Call Li", "Undo"), ("zh-CN", "已完成：Call Li", "撤销")],
)
def test_a_task_is_added_done_and_taken_back_by_keyboard(people, enter, locale, done, undo):
    page = enter("ana", locale=locale, viewport=WIDE)
    page.keyboard.press("t")
    page.keyboard.type("Call Li")
    page.keyboard.press("Enter")
    task = page.locator("[data-row-link]", has_text="Call Li")
    task.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("d")
    said = page.locator(".toast", has_text=done)
    said.wait_for()
    assert task.count() == 0
    said.get_by_role("button", name=undo).click()
    task.wait_for()
    page.goto("/tasks/?assignee.is=me")
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.locator(".toast", has_text=done).wait_for()
    assert page.locator("[data-row-action]").count() == 0
