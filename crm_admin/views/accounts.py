"""The accounts of others: invitation, second factor, sessions and sign-ins, for who edits users."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose

from crm_admin.errors import CrmError
from crm_admin.i18n import N_
from crm_admin.models.users import User
from crm_admin.services import (
    access,
    invitations,
    labels,
    organisation,
    people,
    records,
    second_factors,
    sessions,
    tries,
)
from crm_admin.views import columns, requests
from crm_admin.views.page import Page
from crm_admin.views.sign_ins import sessions_shown, tries_shown
from crm_admin.views.signing_in import limits
from crm_admin.views.words import gettext as _


def _sees_users(actor: User) -> bool:
    return access.allows(actor, "view", User)


class Accounts(Page):
    """One user's account. Nobody reaches the account of somebody with more rights than theirs."""

    path, label = "/accounts/", N_("Account")
    allowed = {
        "index": _sees_users,
        "invite": _sees_users,
        "withdraw": _sees_users,
        "take_away": _sees_users,
        "end_session": _sees_users,
        "end_sessions": _sees_users,
    }

    @expose("/")
    def index(self) -> str:
        """Show how somebody signs in, and where they are."""
        return self._shown(_user(request.args.get("user")))

    def _shown(self, user: User, link: str = "") -> str:
        invitation, zone = invitations.of(user), requests.zone()
        since, here = user.second_factor_at, f"{self.path}sessions/end/?user={user.id}&id="
        return self.render(
            "account.html",
            title=_("Account of %(person)s", person=user),
            crumbs=[(_("Users"), "/users/"), (str(user), f"/users/details/?id={user.id}")],
            user_id=user.id,
            username=user.username,
            is_active=user.is_active,
            has_password=user.password_hash is not None,
            may_be_invited=user.password_hash is None and user.is_active,
            mails=requests.post().sends_links and bool(user.email),
            invitation=invitation and _invitation(invitation),
            link=link,
            link_hours=invitations.HOURS,
            factor_since=columns.moment(since, zone) if since else "",
            is_factor_required=second_factors.required(user),
            sessions=sessions_shown(sessions.of(user, limits()), here),
            tries=tries_shown(tries.of(user)),
        )

    @expose("/invite/", methods=("GET", "POST"))
    def invite(self) -> Any:
        """Invite a user, or invite them anew; a link that is not mailed is shown once."""
        if request.method == "GET":  # as when the language is changed below what was shown
            return redirect("/users/")
        actor, post, made = requests.actor(), requests.post(), list[str]()

        def invited(user: User) -> None:
            made.append(invitations.invite(user, actor, post, request.host_url.rstrip("/")))

        answer = self._done(request.form.get("id"), invited)
        if made and made[0]:
            return self._shown(_user(request.form.get("id")), made[0])
        if made:
            flash(_("The invitation is on its way by mail."), "success")
        return answer

    @expose("/withdraw/", methods=("POST",))
    def withdraw(self) -> Any:
        """Make an invitation's link worthless."""
        actor = requests.actor()
        return self._done(
            request.form.get("id"),
            lambda user: invitations.withdraw(user, actor),
            _("The invitation is withdrawn."),
        )

    @expose("/take-away/", methods=("POST",))
    def take_away(self) -> Any:
        """Take away a second factor that was lost; one's own password is asked for it."""
        actor, post, id = requests.actor(), requests.post(), request.form.get("id")
        user = _user(id)
        try:
            people.confirm(actor, request.form.get("current", ""), requests.visitor())
        except CrmError as refused:
            flash(refused.text(_), "error")
            return redirect(f"{self.path}?user={user.id}")
        return self._done(
            id,
            lambda user: second_factors.take_away(user, actor, post),
            _("The second factor is taken away. The user is told of it."),
        )

    @expose("/sessions/end/", methods=("POST",))
    def end_session(self) -> Any:
        """End one session of a user."""
        actor, session = requests.actor(), access.key_of(request.args.get("id")) or 0
        return self._done(
            request.args.get("user"),
            lambda user: sessions.end_elsewhere(user, actor, id=session),
            _("That session has ended."),
        )

    @expose("/sessions/end-all/", methods=("POST",))
    def end_sessions(self) -> Any:
        """Sign a user out everywhere."""
        actor = requests.actor()
        return self._done(
            request.args.get("user"),
            lambda user: sessions.end_elsewhere(user, actor),
            _("All sessions have ended."),
        )

    def _done(self, id: Any, work: Callable[[User], Any], said: str = "") -> Any:
        """Do something with a user's account, and go back to it."""
        here = f"{self.path}?user={_user(id).id}"
        try:
            with records.transaction("form"):
                user = records.claimed(User, id, requests.actor(), "edit") or abort(404)
                work(user)
        except CrmError as refused:
            flash(refused.text(_), "error")
        else:
            if said:
                flash(said, "success")
        return redirect(here)


def _user(id: Any) -> User:
    """Return the user of this id, if the actor may look after their account."""
    actor = requests.actor()
    user = access.find(User, id, actor) or abort(404)
    if not access.may(user, actor, "edit") or organisation.ranks_over(user, actor):
        abort(403)
    return user


def _invitation(invitation: invitations.Invitation) -> dict[str, Any]:
    zone = requests.zone()
    return {
        "state": _(labels.label_of(invitation.state)),
        "tone": invitation.state.tone,
        "is_open": invitation.state == invitations.InvitationState.OPEN,
        "at": columns.moment(invitation.made_at, zone),
        "until": columns.moment(invitation.expires_at, zone),
        "was_mailed": invitation.was_mailed,
    }
