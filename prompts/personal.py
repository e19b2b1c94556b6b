"""What this app keeps of a person: prompts, and who wrote versions and moved labels."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from accounts.sharing import Visibility
from prompts.models import ExampleSet, LabelMove, Prompt, PromptVersion

_PROMPT = (
    "id", "name", "type", "description", "tags", "visibility", "readers_may_edit", "is_archived", "created_at",
    "updated_at",
)  # fmt: skip
_VERSION = (
    "number", "body", "variables", "tools", "response_schema", "config", "provider", "model", "parameters", "message",
    "made_from", "created_at",
)  # fmt: skip


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
    for move in in_batches(LabelMove.objects.filter(actor=user).select_related("prompt")):
        yield {
            **values_of(move, "label_move", "label", "from_version", "to_version", "reason", "at"),
            "prompt": move.prompt.name,
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
    return {"prompts": count, "prompts_handed_over": handed_over}


def _administrator(user: User) -> User | None:
    return User.objects.filter(role="administrator", is_active=True).exclude(pk=user.pk).order_by("pk").first()


HANDLER = PersonalDataHandler(
    "prompts",
    export,
    erase,
    frozenset({"prompts.prompt.owner", "prompts.promptversion.author", "prompts.labelmove.actor"}),
)
