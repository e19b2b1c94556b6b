"""What the editor offers to include."""

from __future__ import annotations

from django.db.models import Prefetch

from accounts.models import User
from prompts.models import LATEST, Label, Prompt, PromptType, PromptVersion
from prompts.templating import Include

MOST_PROMPTS = 500


def include_targets(user: User, *, but: Prompt | None) -> list[tuple[Prompt, list[tuple[str, str]]]]:
    """Text prompts that the user sees, each with the versions that can be meant: in words, and as a text has them."""
    newest = PromptVersion.objects.without_content().order_by("-number")[:1]
    labels = Label.objects.select_related("version").only("prompt_id", "name", "version__number")
    prompts = Prompt.objects.visible_to(user).current().filter(type=PromptType.TEXT, last_number__gt=0)
    prompts = prompts.exclude(pk=but.pk) if but else prompts
    prompts = prompts.prefetch_related(Prefetch("versions", newest, to_attr="newest"), Prefetch("labels", labels))
    return [(prompt, targets) for prompt in prompts.order_by("name")[:MOST_PROMPTS] if (targets := _targets(prompt))]


def _targets(prompt: Prompt) -> list[tuple[str, str]]:
    newest: list[PromptVersion] = getattr(prompt, "newest", [])
    words = [
        (f"{label.name} (v{label.version.number})", Include(prompt.name, label.name)) for label in prompt.labels.all()
    ]
    for version in newest:
        words.append((f"{LATEST} (v{version.number})", Include(prompt.name, LATEST)))
        words.append((f"v{version.number}, fixed", Include(prompt.name, version=version.number)))
    return [(word, include.source) for word, include in words]
