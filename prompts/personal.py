"""What this app keeps of a person: prompts, and who wrote versions and moved labels."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from accounts.sharing import Visibility
from prompts.models import ExampleSet, KeyRead, LabelMove, LabelProposal, Prompt, PromptVersion, Rollout

_PROMPT = (
    "id", "name", "type", "description", "tags", "visibility", "readers_may_edit", "is_archived", "created_at",
    "updated_at",
)  # fmt: skip
_VERSION = (
    "number", "body", "variables", "tools", "response_schema", "config", "provider", "model", "parameters", "message",
    "made_from", "created_at",
)  # fmt: skip
_ROLLOUT = ("label", "from_version", "to_version", "percent", "reason", "state", "started_at", "ended_at", "end_reason")


def export(user: User) -> Iterator[Values]:
    for prompt in in_batches(Prompt.objects.filter(owner=user)):
        yield values_of(prompt, "prompt", *_PROMPT)
    for version in in_batches(PromptVersion.objects.filter(author=user).select_related("prompt")):
        yield {**values_of(version, "prompt_version", *_VERSION), "prompt": version.prompt.name}
    for example_set in in_batches(ExampleSet.objects.filter(prompt__owner=user).select_related("prompt")):
        yield {
            **values_of(example_set, "example_set", "name", "values", "created_at", "updated_at"),
            "prompt": example_set.prompt.name,
        }
    for read in in_batches(KeyRead.objects.filter(key__user=user).select_related("prompt", "key")):
        names = {"prompt": read.prompt.name, "api_key": read.key.prefix}
        yield {**values_of(read, "prompt_read", "label", "version", "at"), **names}
    for move in in_batches(LabelMove.objects.filter(actor=user).select_related("prompt")):
        yield {
            **values_of(move, "label_move", "label", "from_version", "to_version", "reason", "at"),
            "prompt": move.prompt.name,
        }
    for rollout in in_batches(Rollout.objects.filter(Q(started_by=user) | Q(ended_by=user)).select_related("prompt")):
        yield {**values_of(rollout, "rollout", *_ROLLOUT), "prompt": rollout.prompt.name}
    proposals = LabelProposal.objects.filter(Q(proposer=user) | Q(decided_by=user)).select_related("prompt")
    for proposal in in_batches(proposals):
        fields = ("reason",) if proposal.proposer_id == user.pk else ("note",)
        yield {
            **values_of(proposal, "label_proposal", "label", "to_version", "state", "created_at", *fields),
            "prompt": proposal.prompt.name,
        }


def erase(user: User, actor: User | None) -> dict[str, int]:
    """Private prompts go. Shared ones may be in use: they go to ``actor``, or to another administrator."""
    own = Prompt.objects.filter(owner=user)
    private = own.filter(visibility=Visibility.PRIVATE) if (heir := actor or _administrator(user)) else own
    count = private.count()
    for prompt in private:
        prompt.labels.all().delete()
        prompt.delete()
    handed_over = own.update(owner=heir) if heir else 0
    PromptVersion.objects.filter(author=user).update(author=None)
    LabelMove.objects.filter(actor=user).update(actor=None)
    Rollout.objects.filter(started_by=user).update(started_by=None)
    Rollout.objects.filter(ended_by=user).update(ended_by=None)
    LabelProposal.objects.filter(proposer=user).void()
    LabelProposal.objects.filter(proposer=user).update(proposer=None)
    LabelProposal.objects.filter(decided_by=user).update(decided_by=None)
    return {"prompts": count, "prompts_handed_over": handed_over}


def _administrator(user: User) -> User | None:
    return User.objects.filter(role="administrator", is_active=True).exclude(pk=user.pk).order_by("pk").first()


HANDLER = PersonalDataHandler(
    "prompts",
    export,
    erase,
    frozenset(
        {
            "prompts.prompt.owner",
            "prompts.promptversion.author",
            "prompts.labelmove.actor",
            "prompts.rollout.started_by",
            "prompts.rollout.ended_by",
            "prompts.labelproposal.proposer",
            "prompts.labelproposal.decided_by",
        }
    ),
)
