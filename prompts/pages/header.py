"""What stands at the head of each page of a prompt."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from prompts.models import LabelProposal, Prompt
from prompts.protection import guarded_labels


def header_of(prompt: Prompt, user: User) -> dict[str, Any]:
    """Its labels with their versions, moves that wait for approval, and what the user may do."""
    is_owner = prompt.owner_id == user.pk
    return {
        "prompt": prompt,
        "labels": prompt.labels.select_related("version"),
        "latest": prompt.versions.without_content().first(),
        "guarded": guarded_labels(user),
        "open_proposals": LabelProposal.objects.open().filter(prompt=prompt).select_related("proposer"),
        "is_owner": is_owner,
        "is_editor": is_owner or prompt.readers_may_edit,
    }
