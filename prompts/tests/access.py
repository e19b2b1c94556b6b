"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from accounts.models import User
from prompts import example_sets, protection, services
from prompts.drafts import Draft
from prompts.models import ExampleSet, LabelProposal, Prompt, PromptVersion, Rollout
from prompts.rollout_rules import Guards
from prompts.rollouts import start_rollout


def a_version(owner: User) -> PromptVersion:
    name = f"triage-{Prompt.objects.count()}"
    return services.create_prompt(owner=owner, name=name, type="text", draft=Draft("private"))


def a_prompt(owner: User) -> Prompt:
    return a_version(owner).prompt


def an_example_set(owner: User) -> ExampleSet:
    return example_sets.create_example_set(prompt=a_prompt(owner), name="private", values={}, actor=owner)


def a_rollout(owner: User) -> Rollout:
    first = a_version(owner)
    services.move_label(prompt=first.prompt, label="production", to=first, actor=owner)
    second = services.save_version(prompt=first.prompt, draft=Draft("new"), author=owner)
    return start_rollout(prompt=first.prompt, label="production", to=second, percent=10, guards=Guards(50), actor=owner)


def a_proposal(owner: User) -> LabelProposal:
    version = a_version(owner)
    return protection.propose_move(
        prompt=version.prompt, label="live", to=version, proposer=owner, reason="private", seen_at=None
    )


USERS = {"prompts/", "prompts/add/", "prompts/export.json", "prompts/export.zip", "prompts/import/"}
# For programs: JSON without a log-in, and without a key for what is no secret.
EVERYONE = {
    "api/public/health",
    "api/public/projects",
    "api/public/v2/prompts",
    "api/public/v2/prompts/<path:name>",
    "api/public/v2/prompts/<path:name>/versions/<version>",
    "beta/litellm_prompt_management",
}
ADMINISTRATORS = {"admin/prompts/protectedlabel/add/", "admin/prompts/protectedlabel/<path:object_id>/delete/"}
OBJECTS = {
    "prompts/<uuid:pk>/": (a_prompt, "pk"),
    "prompts/<uuid:pk>/examples/<int:number>/": (an_example_set, "prompt_id", "pk"),
    "prompts/<uuid:pk>/rollouts/<int:number>/": (a_rollout, "prompt_id", "pk"),
    "prompts/<uuid:pk>/versions/<int:number>/": (a_version, "prompt_id", "number"),
    "prompts/proposals/<uuid:pk>/": (a_proposal, "pk"),
}
