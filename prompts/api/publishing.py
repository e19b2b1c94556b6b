"""A version that an application sends: of a new prompt, or the next one of a prompt that exists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.api.errors import ApiError
from accounts.models import User
from accounts.sharing import Audience, audiences_for
from prompts import services
from prompts.api.schemas import NewLabels, NewVersion
from prompts.drafts import Body, Draft, Variable
from prompts.models import LabelProposal, Prompt, PromptType, PromptVersion
from prompts.protection import guarded_labels, propose_move


def publish(owner: User, sent: NewVersion) -> PromptVersion:
    """A new prompt belongs to ``owner`` and is private unless ``sent`` says otherwise.

    Raises ApiError (403, 409) and what the services raise.
    """
    try:
        return _publish(owner, sent)
    except (IntegrityError, ValidationError):
        if not Prompt.objects.filter(name=sent.name).exists():
            raise
        # Somebody may have created it in this moment.
        return _publish(owner, sent)


@transaction.atomic
def _publish(owner: User, sent: NewVersion) -> PromptVersion:
    prompt = Prompt.objects.visible_to(owner).filter(name=sent.name).first()
    return _next_version(prompt, owner, sent) if prompt else _new_prompt(owner, sent)


def _new_prompt(owner: User, sent: NewVersion) -> PromptVersion:
    if Prompt.objects.filter(name=sent.name).exists():
        raise ApiError(409, "name_taken", f"The name “{sent.name}” is taken by a prompt that you cannot see.")
    if Prompt.objects.looking_like(sent.name).exists():
        raise ApiError(409, "name_taken", f"There is a name that differs from “{sent.name}” in case alone.")
    body = _body(sent)
    return services.create_prompt(
        owner=owner,
        name=sent.name,
        type=sent.type or (PromptType.TEXT if isinstance(body, str) else PromptType.CHAT),
        draft=_draft(Draft(body), sent),
        tags=sent.tags or (),
        audience=_audience(owner, sent.sharedWith),
        message=sent.commitMessage or "",
        labels=sent.labels or (),
    )


def _next_version(prompt: Prompt, author: User, sent: NewVersion) -> PromptVersion:
    check_editable(prompt, author)
    if sent.type is not None and sent.type != prompt.type:
        raise ApiError(409, "wrong_type", f"This is a {prompt.type} prompt: its type cannot change.")
    newest = prompt.versions.first()
    version = services.save_version(
        prompt=prompt,
        draft=_draft(newest.draft if newest else Draft(""), sent),
        author=author,
        message=sent.commitMessage or "",
        labels=sent.labels or (),
    )
    if sent.tags is not None:
        services.update_prompt(prompt=prompt, actor=author, tags=sent.tags)
    return version


def check_editable(prompt: Prompt, user: User) -> None:
    """Raises ApiError (403)."""
    if not Prompt.objects.editable_by(user).filter(pk=prompt.pk).exists():
        raise ApiError(403, "read_only", f"You may read the prompt “{prompt}”, but not change it.")


def _draft(before: Draft, sent: NewVersion) -> Draft:
    own: dict[str, Any] = {
        "provider": sent.provider,
        "model": sent.model,
        "parameters": sent.parameters,
        "tools": sent.tools,
        "response_schema": sent.responseSchema,
        "variables": None if sent.variables is None else tuple(map(_variable, sent.variables)),
    }
    given = {name: value for name, value in own.items() if value is not None}
    draft = replace(before, body=_body(sent), config=sent.config or {}, **given)
    if sent.variables is not None:
        return draft
    used = frozenset(draft.used_variables)
    return replace(draft, variables=tuple(known for known in draft.variables if known.name in used))


def _variable(sent: Any) -> Variable:
    return Variable(**{**sent.dict(), "choices": tuple(sent.choices)})


def _body(sent: NewVersion) -> Body:
    return sent.prompt if isinstance(sent.prompt, str) else [message.dict() for message in sent.prompt]


def _audience(owner: User, shared_with: str) -> Audience:
    """By the value that stands for it in forms, or by the name of a team."""
    for audience in audiences_for(owner, everyone=True):
        if shared_with == audience.key or (audience.team is not None and shared_with == audience.team.name):
            return audience
    details = [("sharedWith", "Use private, everyone, or the name of one of your teams.")]
    raise ApiError(422, "invalid_prompt", details[0][1], details=details)


def move_or_propose(prompt: Prompt, to: PromptVersion, sent: NewLabels, *, actor: User) -> list[LabelProposal]:
    """Moves the labels to the version; the proposals for those that are protected, where approval is requested."""
    guarded = guarded_labels(actor) if sent.requestApproval else {}
    proposals = []
    for label in dict.fromkeys(sent.newLabels):
        if label not in guarded:
            services.move_label(prompt=prompt, label=label, to=to, actor=actor, reason=sent.reason)
        elif not to.labels.filter(name=label).exists():
            proposals.append(
                propose_move(
                    prompt=prompt, label=label, to=to, proposer=actor, reason=sent.reason, seen_at=services.ANYWHERE
                )
            )
    return proposals
