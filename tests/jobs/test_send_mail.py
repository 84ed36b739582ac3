"""Outgoing mail goes out all day, and a fault of it stops no other work."""

import pytest

from crm_admin import scheduler
from crm_admin.jobs import STEADY, SteadyJob
from crm_admin.services import outbox, records
from crm_admin.services.outbox import Post
from tests.mailing import mail_server


@pytest.fixture
def written(mailing, people):
    with records.transaction("tests"):
        post = Post.of(mailing.config)
        outbox.write(post, people.ana, "test", "Hello", "Text", recipient="ana@example.com")
    return mailing


def test_what_lies_in_the_outbox_is_sent_within_a_minute(written, monkeypatch):
    job = STEADY["send_mail"]
    assert job.seconds <= 60
    with mail_server() as (server, port):
        monkeypatch.setitem(written.config, "MAIL_PORT", port)
        scheduler.keep_at(written, job)
        scheduler.keep_at(written, job)
    assert [message["Subject"] for message in server.messages] == ["Hello"]


def test_work_that_fails_is_logged_and_comes_again(app, caplog):
    tries = []

    def broken():
        tries.append(1)
        raise OSError("no such place")

    for _ in range(2):
        scheduler.keep_at(app, SteadyJob("broken", "Broken", 30, broken))
    assert len(tries) == 2
    assert "broken failed" in caplog.text
