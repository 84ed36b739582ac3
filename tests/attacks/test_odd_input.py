"""What nobody would send, sent to every route about rights: an answer, and no fault."""

from urllib.parse import quote

import pytest

from crm_admin.models.customers import Customer
from tests.make import make

ODD = (
    "",
    "0",
    "-1",
    "x",
    "1e9",
    "99999999999",
    "\x00",
    "1\x00",
    "٣",
    "²",
    "1 OR 1=1",
    "'",
    "a" * 5000,
    "\ud83d",
    "[]",
)


@pytest.mark.attack
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_input_fells_no_new_route(people, client_of, odd):

    one = make(Customer, name="Q", city="Old", account_manager_id=people.dev.id)
    free = make(Customer, name="F")
    client, bad = client_of(people.dev), []
    sent = odd.encode("utf-8", "surrogatepass").decode("latin-1") if odd == "\ud83d" else odd
    q = quote(odd, errors="surrogatepass") if odd == "\ud83d" else quote(odd)
    for get in (
        f"/customers/sharing/?id={q}",
        f"/customers/hand_over/?id={q}",
        f"/customers/hand_over/?from={q}",
        f"/customers/hand_over/?all=1&search={q}",
        f"/customers/hand_over/?all=1&grade.is={q}&city.contains={q}&sort={q}",
        f"/customers/bulk_edit/?search={q}&grade.is={q}&created_at.from={q}",
        f"/customers/handover/?id={q}",
        f"/customers/pool/?search={q}&page={q}&sort={q}",
        f"/customers/release/?id={q}",
        f"/explain/?user={q}",
        f"/explain/?user={people.ana.id}&entity={q}",
        f"/explain/?user={people.ana.id}&record={q}",
        f"/explain/?user={people.ana.id}&query={q}",
        f"/roles/fields/?id=1&entity={q}",
        f"/roles/fields/?id={q}&entity=customers",
        f"/roles/compare/?id=1&other={q}",
        f"/roles/rights/?id={q}",
        f"/rights-cases/?x={q}",
        f"/deputies/?person.is={q}&from_on.from={q}&search={q}",
    ):
        answer = client.get(get)
        bad += [(get[:60], answer.status_code)] if answer.status_code >= 500 else []
    here = f"id={one.id}"
    posts = [
        (f"/customers/share/?{here}", {"user": sent, "until_on": sent}),
        (f"/customers/share/?{here}", {"user": str(people.ana.id), "until_on": sent}),
        (f"/customers/share/?id={q}", {}),
        ("/customers/unshare/", {"id": one.id, "share": sent}),
        ("/customers/unshare/", {"id": sent, "share": sent}),
        ("/customers/bulk_edit/", {"ids": sent, "field": sent}),
        ("/customers/bulk_edit/", {"ids": one.id, "field": sent, "typed": "1", "confirmed": "1"}),
        *[
            (
                "/customers/bulk_edit/",
                {"ids": one.id, "field": f, "typed": "1", f: sent, "confirmed": "1"},
            )
            for f in ("city", "grade", "account_manager", "tags", "name", "website", "employees")
        ],
        ("/contracts/bulk_edit/", {"ids": "1", "field": "amount", "typed": "1", "amount": sent}),
        ("/customers/undo_bulk_edit/", {"id": sent}),
        ("/customers/hand_over/", {"items": f"{one.id}.0.{sent}", "to": sent, "reason": sent}),
        (
            "/customers/hand_over/",
            {
                "items": f"{one.id}.0.{people.dev.id}",
                "to": people.ana.id,
                "reason": sent,
                "confirmed": "1",
            },
        ),
        (
            "/customers/hand_over/",
            {
                "items": "9999999999.0.9999999999",
                "to": people.ana.id,
                "reason": "x",
                "confirmed": "1",
            },
        ),
        ("/customers/hand_over/", {"items": f"{one.id}.0.1", "from": sent}),
        ("/customers/take_back/", {"id": sent}),
        ("/customers/pool/take/", {"rowid": [sent, free.id]}),
        ("/customers/release/", {"id": one.id, "manager": sent, "reason": sent}),
        ("/customers/action/", {"action": sent, "rowid": sent}),
        ("/customers/action/", {"action": "bulk_edit", "rowid": sent}),
        ("/customers/action/", {"action": "hand_over", "rowid": sent}),
        ("/customers/action/", {"rowid": sent}),
        ("/view-as/", {"id": sent}),
        (f"/rights-cases/keep/?user={q}&entity={q}", {"what": sent}),
        (f"/rights-cases/keep/?user={people.ana.id}&entity=customers", {"what": sent}),
        (
            f"/rights-cases/keep/?user={people.ana.id}&entity=customers&record={one.id}",
            {"what": f"field:{sent}"},
        ),
        ("/rights-cases/drop/", {"id": sent}),
        (
            "/roles/fields/save/?id=2&entity=customers",
            {"phone": "hidden", "where-phone": sent, "when-edit": sent},
        ),
        (
            "/deputies/new/",
            {"person": sent, "deputy": sent, "occasion": sent, "from_on": sent, "until_on": sent},
        ),
        ("/users/invite/", {"id": sent}),
        ("/second-factor/confirm/", {"code": sent, "offer": sent}),
    ]
    for address, data in posts:
        answer = client.post(address, data=data)
        if answer.status_code >= 500:
            bad.append((address[:60], str(data)[:80], answer.status_code))
    assert bad == []
