"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from accounts.models import User
from inference.playground.models import Panel, Playground
from inference.playground.services import create_playground
from prompts.drafts import Draft


def a_playground(owner: User) -> Playground:
    return create_playground(owner=owner, title="private", draft=Draft("private"), values={})


def a_panel(owner: User) -> Panel:
    return a_playground(owner).panels.get()


USERS = {"playground/", "playground/add/"}
NO_PAGES = {"playground/<uuid:pk>/example-set/": "opened by a script"}
OBJECTS = {
    "playground/<uuid:pk>/": (a_playground, "pk"),
    "playground/<uuid:pk>/values/<int:set_pk>/": (a_panel, "playground_id", "pk"),
    "playground/<uuid:pk>/panels/<int:panel_pk>/": (a_panel, "playground_id", "pk"),
}
