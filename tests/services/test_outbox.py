"""Mail is written with what it tells, and sent once, as far as a server takes it."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, update

from crm_admin import clock
from crm_admin.database import db
from crm_admin.errors import Invalid
from crm_admin.models.outbox import Letter
from crm_admin.services import mail, outbox, records
from crm_admin.services.outbox import Post
from tests.mailing import mail_server


@pytest.fixture
def post(mailing):
    return Post.of(mailing.config)


@pytest.fixture
def ana(people):
    with records.transaction("tests"):
        people.ana.email = "ana@example.com"
    return people.ana


def write(post, user, subject="Hello", **more):
    with records.transaction("tests"):
        return outbox.write(post, user, "test", subject, "Two lines,\nand 中文.\n", **more)


def kept():
    db.session.rollback()
    return db.session.scalars(select(Letter).order_by(Letter.id)).all()


def later(**by):
    """Let time pass, as far as the outbox knows."""
    with records.transaction("tests"):
        for one in db.session.scalars(select(Letter)):
            one.next_try_at -= timedelta(**by)
            one.held_until = one.held_until and one.held_until - timedelta(**by)


def served(post, port):
    return Post(
        mail.Server("127.0.0.1", port, "", "", "none", post.server.sender),
        post.public_url,
        post.language,
        post.product,
        post.seal,
    )


def test_a_message_is_sent_once_and_its_text_is_gone_then(post, ana):
    assert write(post, ana)
    assert "中文" not in kept()[0].sealed_text
    with mail_server() as (server, port):
        assert outbox.deliver(served(post, port)) == 1
        assert outbox.deliver(served(post, port)) == 0
    [message] = server.messages
    assert (message["To"], message["From"]) == ("ana@example.com", "CRM <crm@example.com>")
    assert "中文" in message.get_payload(decode=True).decode()
    assert kept()[0].sent_at is not None
    assert kept()[0].sealed_text == ""


def test_what_did_not_happen_is_not_told(post, ana):
    with pytest.raises(ZeroDivisionError), records.transaction("tests"):
        outbox.write(post, ana, "test", "Hello", "Text")
        raise ZeroDivisionError
    assert kept() == []


def test_the_same_message_is_written_once(post, ana):
    assert write(post, ana, key="one")
    assert not write(post, ana, key="one")
    assert write(post, ana, key="two")
    assert len(kept()) == 2


def test_without_a_server_or_an_address_nothing_piles_up(app, post, ana, people):
    assert not write(Post(None, "", "en", "CRM", post.seal), ana)
    assert not write(post, people.ben)
    assert kept() == []


@pytest.mark.parametrize(
    "address",
    ["ana@example.com\r\nBcc: x@evil.example", "ana@example.com, x@evil.example", "ana", "a@b>"],
)
def test_an_address_that_is_more_than_one_is_refused(post, ana, address):
    with pytest.raises(Invalid, match="not an e-mail address"):
        write(post, ana, recipient=address)
    assert kept() == []
    assert write(post, ana, recipient="other@example.com")


def test_a_subject_that_would_add_a_header_is_refused(post, ana):
    with pytest.raises(Invalid, match="one line"):
        write(post, ana, subject="Hello\r\nBcc: x@evil.example")
    assert kept() == []


def test_what_the_server_does_not_take_now_is_tried_again_later_and_later(post, ana):
    write(post, ana)
    waits = []
    with mail_server() as (server, port):
        server.answer = "451 not now"
        for _ in range(4):
            assert outbox.deliver(served(post, port)) == 0
            waits.append(round((kept()[0].next_try_at - clock.now()).total_seconds() / 60))
            later(hours=1)
        assert waits == [1, 2, 4, 8]
        assert "451" in kept()[0].last_error
        server.answer = None
        assert outbox.deliver(served(post, port)) == 1
    assert len(server.messages) == 1


def test_after_many_tries_it_is_given_up_and_an_administrator_sees_it(post, ana, people, client_of):
    write(post, ana)
    for _ in range(outbox.MOST_TRIES):
        outbox.deliver(post)  # nobody listens on its port
        later(hours=2)
    assert outbox.deliver(post) == 0
    assert kept()[0].attempts == outbox.MOST_TRIES
    client = client_of(people.dev)
    page = client.get("/jobs/").text
    assert "These messages could not be sent" in page
    assert "ana@example.com" in page
    client.post("/jobs/mail/", data={"what": "again"})
    with mail_server() as (_server, port):
        assert outbox.deliver(served(post, port)) == 1
    assert "These messages could not be sent" not in client.get("/jobs/").text


def test_what_the_server_will_never_take_is_given_up_at_once(post, ana, people, client_of):
    write(post, ana)
    with mail_server() as (server, port):
        server.answer = "550 nobody of that name"
        outbox.deliver(served(post, port))
    assert kept()[0].failed_at is not None
    assert "550" in kept()[0].last_error
    client_of(people.dev).post("/jobs/mail/", data={"what": "forget"})
    assert kept() == []


def test_the_jobs_page_says_plainly_that_mail_is_not_set_up(people, client_of):
    assert "Mail is not set up" in client_of(people.dev).get("/jobs/").text


def test_two_who_send_at_once_send_each_message_once(app, post, ana):
    for number in range(30):
        write(post, ana, subject=f"Number {number}")
    start = Barrier(2)

    def send(to):
        with app.app_context():
            start.wait()
            outbox.deliver(to)
            db.session.remove()

    with mail_server() as (server, port):
        threads = [Thread(target=send, args=[served(post, port)]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(m["Subject"] for m in server.messages) == sorted(
        f"Number {number}" for number in range(30)
    )


def test_what_a_dead_sender_held_is_sent_by_the_next_after_a_while(post, ana):
    write(post, ana)
    with records.transaction("tests"):
        held = clock.now() + outbox.HELD
        db.session.execute(update(Letter).values(holder="gone", held_until=held))
    with mail_server() as (server, port):
        assert outbox.deliver(served(post, port)) == 0
        later(minutes=11)
        assert outbox.deliver(served(post, port)) == 1
    assert len(server.messages) == 1


def test_a_message_that_is_sent_again_bears_the_same_name(post, ana):
    write(post, ana)
    with mail_server() as (server, port):
        outbox.deliver(served(post, port))
        with records.transaction("tests"):
            sealed = post.seal.close("Again", "mail")
            db.session.execute(update(Letter).values(sent_at=None, sealed_text=sealed))
        outbox.deliver(served(post, port))
    assert len({message["Message-ID"] for message in server.messages}) == 1
    assert len(server.messages) == 2
