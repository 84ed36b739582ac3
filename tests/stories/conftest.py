"""The application, reached by a browser: it serves the test's own database from a thread."""

from threading import Thread

import pytest
from waitress.server import create_server

from crm_admin.database import db
from tests.conftest import PASSWORD


@pytest.fixture
def server(app, request):
    """The address of the application, served until the test ends."""
    if request.config.getoption("postgresql"):
        pytest.skip("stories are told on SQLite")
    db.session.rollback()
    serving = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = Thread(target=serving.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.effective_port}"
    serving.close()
    serving.task_dispatcher.shutdown()
    thread.join(10)


@pytest.fixture
def enter(server, new_page):
    """Return a function that opens a page on which somebody has signed in by keyboard."""

    def signed_in(username, **options):
        page = new_page(base_url=server, **options)
        page.goto("/sign-in")
        page.locator("#username:focus").wait_for()  # it takes the focus by itself
        page.keyboard.type(username)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{server}/")
        return page

    return signed_in
