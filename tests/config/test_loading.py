"""Settings that cannot work stop the start, with their name."""

import pytest

from config import loading


@pytest.fixture
def settings(tmp_path):
    return lambda **given: loading.settings({"INSTANCE": str(tmp_path), **given})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://crm.example.com/", "https://crm.example.com"),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("https://example.com/crm", "https://example.com/crm"),
        ("", ""),
    ],
)
def test_a_public_address_is_kept_without_its_last_slash(settings, given, kept):
    assert settings(PUBLIC_URL=given)["PUBLIC_URL"] == kept


@pytest.mark.parametrize("given", ["crm.example.com", "javascript:x", "https://", "https://x/?a=b"])
def test_a_public_address_that_is_none_stops_the_start(settings, given):
    with pytest.raises(ValueError, match="CRM_PUBLIC_URL"):
        settings(PUBLIC_URL=given)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MAIL_SECURITY": "ssl"}, "CRM_MAIL_SECURITY"),
        ({"MAIL_HOST": "mail.example.com"}, "CRM_MAIL_FROM"),
        ({"MAIL_HOST": "mail.example.com", "MAIL_FROM": "a@b\r\nBcc: x@y"}, "CRM_MAIL_FROM"),
    ],
)
def test_mail_that_could_never_be_sent_stops_the_start(settings, given, named):
    with pytest.raises(ValueError, match=named):
        settings(**given)
    assert settings(MAIL_HOST="mail.example.com", MAIL_FROM="CRM <crm@example.com>")


def test_earlier_secrets_are_named_one_after_the_other(settings):
    assert settings(SECRET_KEY_FALLBACKS="one, two,")["SECRET_KEY_FALLBACKS"] == ["one", "two"]
    assert settings()["SECRET_KEY_FALLBACKS"] is None
