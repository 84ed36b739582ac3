"""An administrator writes a rule, and sees what it would find before it is on."""

import re

from tests.make import make


def test_a_rule_is_tried_while_it_is_written(people, enter):
    """Source: A4"""
    from crm_admin.models.customers import Customer

    for name, phone, grade in (("Acme", "call me", "A"), ("Beta", "13800138000", "A"),
                               ("Gamma", "?", "B")):  # fmt: skip
        make(Customer, name=name, phone=phone, grade=grade)
    page = enter("dev", locale="en")
    page.goto("/rules/new/")
    page.get_by_label("Entity").select_option("customers")
    page.get_by_label("Check").select_option("phone")
    field = page.get_by_label("Field")
    assert field.locator("optgroup").count() == 1
    field.select_option("phone")
    page.get_by_text("2 of 3 records fail").wait_for()
    page.get_by_label("Only when").fill("grade = 'A'")
    page.get_by_text("1 of 2 records fail").wait_for()
    assert page.locator("#rule-words option[value=grade]").count() == 1
    page.get_by_label("Only when").fill("grad = 'A'")
    page.get_by_text(re.compile("Did you mean “grade”")).wait_for()
    page.get_by_label("Only when").fill("grade = 'A'")
    page.get_by_text("1 of 2 records fail").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("What it finds now").wait_for()
    page.get_by_role("link", name="Records that break it").click()
    page.get_by_role("link", name="Acme").wait_for()
    assert page.get_by_role("link", name="Beta").count() == 0
