"""Every route that takes a form, at once: none without its token, none while looking as another."""

import pytest

from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.services import records, reminders
from tests.attacks import cast
from tests.make import make
from tests.sweeps.routes import addresses

SENT = {"id": "1", "rowid": "1", "action": "delete", "name": "clean_up", "at": "customers-1",
        "verdict": "passed", "version": "1", "task": "1:1", "person": "1"}  # fmt: skip
#: What one may send while one looks as somebody else: these end it.
ENDS = {"view_as.end", "signing_in.sign_out"}
NEW = {"cockpit.verdict", "team.send", "calendar.make_feed", "calendar.end_feed",
       "interactions.close", "interactions.answer_reopening", "tasks.done", "events.answer",
       "rules.switch", "customers.fill_view"}  # fmt: skip


def test_no_route_takes_a_form_without_its_token(site, people, client_of, monkeypatch):
    """No route is exempt: the only ones read without a session, such as feeds, take no form."""
    there = {rule.endpoint for rule in site.url_map.iter_rules() if "POST" in rule.methods}
    tried = dict(addresses(site, "POST"))
    assert tried.keys() == there > NEW
    guard = site.extensions["csrf"]
    assert not guard._exempt_views and not guard._exempt_blueprints
    monkeypatch.setitem(site.config, "WTF_CSRF_ENABLED", True)
    client, before = client_of(people.dev), cast.dump()
    statuses = {e: client.post(a, data=SENT).status_code for e, a in tried.items()}
    assert {e: s for e, s in statuses.items() if s != 400} == {}
    assert cast.dump() == before


@pytest.mark.parametrize("who", ["ana", "ben"])
def test_who_looks_as_somebody_else_changes_nothing_by_any_route(who, site, people, client_of):
    """Neither by a form nor by looking: no mark of what was seen, no message that was read."""
    client, user = client_of(people.dev), getattr(people, who)
    one = make(Customer, name="Acme", account_manager_id=user.id)
    talk = make(Interaction, customer_id=one.id, author_id=people.ana.id, content="Talked")
    with records.transaction("tests"):
        lacking = [t for t in reminders.lacking_in(one) if t.person_id != people.dev.id]
        reminders.remind(lacking, people.dev)  # leaves an unread message
    ordinary = client_of(people.dev).post("/calendar/feed/make/")
    assert ordinary.status_code == 302  # as oneself one may
    assert client.post("/view-as/", data={"id": user.id}).status_code == 302
    before = cast.dump()
    answers = {
        endpoint: client.post(address, data=SENT).status_code
        for endpoint, address in addresses(site, "POST")
        if endpoint not in ENDS
    }
    assert {e: s for e, s in answers.items() if s not in (403, 404)} == {}
    for _endpoint, address in addresses(site, "GET"):
        for id in (one.id, talk.id):
            asked = f"?id={id}&at=customers-{one.id}&entity=customers"
            assert client.get(f"{address}{asked}").status_code < 500, address
    assert cast.dump() == before
