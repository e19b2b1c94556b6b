"""Starting calls that stand in no conversation: several at once, in as many statements as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from audit.services import batch, record
from inference.actions import InferenceAction
from inference.attachments.services import note_sent
from inference.models import StoredFile
from inference.providers.base import ChatRequest
from inference.runs.limits import limit_reached
from inference.runs.start import Access, LimitReached, PreparedRun, RunRefused, access_to, new_call, prepared
from telemetry import services as telemetry
from telemetry.prompt_use import PromptUse

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class WantedCall:
    """``prompt``: the version that the request was made from, if it was. ``files``: those in its messages."""

    provider: str
    request: ChatRequest
    prompt: PromptUse | None = None
    files: Sequence[StoredFile] = ()


# A provider, and the provider key that was chosen, None for the default one.
Endpoint = tuple[str, UUID | None]


def accesses(user: User, endpoints: Sequence[Endpoint]) -> dict[Endpoint, Access | RunRefused]:
    """What each endpoint can be called with, or why the user cannot."""
    return {endpoint: _access(endpoint, user) for endpoint in dict.fromkeys(endpoints)}


def _access(endpoint: Endpoint, user: User) -> Access | RunRefused:
    provider, token_id = endpoint
    try:
        access = access_to(provider, user, token_id)
    except RunRefused as refusal:
        return refusal
    return RunRefused("model", access.problem) if access.problem else access


@transaction.atomic(savepoint=False)
@batch()
def start_calls(user: User, wanted: Sequence[tuple[WantedCall, Access]]) -> list[PreparedRun]:
    """Record the calls, all or none, in the order in which they are wanted. Raises LimitReached."""
    if reached := limit_reached(user, wanted=len(wanted)):
        raise LimitReached(reached)
    calls = [new_call(access, call.provider, call.request, call.prompt) for call, access in wanted]
    generations = telemetry.start_generations(user=user, calls=calls)
    note_sent({file.pk: file for call, _ in wanted for file in call.files}.values())
    for generation in generations:
        after = {
            "provider": generation.provider,
            "model": generation.request_model,
            "token_id": str(generation.token_id) if generation.token_id else None,
        }
        record(action=InferenceAction.RUN_START, actor=user, target=generation, after=after)
    return [
        prepared(generation, access, call.request, files=call.files)
        for generation, (call, access) in zip(generations, wanted, strict=True)
    ]
