"""What nobody would send, sent to the routes of the closed day: an answer, and no fault."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from crm_admin import clock
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.events import Event
from crm_admin.models.interactions import Interaction
from crm_admin.models.tasks import Task
from crm_admin.services import zones
from tests.make import make

ODD = (
    "",
    "-1",
    "x",
    "1e9",
    "99999999999999999999999",
    "9223372036854775807",
    "\x00",
    "1\x00",
    "²",
    "'",
    "a" * 5000,
    "\ud83d",
    "0001-01-01",
    "9999-12-31",
    "9999-12",
    "0001-01-01 00:00",
    "2026-W01-1",
    "customers-9223372036854775808",
    "interactions-0",
    "users-1",
    "1:99999999999999999999",
)


@pytest.mark.attack
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_input_fells_no_route_of_the_day(people, client_of, odd):
    dev, today = people.dev, zones.today()
    one = make(Customer, name="Q", account_manager_id=people.ana.id)
    contact = make(Contact, name="C", customer_id=one.id)
    said = make(Interaction, content="S", customer_id=one.id, author_id=people.ana.id)
    task = make(Task, subject="T", due_on=today, assignee_id=dev.id)
    begin = clock.now()
    event = make(Event, subject="E", owner_id=dev.id, starts_at=begin,
                 ends_at=begin + timedelta(hours=1))  # fmt: skip
    client, bad = client_of(dev), []
    lone = odd == "\ud83d"
    sent = odd.encode("utf-8", "surrogatepass").decode("latin-1") if lone else odd
    q = quote(odd, errors="surrogatepass") if lone else quote(odd)

    def check(answer, *what):
        if answer.status_code >= 500:
            bad.append((*what, answer.status_code))

    for get in (
        f"/cockpit/?day={q}",
        f"/cockpit/?at={q}",
        f"/cockpit/?person={q}&department={q}&entity={q}&state={q}&late={q}&page={q}&incomplete={q}",
        f"/cockpit/entry/?at={q}",
        f"/cockpit/entry/?at=customers-{q}",
        f"/cockpit/entry/?at=customers-{one.id}&after={q}&day={q}",
        f"/interactions/fill/?id={said.id}&url={q}&part={q}",
        f"/team/?sort={q}&page={q}",
        f"/team/remind/?person={q}",
        f"/crm-use/?month={q}&person={q}&department={q}",
        f"/crm-use/?month={q}",
        f"/crm-use/?department={q}",
        f"/crm-use/export/csv/?month={q}&months={q}",
        f"/crm-use/export/{q}/",
        f"/completeness/?entity={q}",
        f"/completeness/?person={q}&department={q}&days={q}&page={q}&sort={q}",
        f"/completeness/mine/?entity={q}",
        f"/completeness/mine/?id={q}&entity=customers&page={q}&sort={q}&at={q}",
        f"/customers/fill/?id={q}",
        f"/interactions/fill/?id={q}",
        f"/rules/preview/?entity={q}&kind={q}&field={q}&expression={q}",
        f"/rules/preview/?entity=customers&kind=required&field_key={q}&from_on={q}&only_new=1",
        f"/rules/preview/?entity=customers&kind=holds&field_key=name&parameter={q}&condition={q}",
        f"/rules/preview/?entity=customers&kind=touched&field_key=name&parameter={q}",
        f"/rules/preview/?entity=customers&kind=matches&field_key=name&parameter={q}",
        f"/rules/preview/?entity=customers&kind=shared&field_key={q}&parameter={q}",
        f"/rules/preview/?entity={q}&kind={q}&field_key={q}&parameter={q}&condition={q}",
        f"/rules/breaking/?id={q}",
        f"/rules/breaking/?id=1&page={q}",
        f"/rules/copy/?id={q}",
        f"/interactions/ajax/last_ones/?customer={q}",
        f"/interactions/new/?customer={q}&contact={q}&quick={q}",
        f"/interactions/edit/?id={said.id}&close={q}",
        f"/tasks/new/?customer={q}&contact={q}&interaction={q}&due_on={q}",
        f"/events/new/?starts_at={q}&ends_at={q}&day={q}&customer={q}",
        f"/calendar/?on={q}",
        f"/calendar/?view={q}",
        f"/calendar/?person={q}&people={q}&whose={q}",
        f"/calendar/?view=month&on={q}",
        f"/calendar/?view=day&on={q}&person={q}",
        f"/calendar/feed/{q}.ics",
        f"/visits/?page={q}&person={q}&grade={q}&sort={q}",
        f"/reminders/?page={q}",
        f"/?day={q}",
    ):
        check(client.get(get), get[:70])
    key = f"{task.id}:{task.version}"
    posts = [
        ("/cockpit/verdict/", {"at": sent, "verdict": "passed"}),
        ("/cockpit/verdict/", {"at": f"customers-{one.id}", "verdict": sent}),
        ("/cockpit/verdict/", {"at": f"customers-{one.id}", "verdict": "failed", "version": sent,
                               "seen": sent, "reason": sent, "note": sent}),
        ("/cockpit/verdict/", {"at": f"customers-{one.id}", "verdict": "failed",
                               "version": one.version, "seen": "", "reason": "", "note": sent,
                               "day": sent}),
        ("/cockpit/undo/", {"day": sent}),
        ("/cockpit/remind/", {"at": sent}),
        ("/cockpit/remind/", {"at": f"customers-{one.id}", "day": sent}),
        (f"/customers/fill/?id={one.id}", {"part": sent, "fields": sent, "version": sent,
                                               "name": sent, "phone": sent, "grade": sent}),
        (f"/interactions/fill/?id={said.id}", {"part": "1", "version": said.version,
                           "happened_at": sent, "next_step_on": sent, "guests": sent,
                           "colleagues": sent, "contact": sent, "kind": sent}),
        ("/team/remind/send/", {"person": sent}),
        (f"/customers/fill/?id={q}", {"name": sent}),
        (f"/customers/fill/?id={one.id}", {"name": sent, "version": sent, "phone": sent}),
        (f"/interactions/fill/?id={said.id}", {"fields": "happened_at,next_step_on,guests",
                                               "version": said.version, "happened_at": sent,
                                               "next_step_on": sent, "guests": sent}),
        (f"/interactions/edit/?id={said.id}", {"version": said.version, "customer": one.id,
                                                    "happened_at": sent, "author": sent}),
        ("/rules/switch/", {"id": sent}),
        ("/rules/copy/", {"id": sent}),
        ("/rules/new/", {"entity": sent, "kind": sent, "name": sent, "weight": sent}),
        ("/rules/new/", {"entity": "customers", "kind": "required", "name": "N", "field": sent,
                         "weight": sent, "severity": sent, "from_on": sent, "days": sent}),
        ("/rules/new/", {"entity": "customers", "kind": "expression", "name": "N", "weight": "1",
                         "severity": "warn", "expression": sent, "condition": sent}),
        ("/interactions/close/", {"id": sent, "version": sent}),
        ("/interactions/close/", {"id": said.id, "version": sent}),
        ("/interactions/correct/", {"id": sent, "text": sent}),
        ("/interactions/correct/", {"id": said.id, "text": sent, "content": sent}),
        ("/interactions/ask_reopening/", {"id": said.id, "reason": sent}),
        ("/interactions/answer_reopening/", {"id": said.id, "agreed": sent}),
        ("/interactions/action/", {"action": "close", "rowid": [sent, str(said.id)]}),
        ("/interactions/new/", {"customer": str(one.id), "contact": str(contact.id),
                                "happened_at": sent, "content": "x", "next_step_on": sent,
                                "guests": sent, "colleagues": sent, "form_key": sent}),
        ("/interactions/new/", {"customer": str(one.id), "contact": str(contact.id), "kind": "call",
                                "happened_at": "2026-01-01 10:00", "content": "x", "effect": "y",
                                "place": "z", "next_step": "call", "next_step_on": sent,
                                "_close": "1"}),
        ("/tasks/done/", {"task": sent}),
        ("/tasks/done/", {"task": f"{task.id}:{sent}"}),
        ("/tasks/done/", {"task": key, "result": sent, "url": sent}),
        ("/tasks/drop/", {"task": sent}),
        ("/tasks/reopen/", {"task": sent}),
        ("/tasks/quick/", {"subject": sent, "due_on": sent, "form_key": sent}),
        ("/tasks/quick/", {"subject": "q", "due_on": sent}),
        ("/tasks/new/", {"subject": "S", "due_on": sent, "lead": "14", "repeat": "weekly",
                         "repeat_every": sent, "repeat_until": sent, "assignee": dev.id}),
        ("/tasks/new/", {"subject": "S", "due_on": "2026-01-01", "lead": sent, "repeat": "daily",
                         "repeat_every": "99999999", "assignee": dev.id}),
        ("/tasks/new/", {"subject": "S", "due_on": "9999-12-30", "repeat": "monthly",
                         "repeat_every": "12", "assignee": dev.id, "status": "done"}),
        ("/events/new/", {"subject": "S", "starts_at": sent, "ends_at": sent, "guests": sent}),
        ("/events/new/", {"subject": "S", "starts_at": f"{sent} 10:00", "ends_at": f"{sent} 11:00",
                          "is_all_day": "y", "owner": dev.id}),
        ("/events/new/", {"subject": "S", "first_on": sent, "last_on": sent, "is_all_day": "y",
                          "starts_at": sent, "ends_at": "9999-12-31 23:59"}),
        ("/events/answer/", {"id": sent, "answer": sent, "version": sent}),
        ("/events/answer/", {"id": event.id, "answer": sent}),
        ("/events/cancel/", {"id": event.id, "version": sent}),
        ("/calendar/feed/make/", {"x": sent}),
    ]  # fmt: skip
    for address, data in posts:
        check(client.post(address, data=data), address[:60], str(data)[:120])
    assert bad == []
