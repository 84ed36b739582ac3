"""`flask users`: handing over what a leaver looks after."""

from crm_admin.models.contracts import Contract
from crm_admin.models.customers import Customer
from crm_admin.services import history, records
from tests.make import make


def run(app, *arguments):
    return app.test_cli_runner().invoke(args=["users", "hand-over", *arguments])


def test_all_of_a_leaver_is_handed_over(app, people):
    acme = make(Customer, name="Acme", account_manager_id=people.ana.id)
    make(Contract, customer=acme, owner_id=people.ana.id)
    with records.transaction("tests"):
        records.change(people.ana, {"is_active": False}, people.dev)
    answer = run(app, "ana", "cho", "--reason", "Ana has left")
    assert (answer.exit_code, answer.output) == (0, "1 customers, 1 contracts go to cho.\n")
    assert acme.account_manager_id == people.cho.id
    entry = history.of(acme, people.dev)[0]
    assert (entry.by, entry.source, entry.changes[-1][2]) == ("System", "cli", "Ana has left")


def test_in_the_name_of_somebody_it_reaches_as_far_as_they_do(app, people):
    mine = make(Customer, account_manager_id=people.ana.id)
    theirs = make(Customer, account_manager_id=people.cho.id)
    assert "1 customers" in run(app, "ana", "ben", "--reason", "x", "--as", "ben").output
    assert "0 customers" in run(app, "cho", "ben", "--reason", "x", "--as", "ben").output
    assert (mine.account_manager_id, theirs.account_manager_id) == (people.ben.id, people.cho.id)


def test_what_is_wrong_is_said(app, people):
    acme = make(Customer, account_manager_id=people.ana.id)
    for arguments, told in (
        (("ana", "nobody", "--reason", "x"), "There is no user nobody."),
        (("ana", "cho", "--reason", " "), "Say why"),
        (("ana", "ana", "--reason", "x"), "looks after them already"),
        (("ana", "cho", "--reason", "x", "--as", "nobody"), "There is no user nobody"),
    ):
        answer = run(app, *arguments)
        assert answer.exit_code == 1
        assert told in answer.output
    assert run(app, "ana", "cho").exit_code == 2
    assert acme.account_manager_id == people.ana.id
