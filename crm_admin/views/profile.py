"""One's own profile: language, time zone, look, password and open sessions."""

from typing import Any
from zoneinfo import available_timezones

from flask import flash, g, redirect, request
from flask_admin import expose

from crm_admin.errors import Denied, Invalid
from crm_admin.i18n import N_
from crm_admin.services import access, people, records, sessions, tries
from crm_admin.views import columns, requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.sign_ins import sessions_shown, tries_shown
from crm_admin.views.signing_in import limits
from crm_admin.views.words import gettext as _


class Profile(Page):
    """What each person sets for themselves, and nobody for another."""

    path, label = "/profile/", N_("My profile")
    allowed = {
        "index": anyone,
        "preferences": anyone,
        "password": anyone,
        "end_session": anyone,
        "end_sessions": anyone,
    }

    @expose("/")
    def index(self) -> str:
        """Show the profile."""
        if request.args.get("first"):
            flash(_("Please choose a password of your own first."), "warning")
        return self._shown({})

    def _shown(self, problems: dict[str, str]) -> str:
        actor = requests.actor()
        since = actor.second_factor_at
        company = _("The company's (%(zone)s)", zone=requests.company_zone())
        looks = requests.views_as()  # where somebody signs in is nobody else's to see
        own = [] if looks else sessions.of(actor, limits())
        return self.render(
            "profile.html",
            preferences_url=f"{self.path}preferences/",
            password_url=f"{self.path}password/",
            timezones=[("", company), *((z, z) for z in sorted(available_timezones()))],
            timezone=actor.time_zone or "",
            password_problems={"current": "", "new": "", "repeat": ""} | problems,
            sessions=sessions_shown(own, f"{self.path}sessions/end/?id="),
            end_all_url=f"{self.path}sessions/end-others/",
            tries=tries_shown([] if looks else tries.of(actor)),
            factor_since=columns.moment(since, requests.zone()) if since else "",
            factor_url="/second-factor/",
        )

    @expose("/preferences/", methods=("POST",))
    def preferences(self) -> Any:
        """Keep language, time zone and look."""
        actor, sent = requests.actor(), request.form
        try:
            with records.transaction("profile"):
                people.prefer(
                    actor,
                    language=sent.get("language", "").replace("-", "_"),
                    time_zone=sent.get("timezone", ""),
                    theme=sent.get("theme", ""),
                )
        except Invalid as invalid:
            flash(invalid.text(_), "error")
        else:
            flash(_("Saved."), "success")
        return redirect(self.path)

    @expose("/password/", methods=("GET", "POST"))
    def password(self) -> Any:
        """Change the password; all other sessions end."""
        if request.method == "GET":  # as when the language is changed below what was refused
            return redirect(self.path)
        actor, sent, id = requests.actor(), request.form, g.session_id
        try:
            people.confirm(actor, sent.get("current", ""), requests.visitor())
            with records.transaction("profile"):
                people.change_password(
                    actor, sent.get("new", ""), sent.get("repeat", ""), session_id=id
                )
        except Denied as refused:
            return self._shown({"current": refused.text(_)}), 429
        except Invalid as invalid:
            names = {"password": "new"}
            return self._shown({names.get(p.field, p.field): p.text(_) for p in invalid.problems})
        flash(_("Your password was changed. You are signed out everywhere else."), "success")
        return redirect(self.path)

    @expose("/sessions/end/", methods=("POST",))
    def end_session(self) -> Any:
        """Sign out somewhere else."""
        actor, id = requests.actor(), access.key_of(request.args.get("id")) or 0
        with records.transaction("session"):
            ended = sessions.end_elsewhere(actor, actor, id=id)
        if ended:
            flash(_("That session has ended."), "success")
        return redirect(self.path)

    @expose("/sessions/end-others/", methods=("POST",))
    def end_sessions(self) -> Any:
        """Sign out everywhere else."""
        actor, id = requests.actor(), g.session_id
        with records.transaction("session"):
            sessions.end_elsewhere(actor, actor, but=id)
        flash(_("You are signed out everywhere else."), "success")
        return redirect(self.path)
