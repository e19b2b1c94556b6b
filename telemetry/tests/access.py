"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from uuid import uuid4

from accounts.models import User
from telemetry.models import Generation
from telemetry.services import NewCall, start_generation


def a_call(owner: User) -> Generation:
    call = NewCall(conversation_id=uuid4(), provider="echo", model="echo", parameters={}, sent=[], process_id=1)
    return start_generation(user=owner, call=call)


ADMINISTRATORS = {
    "admin/telemetry/priceoverride/add/",
    "admin/telemetry/priceoverride/<path:object_id>/delete/",
}
OBJECTS = {"telemetry/<uuid:pk>/": (a_call, "pk")}
