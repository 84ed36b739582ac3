from crm_admin.models.roles import Role
from crm_admin.services import access, role_matrix
from tests.make import make

ROW = {"view": "own", "delete": "own"}


def cells(**row):
    return {f"customers.{verb}": scope for verb, scope in row.items()}


def test_what_is_shown_and_kept_unchanged_stays_the_same(app):
    role = make(Role, code="r", label_en="R", grants={"*": ROW, "customers": ROW})
    shown = role_matrix.shown(role, str)
    sent = {c["name"]: c["value"] for row in shown["rows"] for c in row["cells"]}
    assert sent["customers.lookup"] == "own"
    assert role_matrix.chosen(sent) == {"*": ROW, "customers": ROW}


def test_a_right_that_follows_another_can_be_taken_away(app):
    grants = role_matrix.chosen(cells(view="own", lookup="none"))
    assert grants["customers"] == {"view": "own", "lookup": "none"}
    assert access.granted(grants, "view", "customers") == "own"
    assert access.granted(grants, "lookup", "customers") is None


def test_a_row_of_which_nothing_is_said_is_left_to_the_row_for_all_others(app):
    grants = role_matrix.chosen({"*.view": "all"} | cells(view="", edit=""))
    assert grants == {"*": {"view": "all"}}
