"""What every test may ask for.

`pytest --postgresql` runs the same tests on a PostgreSQL server started for them.
"""

import pytest

pytest_plugins = ["tests.parts", "tests.postgresql", "tests.browser"]


@pytest.fixture(scope="session")
def database(request, tmp_path_factory):
    """The address of an empty database, one for each worker."""
    if request.config.getoption("postgresql"):
        return request.getfixturevalue("postgresql_url")
    return f"sqlite:///{tmp_path_factory.mktemp('data')}/crm.db"
