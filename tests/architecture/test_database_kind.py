"""A run on PostgreSQL is one."""


def test_the_tests_run_on_the_database_asked_for(app, request):
    from crm_admin.database import db

    wanted = "postgresql" if request.config.getoption("postgresql") else "sqlite"
    assert db.engine.dialect.name == wanted
