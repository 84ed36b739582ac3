"""What is sealed is opened by the same secret, for the same purpose, unaltered."""

import pytest

from crm_admin.errors import CrmError
from crm_admin.services.sealing import Seal


def test_what_was_sealed_is_read_again_and_cannot_be_read_without():
    sealed = Seal(["secret"]).close("中文", "mail")
    assert "中文" not in sealed
    assert Seal(["secret"]).open(sealed, "mail") == "中文"
    assert Seal(["new", "secret"]).open(sealed, "mail") == "中文"


@pytest.mark.parametrize("secrets", [["another"], ["secre"], ["secret "]])
def test_another_secret_does_not_open_it(secrets):
    with pytest.raises(CrmError):
        Seal(secrets).open(Seal(["secret"]).close("text", "mail"), "mail")


def test_another_purpose_does_not_open_it():
    with pytest.raises(CrmError):
        Seal(["secret"]).open(Seal(["secret"]).close("text", "mail"), "second factor")


@pytest.mark.parametrize("place", [0, 20, -10])
def test_what_was_altered_is_not_opened(place):
    sealed = list(Seal(["secret"]).close("text", "mail"))
    sealed[place] = "A" if sealed[place] != "A" else "B"
    with pytest.raises(CrmError):
        Seal(["secret"]).open("".join(sealed), "mail")
