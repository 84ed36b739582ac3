"""A Chromium for the tests, and pages that tell of every fault they had.

A page fails its test at the end when it ran into an error in a script, asked another host for
anything, broke the content security policy, missed a file, or met an error of the server.
`python -m tests.browser` prints which Chromium would be used.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.parts import missing

NAMED = "CRM_TEST_CHROMIUM"
CANDIDATES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = [
    "--no-sandbox",  # its sandbox does not start as root; only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = Path(__file__).parents[1] / "test-results"
HERE = {"127.0.0.1", "localhost", "::1"}


def find_chromium():
    """Return the path of a Chromium that starts, or None."""
    if named := os.environ.get(NAMED):
        return named if _starts(named) else None
    for candidate in CANDIDATES:
        path = shutil.which(candidate)
        if path and _starts(path):
            return path
    with contextlib.suppress(Exception):  # Playwright's own, where it was downloaded
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
        if Path(path).exists() and _starts(path):
            return path
    return None


def _starts(path):
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
        return answer.returncode == 0
    return False


@pytest.fixture(scope="session")
def browser(request):
    """Chromium, started once."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as problem:
        missing(request.config, f"browser not installed: {problem}")
    path = find_chromium()
    if path is None:
        missing(request.config, "browser not installed: no Chromium found; make test installs one")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser, request):
    """Return a function that opens a fresh page: `new_page(locale="en", base_url=site)`.

    Each is a person of their own: no cookies are shared. `page.faults` lists what went wrong so
    far; a test that provokes a fault takes it out of the list.
    """
    pages = []

    def open_page(**options):
        options = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(**options)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.faults = []
        _watch(page)
        pages.append(page)
        return page

    failed_before = request.session.testsfailed
    yield open_page
    if request.session.testsfailed > failed_before or any(page.faults for page in pages):
        _take_pictures(pages, request.node.name)
    faults = [f"{page.url}: {fault}" for page in pages for fault in page.faults]
    for page in pages:
        page.context.close()
    if faults:
        pytest.fail("The pages had faults:\n" + "\n".join(faults), pytrace=False)


@pytest.fixture
def page(new_page):
    """A fresh page of a person who reads Simplified Chinese, on a desk's screen."""
    return new_page()


def _watch(page):
    """Note every fault of the page in `page.faults`."""

    def on_request(request):
        host = urlsplit(request.url).hostname
        if host and host not in HERE:
            page.faults.append(f"asked another host: {request.url}")

    def on_response(response):
        is_file = response.request.resource_type in {"script", "stylesheet", "image", "font"}
        if response.status >= 500 or (is_file and response.status >= 400):
            page.faults.append(f"{response.status} for {response.url}")

    def on_console(message):
        # Answers that are errors are judged above: a refused page is none, a missing file is.
        if message.type == "error" and "Failed to load resource" not in message.text:
            page.faults.append(message.text)

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("console", on_console)
    page.on("pageerror", lambda error: page.faults.append(str(error)))


def _take_pictures(pages, name):
    PICTURES.mkdir(exist_ok=True)
    stem = re.sub(r"[^\w-]+", "-", name)[:80]
    for number, page in enumerate(pages, start=1):
        with contextlib.suppress(Exception):  # the page may be gone; the test has failed anyway
            page.screenshot(path=PICTURES / f"{stem}-{number}.png", full_page=True)


def barriers(page):
    """Return what keeps people with a keyboard or a screen reader out of this page, by axe-core."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:120]}"
        for rule in found
        for node in rule["nodes"]
    ]


if __name__ == "__main__":
    found = find_chromium()
    print(found or "no Chromium found")
    sys.exit(found is None)
