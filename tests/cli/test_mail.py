"""`flask mail test`: whether mail can be sent."""

import pytest

from tests.mailing import mail_server


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["mail", *words])


def test_a_message_is_sent_to_see_whether_it_can_be(mailing, run, monkeypatch):
    with mail_server() as (kept, port):
        monkeypatch.setitem(mailing.config, "MAIL_PORT", port)
        answer = run("test", "ana@example.com")
    assert answer.exit_code == 0
    assert [message["To"] for message in kept.messages] == ["ana@example.com"]


def test_the_reason_is_told_where_it_cannot(mailing, run):
    answer = run("test", "ana@example.com")
    assert answer.exit_code == 1
    assert "It was not sent" in answer.stderr
    assert run("test", "ana").exit_code == 1


def test_without_a_server_it_says_so(run):
    answer = run("test", "ana@example.com")
    assert answer.exit_code == 1
    assert "CRM_MAIL_HOST" in answer.stderr
