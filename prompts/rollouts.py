"""Rollouts: a part of a label's callers is served another version, which is taken back where a guard objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models.functions import Now

from audit.services import record
from prompts import figures
from prompts.actions import PromptsAction
from prompts.label_rules import LabelRefused, check_target, check_unprotected
from prompts.models import Label, Prompt, PromptVersion, Rollout, RolloutState
from prompts.rollout_rules import Figures, Guards, draw, objection

if TYPE_CHECKING:
    from accounts.models import User

log = structlog.get_logger(__name__)


@transaction.atomic
def start_rollout(
    *, prompt: Prompt, label: str, to: PromptVersion, percent: int, guards: Guards, actor: User, reason: str = ""
) -> Rollout:
    """``percent`` (1 to 99) of those who ask for the label are served ``to`` from now on. Raises LabelRefused."""
    Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    stored = Label.objects.select_related("version").filter(prompt=prompt, name=label).first()
    if stored is None:
        raise LabelRefused(f"There is no label “{label}” to roll out from. Set it first.", "label_missing")
    if stored.version_id == to.pk:
        raise LabelRefused(f"“{label}” is at v{to.number} already.", "label_there")
    if running_rollout(prompt, label) is not None:
        raise LabelRefused(f"A rollout of “{label}” is running. End it first.", "rollout_running")
    check_unprotected(label=label, actor=actor)
    check_target(prompt, to, actor)
    rollout = Rollout.objects.create(
        prompt=prompt,
        label=label,
        from_version=stored.version.number,
        to_version=to.number,
        percent=percent,
        started_by=actor,
        reason=reason,
        **guards_as_stored(guards),
    )
    after = {"label": label, "version": to.number, "percent": percent, "reason": reason}
    record(action=PromptsAction.ROLLOUT_START, actor=actor, target=prompt, after=after)
    return rollout


def guards_as_stored(guards: Guards) -> dict[str, object]:
    return {
        "min_calls": guards.min_calls,
        "max_error_percent": guards.error_percent,
        "max_seconds_p95": guards.seconds_p95,
        "max_usd_per_call": guards.usd_per_call,
    }


def running_rollout(prompt: Prompt, label: str) -> Rollout | None:
    return Rollout.objects.running().filter(prompt=prompt, label=label).first()


@transaction.atomic
def end_rollout(*, rollout: Rollout, actor: User | None, state: RolloutState, reason: str = "") -> bool:
    """Everybody is served the version that the label names again. False where the rollout had ended before."""
    ended = Rollout.objects.running().filter(pk=rollout.pk)
    if not ended.update(state=state, ended_at=Now(), ended_by=actor, end_reason=reason[:500]):
        return False
    details = {"label": rollout.label, "version": rollout.to_version}
    record(
        action=PromptsAction.ROLLOUT_END,
        actor=actor,
        target=rollout.prompt,
        before=details | {"percent": rollout.percent},
        after={"state": state, "reason": reason},
    )
    return True


def end_by_move(prompt: Prompt, label: str, *, to: int | None, actor: User) -> None:
    """The label was moved: to the version that was rolled out, or elsewhere."""
    rollout = running_rollout(prompt, label)
    if rollout is None:
        return
    is_promoted = to == rollout.to_version
    reason = "" if is_promoted else f"The label was moved to v{to}." if to else "The label was removed."
    state = RolloutState.PROMOTED if is_promoted else RolloutState.ENDED
    end_rollout(rollout=rollout, actor=actor, state=state, reason=reason)


def take_back_if_due() -> None:
    """End each rollout that one of its guards objects to."""
    for rollout in Rollout.objects.running().select_related("prompt"):
        reason = objection(rollout.guards, figures_now(rollout))
        if reason and end_rollout(rollout=rollout, actor=None, state=RolloutState.STOPPED, reason=reason):
            log.warning("rollout_stopped", prompt=str(rollout.prompt_id), label=rollout.label, reason=reason)


def figures_now(rollout: Rollout) -> Figures:
    """Of the version that is rolled out, since the rollout began."""
    number = rollout.to_version
    found = figures.figures_by_version(rollout.prompt_id, [number], since=rollout.started_at).get(number)
    return Figures(found.ended, found.failed, found.seconds_p95, found.cost_usd) if found else Figures()


def labels_served(prompt: Prompt, user: User) -> dict[str, int]:
    """By label, the number of the version that this user of the chat is served."""
    served = dict(prompt.labels.values_list("name", "version__number"))
    for rollout in prompt.rollouts.running():
        if draw(prompt.name, rollout.label, str(user.pk)) < rollout.percent:
            served[rollout.label] = rollout.to_version
    return served
