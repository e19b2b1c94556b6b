from __future__ import annotations

from accounts.sharing import EVERYONE
from audit.tests.scene import Acts, Scene
from prompts import example_sets, protection, services
from prompts.actions import PromptsAction
from prompts.drafts import Draft
from prompts.files import transfer
from prompts.files.document import PromptFile
from prompts.models import ExampleSet, LabelProposal, PromptVersion, ProtectedLabel
from prompts.rollout_rules import Guards
from prompts.rollouts import start_rollout

HI = PromptFile("hi", Draft("Hi"))


def a_version(scene: Scene) -> PromptVersion:
    return services.create_prompt(owner=scene.alice, name="triage", type="text", draft=Draft("Hi"))


def a_set(scene: Scene) -> ExampleSet:
    prompt = a_version(scene).prompt
    return example_sets.create_example_set(prompt=prompt, name="Short", values={"a": "b"}, actor=scene.alice)


def roll_out(scene: Scene) -> None:
    first = a_version(scene)
    prompt, alice = first.prompt, scene.alice
    services.move_label(prompt=prompt, label="production", to=first, actor=alice)
    second = services.save_version(prompt=prompt, draft=Draft("Bye"), author=alice)
    start_rollout(prompt=prompt, label="production", to=second, percent=10, guards=Guards(50), actor=alice)
    services.move_label(prompt=prompt, label="production", to=second, actor=alice)


def propose(scene: Scene) -> LabelProposal:
    version = a_version(scene)
    services.share_prompt(prompt=version.prompt, audience=EVERYONE, readers_may_edit=True, actor=scene.alice)
    return protection.propose_move(
        prompt=version.prompt, label="live", to=version, proposer=scene.alice, reason="Checked", seen_at=None
    )


def protect(scene: Scene) -> None:
    protected = ProtectedLabel(name="live")
    protection.protect_label(protected=protected, actor=scene.admin)
    protection.unprotect_label(protected=protected, actor=scene.admin)


PROMPT = [PromptsAction.PROMPT_CREATE, PromptsAction.VERSION_CREATE]
PROPOSED = [*PROMPT, PromptsAction.PROMPT_SHARE, PromptsAction.LABEL_PROPOSE]
ACTS: Acts = {
    "prompt created": (lambda s: a_version(s), PROMPT),
    "prompt described": (
        lambda s: services.update_prompt(prompt=a_version(s).prompt, actor=s.alice, description="Sorts"),
        [*PROMPT, PromptsAction.PROMPT_UPDATE],
    ),
    "prompt shared": (
        lambda s: services.share_prompt(
            prompt=a_version(s).prompt, audience=EVERYONE, readers_may_edit=True, actor=s.alice
        ),
        [*PROMPT, PromptsAction.PROMPT_SHARE],
    ),
    "prompt deleted": (
        lambda s: services.delete_prompt(prompt=a_version(s).prompt, actor=s.alice),
        [*PROMPT, PromptsAction.PROMPT_DELETE],
    ),
    "version saved": (
        lambda s: services.save_version(prompt=a_version(s).prompt, draft=Draft("Bye"), author=s.alice),
        [*PROMPT, PromptsAction.VERSION_CREATE],
    ),
    "version deleted": (
        lambda s: services.delete_version(version=a_version(s), actor=s.alice),
        [*PROMPT, PromptsAction.VERSION_DELETE],
    ),
    "label moved": (
        lambda s: services.move_label(
            prompt=(version := a_version(s)).prompt, label="production", to=version, actor=s.alice
        ),
        [*PROMPT, PromptsAction.LABEL_MOVE],
    ),
    "rollout started and ended by a move": (
        roll_out,
        [
            *PROMPT,
            PromptsAction.LABEL_MOVE,
            PromptsAction.VERSION_CREATE,
            PromptsAction.ROLLOUT_START,
            PromptsAction.ROLLOUT_END,
            PromptsAction.LABEL_MOVE,
        ],
    ),
    "label proposed and moved": (
        lambda s: protection.approve(proposal=propose(s), approver=s.admin),
        [*PROPOSED, PromptsAction.LABEL_APPROVE, PromptsAction.LABEL_MOVE],
    ),
    "label proposed and declined": (
        lambda s: protection.decline(proposal=propose(s), actor=s.admin),
        [*PROPOSED, PromptsAction.LABEL_DECLINE],
    ),
    "label proposed and withdrawn": (
        lambda s: protection.withdraw(proposal=propose(s), actor=s.alice),
        [*PROPOSED, PromptsAction.LABEL_WITHDRAW],
    ),
    "label protected and not": (protect, [PromptsAction.LABEL_PROTECT, PromptsAction.LABEL_UNPROTECT]),
    "example set created": (lambda s: a_set(s), [*PROMPT, PromptsAction.EXAMPLE_SET_CREATE]),
    "example set changed": (
        lambda s: example_sets.update_example_set(example_set=a_set(s), name="Long", values={}, actor=s.alice),
        [*PROMPT, PromptsAction.EXAMPLE_SET_CREATE, PromptsAction.EXAMPLE_SET_UPDATE],
    ),
    "example set deleted": (
        lambda s: example_sets.delete_example_set(example_set=a_set(s), actor=s.alice),
        [*PROMPT, PromptsAction.EXAMPLE_SET_CREATE, PromptsAction.EXAMPLE_SET_DELETE],
    ),
    "files imported": (
        lambda s: transfer.import_files(files=[HI], actor=s.alice, options=transfer.Options()),
        [*PROMPT, PromptsAction.FILES_IMPORT],
    ),
    "files exported": (
        lambda s: transfer.record_export(actor=s.alice, count=1, file_format="json"),
        [PromptsAction.FILES_EXPORT],
    ),
}
