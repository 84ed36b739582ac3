"""One's own second factor: set up, replaced, switched off; who must have one is led here first."""

from typing import Any

from flask import current_app, flash, g, redirect, request
from flask_admin import expose
from markupsafe import Markup

from crm_admin.errors import Denied, Invalid
from crm_admin.i18n import N_
from crm_admin.services import people, records, second_factors, sessions
from crm_admin.views import columns, requests
from crm_admin.views.page import Page, anyone
from crm_admin.views.signing_in import start_cookie
from crm_admin.views.words import gettext as _

_TEMPLATE = "second_factor.html"


class SecondFactorPage(Page):
    """The second factor of who is signed in; the password is asked again for each change."""

    path, label = "/second-factor/", N_("Second factor")
    allowed = {
        "index": anyone,
        "begin": anyone,
        "confirm": anyone,
        "codes": anyone,
        "off": anyone,
    }

    @expose("/")
    def index(self) -> str:
        """Show whether there is one, and what can be done about it."""
        return self._shown()

    def _shown(self, problem: str = "") -> str:
        actor = requests.actor()
        since = actor.second_factor_at
        return self.render(
            _TEMPLATE,
            step="overview",
            since=columns.moment(since, requests.zone()) if since else "",
            left=second_factors.codes_left(actor) if since else 0,
            is_required=second_factors.required(actor),
            problem=problem,
        )

    @expose("/begin/", methods=("GET", "POST"))
    def begin(self) -> Any:
        """Show a new secret for the phone; it counts once a code of it has come back."""
        if request.method == "GET":  # as when the language is changed below what was shown
            return redirect(self.path)
        if refused := self._asked_again():
            return refused
        return self._offer(second_factors.offer(requests.actor(), requests.post().seal))

    def _asked_again(self) -> Any:
        """Return the answer to a wrong password, or None where it was right."""
        try:
            people.confirm(requests.actor(), request.form.get("current", ""), requests.visitor())
        except Invalid as invalid:
            return self._shown(invalid.text(_))
        except Denied as refused:
            return self._shown(refused.text(_)), 429
        return None

    def _offer(self, sealed: str, problem: str = "") -> Any:
        """Show the secret that was offered, as a picture and in letters."""
        actor, post = requests.actor(), requests.post()
        try:
            secret = second_factors.offered(sealed, actor, post.seal)
        except Invalid as late:
            return self._shown(late.text(_))
        picture = second_factors.picture(secret, actor, current_app.config["PRODUCT_NAME"])
        return self.render(
            _TEMPLATE,
            step="offer",
            picture=Markup(picture),  # noqa: S704  (drawn by segno: squares, and no text)
            secret=second_factors.spelled(secret),
            offer=sealed,
            problem=problem,
        )

    @expose("/confirm/", methods=("GET", "POST"))
    def confirm(self) -> Any:
        """Switch it on with the first code, under a new session; show the recovery codes once."""
        if request.method == "GET":
            return redirect(self.path)
        actor, post, id = requests.actor(), requests.post(), g.session_id
        sealed, code = request.form.get("offer", ""), request.form.get("code", "")[:100]
        try:
            with records.transaction("profile"):
                secret = second_factors.offered(sealed, actor, post.seal)
                codes = second_factors.switch_on(actor, secret, code, post, keep_session=id)
                token = sessions.renew(id)
        except Invalid as invalid:
            return self._offer(sealed, invalid.text(_))
        start_cookie(token)
        return self.render(_TEMPLATE, step="codes", codes=codes)

    @expose("/codes/", methods=("GET", "POST"))
    def codes(self) -> Any:
        """Give ten new recovery codes, shown once."""
        if request.method == "GET":
            return redirect(self.path)
        if refused := self._asked_again():
            return refused
        actor = requests.actor()
        try:
            with records.transaction("profile"):
                codes = second_factors.renew_codes(actor)
        except Invalid as invalid:
            return self._shown(invalid.text(_))
        return self.render(_TEMPLATE, step="codes", codes=codes)

    @expose("/off/", methods=("GET", "POST"))
    def off(self) -> Any:
        """Switch it off."""
        if request.method == "GET":
            return redirect(self.path)
        if refused := self._asked_again():
            return refused
        actor, post, id = requests.actor(), requests.post(), g.session_id
        try:
            with records.transaction("profile"):
                second_factors.switch_off(actor, post, keep_session=id)
                token = sessions.renew(id)
        except Invalid as invalid:
            return self._shown(invalid.text(_))
        start_cookie(token)
        flash(_("The second factor is switched off."), "success")
        return redirect(self.path)
