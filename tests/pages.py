"""What a person finds on a page: the fields of its form as they would be sent, and its words."""

import re
from html import unescape
from html.parser import HTMLParser

from werkzeug.datastructures import MultiDict

_ONE_TIME = re.compile(r'(nonce="|content="|value=")[\w.~-]{12,}"')


class Sent(MultiDict):
    """What a form sends; `form |= {...}` types something else into its fields."""

    def __ior__(self, typed):
        for name, value in typed.items():
            self[name] = value
        return self


class _Form(HTMLParser):
    """Reads one form as a browser would: what it would send if nobody touched it."""

    def __init__(self, marked):
        super().__init__()
        self.marked, self.inside, self.sent = marked, False, Sent()
        self.select, self.option, self.area = None, None, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.inside = self.marked in given
        elif self.inside and tag == "input" and given.get("name"):
            self._input(given)
        elif self.inside and tag == "select":
            self.select, self.option = given.get("name"), None
        elif self.inside and tag == "option" and (self.option is None or "selected" in given):
            self.option = given.get("value", "")
        elif self.inside and tag == "textarea":
            self.area = (given.get("name"), [])

    def _input(self, given):
        if given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self.sent.add(given["name"], given.get("value", "on"))
        elif given.get("type") != "file":
            self.sent.add(given["name"], given.get("value") or "")

    def handle_data(self, data):
        if self.area:
            self.area[1].append(data)

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "select" and self.select:
            self.sent.add(self.select, self.option or "")
            self.select = None
        elif tag == "textarea" and self.area:
            name, pieces = self.area
            # A browser drops the line break that opens a text, and sends its own kind of them.
            text = "".join(pieces).removeprefix("\r\n").removeprefix("\n")
            self.sent.add(name, text.replace("\r\n", "\n").replace("\n", "\r\n"))
            self.area = None


def form_of(answer, marked="data-record-form"):
    """Return what the page's form would send, unchanged; a form is known by one attribute."""
    reader = _Form(marked)
    reader.feed(answer.text)
    assert reader.sent, "there is no form on this page"
    return reader.sent


def words_of(answer):
    """Return what a person reads on the page, its gaps made single."""
    main = re.sub(r"<(svg|script)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def lasting(answer):
    """Return the page without what is new each time it is made, such as its nonce."""
    return _ONE_TIME.sub(r'\1…"', answer.text)
