"""Records that point at others: nothing points at what is in the bin, and one is primary."""

import pytest
from sqlalchemy import select

from crm_admin.database import db
from crm_admin.errors import Invalid
from crm_admin.models.contacts import Contact
from crm_admin.models.customers import Customer
from crm_admin.models.users import User
from crm_admin.services import passwords, records
from tests.make import make
from tests.services.test_records import change, together


def primary(customer):
    db.session.rollback()
    statement = select(Contact.name).where(
        Contact.customer_id == customer.id, Contact.is_primary, Contact.deleted_at.is_(None)
    )
    return db.session.scalars(statement.order_by(Contact.name)).all()


def test_nothing_new_points_at_what_is_in_the_bin(people):
    gone = make(Customer, name="Gone")
    with records.transaction("tests"):
        records.delete(gone, people.dev)
    with pytest.raises(Invalid, match="Gone is in the recycle bin"):
        change(Contact(), people.dev, name="Li", customer=gone)
    li = make(Contact)
    with pytest.raises(Invalid, match="Gone is in the recycle bin"):
        change(li, people.dev, customer=gone)
    change(li, people.dev, notes="fine")


def test_a_record_goes_or_is_pointed_at_but_not_both(app, people):
    dev = people.dev.id
    for _ in range(10):
        acme = make(Customer).id

        def add(acme=acme):
            with records.transaction("tests"):
                values = {"name": "Li", "customer": db.session.get(Customer, acme)}
                records.change(Contact(), values, db.session.get(User, dev))

        def go(acme=acme):
            with records.transaction("tests"):
                records.delete(db.session.get(Customer, acme), db.session.get(User, dev))

        together(app, add, go)
        alive = select(Customer.id).where(Customer.id == acme, Customer.deleted_at.is_(None))
        pointing = db.session.scalar(select(Contact.id).where(Contact.customer_id == acme))
        assert (db.session.scalar(alive) is not None) == (pointing is not None)


def test_a_customer_does_not_belong_to_itself(people):
    acme = make(Customer)
    with pytest.raises(Invalid, match="itself"):
        change(acme, people.dev, parent=acme)


def test_a_restored_primary_contact_takes_its_place_again(people):
    acme = make(Customer)
    first = make(Contact, customer=acme, name="first", is_primary=True)
    with records.transaction("tests"):
        records.delete(first, people.dev)
    make(Contact, customer=acme, name="second", is_primary=True)
    with records.transaction("tests"):
        records.restore(first, people.dev)
    assert primary(acme) == ["first"]


def test_two_primary_contacts_at_once_leave_one(app, people):
    acme = make(Customer)
    id, system = acme.id, people.system.id

    def add(name):
        with records.transaction("tests"):
            actor = db.session.get(User, system)
            values = {"name": name, "is_primary": True, "customer": db.session.get(Customer, id)}
            records.change(Contact(), values, actor)

    assert together(app, *(lambda n=n: add(f"c{n}") for n in range(6))) == [None] * 6
    assert len(primary(acme)) == 1


def test_the_history_of_a_new_password_names_its_version(people):
    from crm_admin.services import history

    with records.transaction("tests"):
        passwords.set_password(people.ana, "an unlikely sentence", people.dev)
    newest, *_ = history.of(people.ana, people.dev)
    assert (newest.action, newest.version) == ("password changed", people.ana.version)
