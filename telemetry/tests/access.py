"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from uuid import uuid4

from accounts.models import User
from accounts.sharing import PRIVATE
from telemetry.explorer.models import SavedView
from telemetry.explorer.services import save_view
from telemetry.models import Generation
from telemetry.services import NewCall, start_generation


def a_call(owner: User) -> Generation:
    call = NewCall(conversation_id=uuid4(), provider="echo", model="echo", parameters={}, sent=[], process_id=1)
    return start_generation(user=owner, call=call)


def a_view(owner: User) -> SavedView:
    name = f"private {SavedView.objects.count()}"
    return save_view(owner=owner, name=name, query="?model=private", audience=PRIVATE)


USERS = {
    "telemetry/",
    "telemetry/costs/",
    "telemetry/export.csv",
    "telemetry/export.jsonl",
    "telemetry/export.parquet",
    "telemetry/new/",
    "telemetry/prices/",
    "telemetry/summary/",
    "telemetry/views/add/",
}
ADMINISTRATORS = {
    "admin/telemetry/priceoverride/add/",
    "admin/telemetry/priceoverride/<path:object_id>/delete/",
}
OBJECTS = {
    "telemetry/<uuid:pk>/": (a_call, "pk"),
    "telemetry/views/<uuid:pk>/": (a_view, "pk"),
}
NO_PAGES = {
    "telemetry/<uuid:pk>/curl/": "answers a script",
    "telemetry/new/": "a part of the list",
    "telemetry/summary/": "a part of the list",
}
