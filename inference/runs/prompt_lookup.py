"""Which version of a prompt a run is made with, as its user may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from inference.runs.start import RunRefused
from prompts.models import Prompt
from prompts.rollouts import labels_served
from telemetry.models import Generation
from telemetry.prompt_use import PromptUse

if TYPE_CHECKING:
    from accounts.models import User

PROMPT_MISSING = "This prompt or version was deleted, or is no longer shared with you. Remove it, then send again."


def prompt_use(*, user: User, prompt_id: UUID, version: int) -> PromptUse:
    """With what its labels serve the user at the moment. Raises RunRefused for what there is not, or not to be read."""
    found = Prompt.objects.visible_to(user).filter(pk=prompt_id, versions__number=version)
    prompt = found.only("name").first()
    if prompt is None:
        raise RunRefused("prompt", PROMPT_MISSING)
    return PromptUse(prompt.pk, prompt.name, version, labels_served(prompt, user))


def prompt_of_question(*, user: User, question_id: int) -> PromptUse | None:
    """The version that the last answer to the question was asked for with, as far as the user may still read it."""
    calls = Generation.objects.filter(user=user, message__parent=question_id, prompt_id__isnull=False)
    last = calls.order_by("-started_at").only("prompt_id", "prompt_version").first()
    if last is None or last.prompt_id is None or last.prompt_version is None:
        return None
    try:
        return prompt_use(user=user, prompt_id=last.prompt_id, version=last.prompt_version)
    except RunRefused:
        return None
