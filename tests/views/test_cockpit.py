"""The cockpit as people use it: the queue, verdicts, reminders and the table of people."""

import re
from html import unescape

import pytest

from crm_admin.database import db
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.interactions import Interaction
from crm_admin.models.reminders import Reminder
from crm_admin.models.reviews import Review
from crm_admin.services import records, reviews, zones
from tests.conftest import CAST
from tests.make import make
from tests.pages import form_of, words_of
from tests.services.test_reviews import fail, inbox, stand_in
from tests.sweeps.test_queries import counted

PATH = "/cockpit/"
JSON = {"Accept": "application/json"}


@pytest.fixture
def acme(people):
    with records.transaction("tests"):
        record = Customer(name="Acme", account_manager_id=people.ana.id)
        records.save(record, people.ana)
    return record


@pytest.fixture
def talk(people, acme):
    with records.transaction("tests"):
        record = Interaction(customer=acme, author=people.ana, content="Talked of prices")
        records.save(record, people.ana)
        record.written_on = None  # as if from before there was closing
        records.save(record, people.system)
    return record


def sent(record, **more):
    standing = reviews.standing(record.__tablename__, record.id)
    return {
        "at": f"{record.__tablename__}-{record.id}",
        "version": record.version,
        "seen": standing.id if standing else 0,
        "url": "/cockpit/?at=next",
    } | more


def judge(client, record, verdict="passed", headers=None, **more):
    return client.post(
        f"{PATH}verdict/", data=sent(record, verdict=verdict, **more), headers=headers or {}
    )


def state_of(record):
    db.session.expire_all()
    standing = reviews.standing(record.__tablename__, record.id)
    return standing and str(standing.verdict)


def test_the_queue_stands_left_and_one_record_whole_on_the_right(people, client_of, talk, acme):
    page = client_of(people.ben).get(PATH)
    words = words_of(page)
    assert "0 of 2 checked" in words
    assert "Talked of prices" in words
    assert "What is missing" in words
    assert 'data-shown="interactions-' in page.text
    chosen = client_of(people.ben).get(f"{PATH}?at=customers-{acme.id}").text
    assert f'data-shown="customers-{acme.id}"' in chosen
    assert "Talked of prices" in chosen, "the last interactions are in view"


@pytest.mark.parametrize("who", list(CAST))
def test_who_may_open_it_and_what_is_in_it(who, people, client_of, talk):
    client = client_of(getattr(people, who))
    allowed = who in ("ben", "dev")
    at = f"interactions-{talk.id}"
    assert client.get(PATH).status_code == (200 if allowed else 404)
    for address in (f"{PATH}entry/?at={at}", "/team/", "/team/remind/"):
        assert client.get(address).status_code == (200 if allowed else 404), address
    for part in ("verdict/", "remind/"):
        answer = client.post(PATH + part, data=sent(talk, verdict="passed"))
        assert answer.status_code == (302 if allowed else 404), part
    assert state_of(talk) == ("passed" if allowed else None)
    assert client.get("/reminders/").status_code == 200


def test_a_record_out_of_reach_is_not_there(people, client_of):
    theirs = make(Customer, account_manager_id=people.cho.id)
    ben = client_of(people.ben)
    at = f"customers-{theirs.id}"
    assert ben.get(f"{PATH}entry/?at={at}").status_code == 404
    assert f'data-shown="{at}"' not in ben.get(f"{PATH}?at={at}").text
    assert judge(ben, theirs).status_code == 404
    assert ben.post(f"{PATH}remind/", data=sent(theirs)).status_code == 404
    assert ben.get(f"/customers/fill/?id={theirs.id}&part=1").status_code == 404
    assert state_of(theirs) is None
    for nonsense in ("users-1", "customers-", "no-1", "customers-x", "", "expenses-1"):
        assert ben.get(f"{PATH}entry/?at={nonsense}").status_code == 404
        assert ben.get(f"{PATH}?at={nonsense}").status_code == 200
    assert ben.get(f"{PATH}?day=x&person=y&state=z&page=99&entity=users").status_code == 200


def test_without_scripts_a_verdict_leads_to_the_next(people, client_of, talk):
    ben = client_of(people.ben)
    answer = judge(ben, talk)
    assert (answer.status_code, answer.location) == (302, "/cockpit/?at=next")
    assert state_of(talk) == "passed"
    answer = judge(ben, talk, "failed", url="https://elsewhere.example/", reason="too_thin")
    assert answer.location == PATH, "it leads to no other site"
    assert inbox(people.ana) == ["Ben failed “Talked of prices”: Says too little"]


def test_the_script_is_told_how_the_entry_and_the_counts_stand(people, client_of, talk):
    told = judge(client_of(people.ben), talk, headers=JSON).json
    assert (told["state"], told["looked_at"], told["total"]) == ("passed", 1, 2)
    assert told["states"] == {"": 2, "new": 1, "passed": 1, "failed": 0, "fixed": 0}
    assert told["progress"] == "1 of 2 checked"


def test_what_is_refused_is_told(people, client_of, talk):
    ben = client_of(people.ben)
    answer = judge(ben, talk, "failed", headers=JSON)
    assert (answer.status_code, answer.json["fields"]) == (400, ["reason"])
    stale = judge(ben, talk, headers=JSON, version=7)
    assert (stale.status_code, stale.json["stale"]) == (409, True)
    assert judge(ben, talk, "praised").status_code == 404
    assert state_of(talk) is None
    judge(ben, talk, "failed", here=PATH)
    assert "Say why it fails" in words_of(ben.get(PATH))


def test_the_last_verdict_is_taken_back(people, client_of, talk):
    ben = client_of(people.ben)
    judge(ben, talk)
    told = ben.post(f"{PATH}undo/", headers=JSON).json
    assert (told["at"], told["state"]) == (f"interactions-{talk.id}", "new")
    assert state_of(talk) is None
    assert ben.post(f"{PATH}undo/", headers=JSON).json["error"] == "There is nothing to take back."
    assert ben.get(f"{PATH}undo/").status_code == 405


def test_what_failed_comes_back_once_it_is_fixed(people, client_of, talk):
    ben, ana = client_of(people.ben), client_of(people.ana)
    judge(ben, talk, "failed", reason="no_result", note="What did they say?")
    assert "What did they say?" in words_of(ana.get("/reminders/"))
    page = ana.get(f"/interactions/details/?id={talk.id}")
    assert "No result · What did they say?" in words_of(page)
    assert "No result" not in words_of(
        client_of(people.eve).get(f"/interactions/details/?id={talk.id}")
    )
    form = form_of(ana.get(f"/interactions/edit/?id={talk.id}"))
    form |= {"effect": "They will buy"}
    assert ana.post(f"/interactions/edit/?id={talk.id}", data=form).status_code == 302
    words = words_of(ben.get(f"{PATH}?state=fixed"))
    assert "They will buy" in words
    assert "No result · What did they say?" in words
    assert "What did they say?" not in words_of(ana.get("/reminders/"))


def test_a_reminder_by_one_key_reaches_once_a_day(people, client_of, talk):
    ben = client_of(people.ben)
    told = ben.post(f"{PATH}remind/", data=sent(talk), headers=JSON).json
    assert told["said"] == "1 person reminded."
    again = ben.post(f"{PATH}remind/", data=sent(talk), headers=JSON).json
    assert again["said"] == "Already reminded of this today."
    assert inbox(people.ana) == ["Ben reminds you: “Talked of prices” is incomplete."]


def test_what_is_missing_is_filled_in_beside_the_queue(people, client_of, talk):
    ben, at = client_of(people.ben), f"interactions-{talk.id}"
    shown = ben.get(f"{PATH}entry/?at={at}").text
    there = unescape(re.search(r'href="([^"]*/fill/[^"]*)"[^>]*data-fix', shown)[1])
    part = ben.get(f"{there}&part=1")
    assert "<html" not in part.text
    assert "effect" in form_of(part, "data-fix-form")
    assert "content" not in form_of(part, "data-fix-form"), "what is there is not asked again"
    form = form_of(ben.get(there), "data-fix-form")
    form |= {"effect": "They will buy"}
    saved = ben.post(there, data=form | {"part": "1"})
    assert saved.json["said"] == "Saved."
    db.session.expire_all()
    assert talk.effect == "They will buy"
    form |= {"part": "1", "effect": "No at all"}
    stale = ben.post(there, data=form)
    assert "<html" not in stale.text
    assert "Yours Effect They will buy No at all Keep mine" in words_of(stale)
    db.session.expire_all()
    assert talk.effect == "They will buy"


def test_filling_in_changes_no_other_field(people, client_of, talk):
    ben = client_of(people.ben)
    there = f"/interactions/fill/?id={talk.id}"
    data = {"version": talk.version, "fields": "closed_at,search_text", "part": 1}
    ben.post(there, data=data | {"closed_at": "2020-01-01", "search_text": "x"})
    db.session.expire_all()
    assert talk.search_text != "x"
    assert talk.closed_at is None


def test_the_table_shows_each_person_and_leads_to_their_queue(people, client_of, talk, acme):
    fail(talk, people.dev, reason="late")
    page = client_of(people.ben).get("/team/")
    assert f"/cockpit/?person={people.ana.id}" in page.text
    assert "Cho" not in words_of(page)
    assert "Cho" in words_of(client_of(people.dev).get("/team/?sort=failed&desc=1"))
    for sort in ("name", "incomplete", "reminders", "nonsense"):
        assert client_of(people.ben).get(f"/team/?sort={sort}").status_code == 200


def test_everybody_is_reminded_after_a_preview(people, client_of, talk, acme):
    make(Customer, account_manager_id=people.cho.id)
    ben = client_of(people.ben)
    preview = words_of(ben.get("/team/remind/"))
    assert "Ana" in preview
    assert "Incomplete 2" in preview
    assert "Cho" not in preview
    assert inbox(people.ana) == [], "nobody has heard of it yet"
    assert ben.post("/team/remind/send/", data={"person": people.ana.id}).status_code == 302
    assert inbox(people.ana) == ["Ben reminds you: 2 incomplete, 0 not closed, 0 failed."]
    ben.post("/team/remind/send/")
    assert len(inbox(people.ana)) == 1
    assert db.session.query(Reminder).count() == 2
    assert ben.post("/team/remind/send/", data={"person": people.cho.id}).status_code == 404
    assert "Acme" in words_of(client_of(people.ana).get("/reminders/"))


def test_who_looks_as_somebody_else_judges_nothing(people, client_of, talk):
    dev = client_of(people.dev)
    dev.post("/view-as/", data={"id": people.ben.id})
    judge(dev, talk)
    assert db.session.query(Review).count() == 0


def test_the_page_asks_the_database_little_however_much_there_is(people, client_of, acme):
    ben, asked = client_of(people.ben), []
    for number in (3, 30):
        with records.transaction("tests"):
            for n in range(number):
                records.save(Contact(name=f"Person {n}", customer=acme), people.ana)
        ben.get(PATH)
        with counted(40) as statements:
            assert ben.get(f"{PATH}?at=customers-{acme.id}").status_code == 200
        asked.append(len(statements))
    assert asked[0] == asked[1]


def test_fields_that_are_hidden_are_so_here_too(people, client_of, talk):
    from tests.services.test_access import give

    grants = {"*": {"view": "below", "review": "below"}, "roles": {}}
    give(people.ben, grants, fields={"interactions": {"effect": "hidden", "place": "hidden"}})
    with records.transaction("tests"):
        talk.effect, talk.place = "A secret end", "A secret place"
        records.save(talk, people.ana)
    text = client_of(people.ben).get(f"{PATH}?at=interactions-{talk.id}").text
    assert "Talked of prices" in text
    assert "secret" not in text


def test_days_are_stepped_through(people, client_of, talk):
    ben, today = client_of(people.ben), zones.today()
    assert "Talked of prices" in ben.get(f"{PATH}?day={today}").text
    assert "Talked of prices" not in ben.get(f"{PATH}?day=2020-01-01").text
    assert f"day={today}" not in ben.get(f"{PATH}?day=2020-01-01").text
    assert "Nothing to look at" in words_of(ben.get(f"{PATH}?day=2020-01-01"))
    judge(ben, talk, "failed", reason="late")
    assert "Talked of prices" in ben.get(f"{PATH}?day=any").text


def test_the_first_day_of_all_leads_to_an_early_one(people, client_of):
    for day in ("0001-01-01", "9999-12-31"):
        assert client_of(people.ben).get(f"{PATH}?day={day}").status_code == 200


def test_who_stands_in_sees_no_verdicts_to_give_on_whom_they_stand_in_for(people, client_of, acme):
    own = make(Customer, name="Own", account_manager_id=people.ben.id)
    stand_in(people.eve, people.ben)
    client = client_of(people.eve)
    assert 'name="verdict"' in client.get(f"{PATH}entry/?at=customers-{acme.id}").text
    assert 'name="verdict"' not in client.get(f"{PATH}entry/?at=customers-{own.id}").text
    judge(client, own)
    judge(client, acme)
    assert (state_of(own), state_of(acme)) == (None, "passed")
