"""The pool, as people use it on the pages."""

import pytest

from crm_admin.database import db
from crm_admin.models.customers import Customer
from crm_admin.services import organisation, records
from tests.make import make
from tests.pages import words_of
from tests.services.test_access import give

PATH = "/customers/pool/"


def now(record):
    db.session.expire_all()
    return record


def take(client, *ids):
    return client.post(f"{PATH}take/", data={"rowid": [getattr(i, "id", i) for i in ids]})


def told(client, *ids):
    return words_of(client.post(
        f"{PATH}take/", data={"rowid": [getattr(i, "id", i) for i in ids]}, follow_redirects=True
    ))  # fmt: skip


def test_the_pool_holds_what_nobody_looks_after(people, client_of):
    make(Customer, name="Free Ltd", city="Oslo", phone="555-0101")
    make(Customer, name="Mine Ltd", account_manager_id=people.ana.id)
    make(Customer, name="Theirs Ltd", account_manager_id=people.cho.id)
    gone = make(Customer, name="Gone Ltd")
    with records.transaction("tests"):
        records.delete(gone, people.system)
    ana = client_of(people.ana)
    page = ana.get(PATH)
    for name, there in (("Free", True), ("Mine", False), ("Theirs", False), ("Gone", False)):
        assert (f"{name} Ltd" in page.text) is there
    assert "Oslo" in page.text
    assert "555-0101" not in page.text
    assert "details/?id=" not in page.text, "who may not open it is led nowhere"
    assert "You look after 1 of at most 300 customers." in words_of(page)
    assert "details/?id=" in client_of(people.dev).get(PATH).text


def test_the_pool_is_searched_sorted_and_paged(people, client_of):
    for number in range(25):
        make(Customer, name=f"Name {number + 60}", city=f"City {24 - number:02}")
    ana = client_of(people.ana)
    text = words_of(ana.get(f"{PATH}?search=Name+67"))
    assert "Name 67" in text
    assert "1 record " in text
    assert "Name 68" not in text
    text = ana.get(f"{PATH}?sort=city&size=20").text
    assert text.index("Name 84") < text.index("Name 66")
    assert "Name 64" not in text
    assert "Name 64" in ana.get(f"{PATH}?sort=city&size=20&page=2").text
    assert ana.get(f"{PATH}?sort=pooled_at&desc=1").status_code == 200
    assert ana.get(f"{PATH}?page=99").status_code == 200
    assert "No customer in the pool fits this." in words_of(ana.get(f"{PATH}?search=Nothing"))


def test_filters_in_the_address_open_no_other_customers(people, client_of):
    make(Customer, name="Theirs Ltd", account_manager_id=people.cho.id)
    ana = client_of(people.ana)
    for asked in ("account_manager.is=3", "account_manager.filled=1", "bin=1", "city.empty=1"):
        assert "Theirs Ltd" not in ana.get(f"{PATH}?{asked}").text
    assert "The pool is empty" in words_of(ana.get(PATH))


@pytest.mark.parametrize("limit", ["hidden", "masked"])
def test_fields_that_are_limited_are_so_here_too(people, client_of, limit):
    make(Customer, name="Free Ltd", city="Oslo")
    grants = {"customers": {"view": "own", "claim": "all"}}
    fields = {"customers": {"city": limit, "account_manager_id": limit}}
    make(Customer, name="Theirs Ltd", account_manager_id=people.cho.id)
    give(people.ana, grants, fields=fields)
    ana = client_of(people.ana)
    page = ana.get(f"{PATH}?search=Oslo")
    assert "Free Ltd" not in page.text, "nobody finds by what they may not see"
    page = ana.get(PATH)
    assert "Free Ltd" in page.text
    assert "Theirs Ltd" not in page.text
    assert "Oslo" not in page.text
    assert ("City" in words_of(page)) is (limit == "masked")
    assert "sort=city" not in page.text


@pytest.mark.parametrize(
    ("who", "status"),
    [("ana", 200), ("ben", 200), ("cho", 200), ("dev", 200), ("eve", 403), ("fay", 403)],
)
def test_the_pool_is_for_who_may_take_from_it(people, client_of, who, status):
    free, client = make(Customer), client_of(getattr(people, who))
    assert client.get(PATH).status_code == status
    assert ('href="/customers/pool/"' in client.get("/").text) is (status == 200)
    assert take(client, free).status_code == (302 if status == 200 else 403)
    assert (now(free).account_manager_id is not None) is (status == 200)


def test_who_sees_no_customers_sees_no_pool(people, client_of):
    give(people.ana, {"customers": {"claim": "all"}})
    assert client_of(people.ana).get(PATH).status_code == 404


def test_the_menu_marks_the_pool_or_the_customers(people, client_of):
    make(Customer, name="Free Ltd")
    ana = client_of(people.ana)
    for path in ("/customers/", PATH, "/customers/"):
        side = ana.get(path).text.split("<nav", 1)[1].split("</nav>")[0]
        [active] = [link for link in side.split("<a ") if 'aria-current="page"' in link]
        assert f'href="{path}"' in active


def test_one_and_several_are_taken(people, client_of):
    first, second, third = (make(Customer, name=f"Free {n}") for n in range(3))
    ana = client_of(people.ana)
    assert "You now look after Free 0." in told(ana, first)
    assert "You now look after 2 more customers." in told(ana, second, third)
    assert {now(c).account_manager_id for c in (first, second, third)} == {people.ana.id}
    assert "Please select at least one record." in told(ana)


def test_who_is_too_late_reads_who_was_quicker_and_nothing_else(app, people, client_of):
    theirs = make(Customer, name="Secret Ltd", city="Oslo", account_manager_id=people.cho.id)
    free, ana = make(Customer, name="Free"), client_of(people.ana)
    text = told(ana, theirs)
    assert "Already looked after by Cho." in text
    assert "Secret" not in text
    text = told(ana, theirs, free)
    assert "1 already looked after by Cho." in text
    assert "You now look after Free." in text
    nowhere = take(ana, 9999)
    assert nowhere.status_code == 404
    app.config["CLAIM_NAMES_OWNER"] = False
    try:
        answer = take(ana, theirs)
        assert (answer.status_code, len(answer.text)) == (404, len(nowhere.text))
        assert "Cho" not in answer.text
    finally:
        app.config["CLAIM_NAMES_OWNER"] = True
    assert now(theirs).account_manager_id == people.cho.id


def test_more_than_one_may_have_are_refused_with_the_number(app, people, client_of):
    free = [make(Customer) for _ in range(3)]
    ana = client_of(people.ana)
    app.config["CUSTOMERS_PER_PERSON"] = 2
    try:
        assert "with these you look after 2" in told(ana, *free)
        assert "You look after 2 customers; that is the most you may have." in told(ana, free[2])
        assert "You look after 2 of at most 2 customers." in words_of(ana.get(PATH))
        page = client_of(people.dev).get(f"/users/edit/?id={people.ana.id}")
        assert "How many customers they may have" in words_of(page)
        with records.transaction("tests"):
            records.change(people.ana, {"customer_limit": 0}, people.dev)
        assert "You now look after" in told(ana, free[2])
        assert "You look after 3 customers." in words_of(ana.get(PATH))
    finally:
        app.config["CUSTOMERS_PER_PERSON"] = 300


def test_a_customer_is_put_back_with_a_reason(people, client_of):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    ana, address = client_of(people.ana), f"/customers/release/?id={acme.id}"
    assert f'href="{address}"' in ana.get(f"/customers/details/?id={acme.id}").text
    assert "Put Acme back into the pool" in words_of(ana.get(address))
    sent = {"id": acme.id, "manager": people.ana.id, "reason": ""}
    page = ana.post("/customers/release/", data=sent)
    assert "Say why: the history keeps it." in words_of(page)
    assert now(acme).account_manager_id == people.ana.id
    sent["reason"] = "Too far away"
    page = ana.post("/customers/release/", data=sent, follow_redirects=True)
    assert "Acme is in the pool again." in words_of(page)
    assert now(acme).account_manager_id is None
    assert ana.get(f"/customers/details/?id={acme.id}").status_code == 404
    page = client_of(people.dev).get(f"/customers/details/?id={acme.id}")
    assert "Put back into the pool: Too far away" in words_of(page)


@pytest.mark.parametrize(("who", "status"), [("ana", 404), ("ben", 404), ("fay", 403)])
def test_others_do_not_put_it_back(people, client_of, who, status):
    acme = make(Customer, account_manager_id=people.cho.id)
    client, sent = client_of(getattr(people, who)), {"manager": people.cho.id, "reason": "Mine"}
    assert client.get(f"/customers/release/?id={acme.id}").status_code == status
    answer = client.post("/customers/release/", data=sent | {"id": acme.id})
    assert answer.status_code == status
    assert now(acme).account_manager_id == people.cho.id


def test_what_the_pool_is_told_by_a_role_counts_at_once(people, client_of):
    ana, role = client_of(people.ana), organisation.role("sales")
    assert ana.get(PATH).status_code == 200
    with records.transaction("tests"):
        records.change(role, {"grants": {**role.grants, "customers": {"view": "own"}}}, people.dev)
    assert ana.get(PATH).status_code == 403
