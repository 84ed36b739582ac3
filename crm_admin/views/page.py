"""Pages that are no entity: who may open each of their routes is declared, or it is refused."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import abort
from flask_admin import BaseView

from crm_admin.models.users import User
from crm_admin.views import frame, requests

Allowed = Callable[[User], bool]


def anyone(actor: User) -> bool:
    """Let in everybody who has signed in."""
    return True


class Page(BaseView):
    """A page or a few of one subject.

    `allowed` maps each of its routes to who may use it; one that is not named there is refused.
    Who may not is told that there is no such page.
    """

    #: Where it lies, its name, its picture and place in the menu; no group: not in the menu.
    path: ClassVar[str]
    label: ClassVar[str]
    menu: ClassVar[str | None] = None
    icon: ClassVar[str] = "circle"
    order: ClassVar[int] = 50
    allowed: ClassVar[dict[str, Allowed]]

    def __init__(self) -> None:
        super().__init__(
            name=self.label,
            endpoint=self.path.strip("/").replace("-", "_").replace("/", "_") or "home",
            url=self.path.rstrip("/") or "/",
            static_url_path="/none",  # Flask-Admin's own scripts are not served: nothing needs them
        )
        if type(self).menu is not None:  # Flask-Admin keeps something else there
            may = self.allowed["index"]
            frame.add(
                frame.Entry(
                    type(self).menu or "", self.label, self.icon, self.path, may, order=self.order
                )
            )

    def is_accessible(self) -> bool:
        return requests.is_signed_in()

    def _handle_view(self, name: str, **arguments: Any) -> Any:
        if not requests.is_signed_in():
            abort(401)
        may = self.allowed.get(name)
        if may is None:
            abort(403)
        if not may(requests.actor()):
            abort(404)

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)
