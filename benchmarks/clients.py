"""A person's browser, as far as it matters here: one connection, cookies, forms."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks.instances import PASSWORD

DETAILS = re.compile(rb"/details/\?id=(\d+)")


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    body: bytes
    seconds: float
    location: str

    @property
    def is_right(self) -> bool:
        """Whether it is a page, or the redirect that follows a form."""
        return self.status in (200, 302, 303)


class Client:
    """Someone at a browser; not shared between threads."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, None)

    def post(self, path: str, fields: Mapping[str, str] | list[tuple[str, str]]) -> Answer:
        """Send a form."""
        return self._ask("POST", path, urlencode(fields))

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        """Sign in, or stop everything."""
        form = form_of(self.get("/sign-in"), "username")
        form.values |= {"username": username, "password": password}
        answer = self.post("/sign-in", form.values)
        if answer.status not in (302, 303):
            raise SystemExit(f"{username} cannot sign in: {answer.status}")

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        headers = {"Accept-Language": "zh-CN"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        started = time.perf_counter()
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self.connection.close()
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            content = response.read()
        seconds = time.perf_counter() - started
        for line in response.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return Answer(response.status, content, seconds, response.headers.get("Location", ""))


@dataclass
class FilledForm:
    """What a form would send as it stands."""

    values: dict[str, str] = field(default_factory=dict)


class _FormReader(HTMLParser):
    """Collects what every form of a page would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FilledForm] = []
        self.area = self.select = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attributes}
        name = given.get("name", "")
        if tag == "form":
            self.forms.append(FilledForm())
        elif not self.forms:
            return
        elif tag == "input" and name:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.forms[-1].values[name] = given.get("value", "")
        elif tag == "textarea" and name:
            self.area = name
            self.forms[-1].values[name] = ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            first = self.select not in self.forms[-1].values
            if first or "selected" in given:
                self.forms[-1].values[self.select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.forms[-1].values[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.area:
            text = self.forms[-1].values[self.area]
            self.forms[-1].values[self.area] = text.removeprefix("\r").removeprefix("\n")
            self.area = ""
        elif tag == "select":
            self.select = ""


def form_of(answer: Answer, having: str) -> FilledForm:
    """Return the form of a page that has a certain field."""
    reader = _FormReader()
    reader.feed(answer.body.decode())
    for form in reader.forms:
        if having in form.values:
            return form
    raise LookupError(f"no form with {having} in the answer ({answer.status})")


def ids_in(answer: Answer) -> list[int]:
    """Return the ids of the records a list shows."""
    return [*dict.fromkeys(int(found) for found in DETAILS.findall(answer.body))]
