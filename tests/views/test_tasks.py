"""Tasks on their pages: done with one click, taken back, added from a line, found by views."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from crm_admin import clock
from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.tasks import Priority, Repeat, Task, TaskStatus
from crm_admin.services import zones
from tests.make import make
from tests.pages import form_of, words_of


@pytest.fixture
def today(app):
    return clock.day_in(zones.here())


def task_of(person, **values):
    return make(Task, **{"subject": "Call Quokka", "assignee_id": person.id} | values)


def key(task):
    return f"{task.id}:{task.version}"


def open_ones():
    db.session.expire_all()
    found = select(Task).where(Task.status == TaskStatus.OPEN, Task.deleted_at.is_(None))
    return db.session.scalars(found.order_by(Task.id)).all()


def undo_of(page):
    """Return what the button sends that takes the last action back."""
    form = page.text.partition('class="toast success"')[2].partition("</form>")[0]
    assert 'action="/tasks/reopen/"' in form
    return {
        name: form.partition(f'name="{name}" value="')[2].partition('"')[0]
        for name in ("task", "url")
    }


def test_the_first_page_has_what_is_due_and_a_click_does_it(people, client_of, today):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    yesterday = today - timedelta(days=1)
    late = task_of(people.ana, due_on=yesterday, customer=acme, priority=Priority.HIGH)
    task_of(people.ana, subject="Next week", due_on=today + timedelta(days=7))
    task_of(people.ben, subject="Ben's own", due_on=today)
    client = client_of(people.ana)
    page = client.get("/")
    assert "Call Quokka" in page.text and "Acme" in page.text and "1 overdue" in words_of(page)
    assert "Next week" not in page.text and "Ben's own" not in page.text
    answer = client.post("/tasks/done/", data={"task": key(late), "url": "/"})
    assert (answer.status_code, answer.location) == (302, "/")
    page = client.get("/")
    assert "Done: Call Quokka" in words_of(page)
    assert "Nothing is due today." in words_of(page)
    client.post("/tasks/reopen/", data=undo_of(page))
    db.session.expire_all()
    assert late.status == TaskStatus.OPEN
    assert "Call Quokka" in client.get("/").text


def test_a_second_click_does_nothing_more(people, client_of, today):
    task, client = task_of(people.ana, due_on=today, repeat=Repeat.DAILY), client_of(people.ana)
    sent = {"task": key(task), "url": "/"}
    client.post("/tasks/done/", data=sent)
    client.post("/tasks/done/", data=sent)
    assert "This task was done already." in words_of(client.get("/"))
    assert [one.due_on for one in open_ones()] == [today + timedelta(days=1)]


def test_what_changed_since_is_not_done_unseen(people, client_of):
    task, client = task_of(people.ana), client_of(people.ana)
    sent = {"task": f"{task.id}:{task.version + 1}"}
    page = client.post("/tasks/done/", data=sent, follow_redirects=True)
    assert "Someone else saved this record" in words_of(page)
    assert len(open_ones()) == 1
    assert client.post("/tasks/done/", data={"task": str(task.id)}).status_code == 400


def test_how_it_went_is_said_on_the_page(people, client_of):
    task, client = task_of(people.ana), client_of(people.ana)
    page = client.get(f"/tasks/details/?id={task.id}")
    assert "How it went" in page.text
    client.post("/tasks/done/", data={"task": key(task), "result": "They order"})
    page = client.get(f"/tasks/details/?id={task.id}")
    assert "They order" in page.text
    assert "How it went" not in page.text and "Open again" in page.text


def test_who_may_only_look_is_offered_nothing_and_refused(people, client_of, today):
    task, client = task_of(people.ana, due_on=today), client_of(people.fay)
    for address in ("/tasks/", f"/tasks/details/?id={task.id}"):
        page = client.get(address)
        assert "Call Quokka" in page.text
        assert f'value="{key(task)}"' not in page.text, address
    for step in ("done", "drop", "reopen"):
        assert client.post(f"/tasks/{step}/", data={"task": key(task)}).status_code == 403
    for step in ("done", "drop", "reopen"):
        answer = client_of(people.cho).post(f"/tasks/{step}/", data={"task": key(task)})
        assert answer.status_code == 404
    assert len(open_ones()) == 1
    assert client.post("/tasks/quick/", data={"subject": "New"}).status_code == 403


def test_the_rows_of_open_tasks_have_a_button(people, client_of):
    task, client = task_of(people.ana), client_of(people.ana)
    assert f'value="{key(task)}"' in client.get("/tasks/").text
    client.post("/tasks/done/", data={"task": key(task), "url": "/tasks/"})
    db.session.expire_all()
    assert f'name="task" value="{key(task)}" data-row-action' not in client.get("/tasks/").text


def test_the_views_of_the_list_show_what_they_say(people, client_of, today):
    task_of(people.ana, subject="Late one", due_on=today - timedelta(days=3))
    task_of(people.ana, subject="Later one", due_on=today + timedelta(days=3))
    task_of(people.ben, subject="Of Ben", due_on=today)
    client = client_of(people.ben)
    found = client.get("/tasks/").text.partition('class="view-tabs"')[2].partition("</nav>")[0]
    addresses = [part.partition('"')[0].replace("&amp;", "&") for part in found.split('href="')[1:]]
    shown = {}
    for address in addresses:
        page = client.get(address)
        assert 'aria-current="page"' in page.text, address
        shown[address] = [t for t in ("Late one", "Later one", "Of Ben") if t in page.text]
    assert list(shown.values()) == [
        ["Late one", "Later one", "Of Ben"],
        ["Of Ben"],
        [],
        ["Late one", "Later one", "Of Ben"],
        ["Late one"],
        [],
    ]


def test_a_line_on_the_first_page_adds_a_task_of_ones_own(people, client_of, today):
    client = client_of(people.ana)
    day = (today + timedelta(days=1)).isoformat()
    sent = {"subject": "Call Acme", "due_on": day, "url": "/", "form_key": "once"}
    for _ in range(2):  # a double click
        assert client.post("/tasks/quick/", data=sent).location == "/"
    [task] = open_ones()
    assert (task.subject, task.due_on.isoformat(), task.assignee_id) == (
        "Call Acme",
        day,
        people.ana.id,
    )


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"subject": " ", "due_on": ""}, "Subject"),
        ({"subject": "Call", "due_on": "2026-02-30"}, "“2026-02-30” is no day."),
        ({"subject": "x" * 300, "due_on": ""}, "200"),
    ],
)
def test_a_line_that_makes_no_task_says_why(people, client_of, sent, said):
    page = client_of(people.ana).post("/tasks/quick/", data=sent, follow_redirects=True)
    assert said in words_of(page)
    assert open_ones() == []


def test_a_reminder_is_asked_for_as_days_before(people, client_of):
    client = client_of(people.ana)
    form = {"subject": "Visit", "due_on": "2026-12-10", "lead": "7", "priority": "normal"}
    form |= {"repeat": "never", "repeat_every": "1", "status": "open"}
    answer = client.post("/tasks/new/", data=form)
    assert answer.status_code == 302, answer.text
    [task] = open_ones()
    here = task.remind_at.astimezone(zones.here())
    assert (here.date(), here.hour) == (date(2026, 12, 3), 9)


def test_a_new_task_begins_with_the_customer_of_its_contact(people, client_of):
    acme = make(Customer, name="Acme Quokka", account_manager_id=people.ana.id)
    contact = make(Contact, customer=acme)
    page = client_of(people.ana).get(f"/tasks/new/?contact={contact.id}")
    assert form_of(page)["customer"] == str(acme.id)


def test_a_customers_page_shows_its_tasks_among_what_passed(people, client_of, today):
    acme = make(Customer, account_manager_id=people.ana.id)
    make(Interaction, customer=acme, content="Was there", author_id=people.ana.id)
    task_of(people.ana, customer=acme, due_on=today + timedelta(days=2))
    page = client_of(people.ana).get(f"/customers/details/?id={acme.id}").text
    timeline = page.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    assert timeline.index("Call Quokka") < timeline.index("Was there")
    assert "Task · Open" in timeline
    assert 'href="/tasks/new/?customer=' in page
