"""Forty people grab a hundred customers at once: each goes to one of them, and limits hold."""

import random
from collections import Counter
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.models.customers import Assignment, Customer, Part
from crm_admin.models.users import User
from crm_admin.services import organisation, records
from tests.make import make
from tests.pages import words_of

MOST = 5


@pytest.mark.attack
def test_of_forty_who_grab_a_hundred_customers_one_gets_each(app, people, client_of):
    users, ids = hire(40), [make(Customer, name=f"Free {n}").id for n in range(100)]
    app.config["CUSTOMERS_PER_PERSON"] = MOST
    try:
        ends = grab([client_of(db.session.get(User, id)) for id in users], ids)
    finally:
        app.config["CUSTOMERS_PER_PERSON"] = 300
    assert {end for _won, _lost, _full, end in ends} == {"done"}
    held = Counter(holders(ids).values())
    assert sum(held.values()) == len(ids)
    assert max(held.values()) <= MOST
    won = sum(won for won, *_ in ends)
    answers = sum(won + lost + full for won, lost, full, _end in ends)
    assert (won, answers) == (len(ids), len(ids) * len(users))


def hire(number):
    """Add so many salespeople."""
    role, ids = organisation.role("sales"), []
    for n in range(number):
        user = make(User, username=f"grabber{n}", name=f"Grabber {n}")
        with records.transaction("tests"):
            user.roles = [role]
            records.save(user, organisation.system())
        ids.append(user.id)
    return ids


def holders(ids):
    """Return {customer: who looks after it}, by the one open assignment and by its own column."""
    opened = select(Assignment.customer_id, Assignment.user_id).where(
        Assignment.customer_id.in_(ids),
        Assignment.part == Part.ACCOUNT_MANAGER,
        Assignment.until_at.is_(None),
    )
    rows = db.session.execute(opened).all()
    kept = dict(db.session.execute(select(Customer.id, Customer.account_manager_id)).all())
    assert len(rows) == len({id for id, _ in rows}) == len(ids), "one open assignment each"
    assert {id: kept[id] for id in ids} == dict(rows), "column and assignment agree"
    return dict(rows)


def grab(clients, ids):
    """Let each browser try every customer in an order of its own, all at once.

    Return (won, lost, refused for being full, how it ended) of each.
    """
    ready, ends = Barrier(len(clients)), [None] * len(clients)

    def run(place, client):
        order = random.Random(place).sample(ids, len(ids))
        won = lost = full = 0
        try:
            ready.wait(60)
            for id in order:
                answer = client.post(
                    "/customers/pool/take/",
                    data={"rowid": id, "url": "/inbox/"},
                    follow_redirects=True,
                )
                assert answer.status_code == 200, answer.status_code
                text = words_of(answer)
                won += "You now look after Free" in text
                lost += "Already looked after by Grabber" in text
                full += f"You look after {MOST} customers; that is the most" in text
            ends[place] = (won, lost, full, "done")
        except Exception as problem:
            ends[place] = (won, lost, full, repr(problem))

    threads = [Thread(target=run, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(900)
    db.session.rollback()
    return ends
