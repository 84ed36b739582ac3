"""Deputies: who may name one for whom."""

from collections.abc import Mapping
from typing import Any

from crm_admin.database import db
from crm_admin.errors import Denied, Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.sharing import Deputy
from crm_admin.models.users import User
from crm_admin.services import access, changes, entity_names, notifications, organisation, records


@records.prepare.register
def _named(record: Deputy, actor: User) -> None:
    """Refuse to give away rights that the actor lacks, or to somebody who cannot use them.

    Everybody may name a deputy for themselves; for somebody else, who has all their rights.
    Source: S5
    """
    changed = changes.of(record)
    for id in {record.person_id, *changed.get("person_id", ())} - {actor.id, None}:
        if (person := db.session.get(User, id)) is not None:
            organisation.check_rank(person, actor)
            _check_reach(person, actor)
    deputy = db.session.get(User, record.deputy_id) if "deputy_id" in changed else None
    if deputy is not None and (deputy.is_system or not deputy.is_active):
        raise Invalid([Problem("deputy_id", N_("They may not sign in."))])


def _check_reach(person: User, actor: User) -> None:
    """Refuse to let anybody into the records of somebody whose records the actor does not reach.

    Raises:
        Denied: of some kind that the person sees, the actor sees only others' records.
    """
    for model in access.reachable(person, "view", access.entities().values()):
        if not entity_names.owned(model) or actor.is_system:
            continue
        own = [g for g in access.grants_of(actor, "view", model) if g.person.id == actor.id]
        if not any(not g.when and access.reaches_person(g, person.id) for g in own):
            raise Denied(N_("You may not see all that %(person)s sees."), person=person.name)


@records.follow_up.register
def _told(record: Deputy, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Tell who stands in for whom they do, and for how long."""
    if record.deleted_at is not None or not changed.keys() & {"deputy_id", "from_on", "until_on"}:
        return
    message = notifications.Message(
        user_id=record.deputy_id,
        key=f"deputy:{record.id}:{record.version}",
        kind="deputy",
        message=N_("You stand in for %(person)s from %(from_on)s until %(until_on)s."),
        values={
            "person": record.person.name if record.person else "",
            "from_on": record.from_on.isoformat(),
            "until_on": record.until_on.isoformat(),
        },
    )
    notifications.notify_all([message])
