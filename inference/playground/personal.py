"""What this app keeps of a person: playgrounds and what their panels ask."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from inference.playground.models import Playground

_PLAYGROUND = ("id", "title", "visibility", "values", "created_at", "updated_at")
_PANEL = (
    *("position", "provider", "model", "token_id", "parameters", "body", "variables", "tools", "response_schema"),
    *("prompt_name", "prompt_version", "repetitions"),
)


def export(user: User) -> Iterator[Values]:
    for playground in in_batches(Playground.objects.filter(owner=user)):
        yield values_of(playground, "playground", *_PLAYGROUND)
        for panel in playground.panels.all():
            yield {**values_of(panel, "playground panel", *_PANEL), "playground": playground.pk}


def erase(user: User, actor: User | None) -> dict[str, int]:
    playgrounds = Playground.objects.filter(owner=user)
    count = playgrounds.count()
    playgrounds.delete()
    return {"playgrounds": count}


HANDLER = PersonalDataHandler(
    "playground",
    export,
    erase,
    covers=frozenset({"playground.playground.owner"}),
    # Files go only where nothing holds them any more.
    before=frozenset({"telemetry", "inference"}),
)
