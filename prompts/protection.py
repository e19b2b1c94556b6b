"""Protected labels: who may move one, and moves that wait for a second user's approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from audit.services import batch, record
from prompts import services
from prompts.actions import PromptsAction
from prompts.label_rules import LabelRefused, needs_approval
from prompts.models import Label, LabelProposal, Prompt, PromptVersion, ProposalState, ProtectedLabel

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def propose_move(
    *, prompt: Prompt, label: str, to: PromptVersion | None, proposer: User, reason: str, seen_at: int | None
) -> LabelProposal:
    """Asks others to approve a move, or with ``to`` None a removal, of a protected label.

    ``seen_at`` is as in ``services.move_label``. Raises LabelRefused.
    """
    locked = Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    stands_at = services.check_move(prompt=locked, label=label, to=to, actor=proposer, seen_at=seen_at)
    if LabelProposal.objects.open().filter(prompt=locked, label=label).exists():
        raise LabelRefused(f"Another move of “{label}” is waiting for approval. Decide on it first.", "proposal_open")
    if stands_at == (to.number if to else None):
        raise LabelRefused(f"“{label}” is there already.", "label_moved")
    proposal = LabelProposal.objects.create(
        prompt=locked,
        label=label,
        from_version=stands_at,
        to_version=to.number if to else None,
        proposer=proposer,
        reason=reason,
    )
    _record(PromptsAction.LABEL_PROPOSE, proposal, proposer)
    return proposal


@transaction.atomic
@batch()
def approve(*, proposal: LabelProposal, approver: User, note: str = "") -> LabelProposal:
    """Moves the label in the name of the proposer. Raises LabelRefused."""
    locked = _open_one(proposal)
    if not may_decide(locked, approver):
        raise LabelRefused("You may not approve this move.", "label_protected")
    proposer, prompt = locked.proposer, locked.prompt
    if proposer is None or not Prompt.objects.editable_by(proposer).filter(pk=prompt.pk).exists():
        raise LabelRefused("Whoever proposed this move may no longer edit the prompt.", "proposer_gone")
    to = prompt.versions.get(number=locked.to_version) if locked.to_version else None
    _close(locked, ProposalState.APPROVED, approver, note)
    _record(PromptsAction.LABEL_APPROVE, locked, approver)
    locked.move = services.move_label(
        prompt=prompt,
        label=locked.label,
        to=to,
        actor=proposer,
        reason=locked.reason,
        seen_at=locked.from_version,
        approver=approver,
    )
    locked.save(update_fields=["move"])
    return locked


@transaction.atomic
def decline(*, proposal: LabelProposal, actor: User, note: str = "") -> None:
    """Raises LabelRefused."""
    locked = _open_one(proposal)
    if not may_decide(locked, actor):
        raise LabelRefused("You may not decline this move.", "label_protected")
    _close(locked, ProposalState.DECLINED, actor, note)
    _record(PromptsAction.LABEL_DECLINE, locked, actor)


@transaction.atomic
def withdraw(*, proposal: LabelProposal, actor: User) -> None:
    """By its proposer. Raises LabelRefused."""
    locked = _open_one(proposal)
    if locked.proposer_id != actor.pk:
        raise LabelRefused("Only its proposer may withdraw a proposal.", "label_protected")
    _close(locked, ProposalState.WITHDRAWN, actor, "")
    _record(PromptsAction.LABEL_WITHDRAW, locked, actor)


def may_decide(proposal: LabelProposal, user: User) -> bool:
    """Of one that is open."""
    return LabelProposal.objects.to_decide(user).filter(pk=proposal.pk).exists()


def guarded_labels(user: User) -> dict[str, ProtectedLabel]:
    """By name, those that the user does not move without somebody else."""
    return {protected.name: protected for protected in ProtectedLabel.objects.all() if needs_approval(protected, user)}


def _open_one(proposal: LabelProposal) -> LabelProposal:
    """As it is now, with its prompt locked. Raises LabelRefused where it is not open any more."""
    prompt = Prompt.objects.select_for_update(no_key=True).get(pk=proposal.prompt_id)
    found = LabelProposal.objects.select_related("proposer").get(pk=proposal.pk)
    found.prompt = prompt
    if not found.is_open:
        raise LabelRefused(why_closed(found), "proposal_closed")
    return found


def why_closed(proposal: LabelProposal) -> str:
    """For a proposal that is not open."""
    if proposal.state != ProposalState.VOID:
        return f"This proposal was {proposal.get_state_display().lower()} already."
    if proposal.proposer_id is None:
        return "The account of its proposer was deleted, so this proposal is void."
    if proposal.to_version and not proposal.prompt.versions.filter(number=proposal.to_version).exists():
        return f"v{proposal.to_version} has been deleted, so this proposal is void."
    now = Label.objects.filter(prompt=proposal.prompt_id, name=proposal.label).values_list("version__number", flat=True)
    place = f"now at v{now[0]}" if now else "now not set"
    return f"“{proposal.label}” has moved since and is {place}, so this proposal is void."


def _close(proposal: LabelProposal, state: ProposalState, actor: User, note: str) -> None:
    proposal.state, proposal.decided_by, proposal.note = state, actor, note
    proposal.decided_at = timezone.now()
    proposal.save(update_fields=["state", "decided_by", "note", "decided_at"])


def _record(action: PromptsAction, proposal: LabelProposal, actor: User) -> None:
    after = {
        "proposal": str(proposal.pk),
        "label": proposal.label,
        "from": proposal.from_version,
        "version": proposal.to_version,
        "reason": proposal.reason if action == PromptsAction.LABEL_PROPOSE else proposal.note,
    }
    record(action=action, actor=actor, target=proposal.prompt, after=after)


@transaction.atomic
def protect_label(*, protected: ProtectedLabel, actor: User) -> None:
    """Stores a new or changed protection."""
    stored = ProtectedLabel.objects.filter(pk=protected.pk).first()
    protected.save()
    record(
        action=PromptsAction.LABEL_PROTECT,
        actor=actor,
        target=protected,
        before=stored.as_audited() if stored else None,
        after=protected.as_audited(),
    )


@transaction.atomic
def unprotect_label(*, protected: ProtectedLabel, actor: User) -> None:
    pk = protected.pk
    protected.delete()
    protected.pk = pk
    record(action=PromptsAction.LABEL_UNPROTECT, actor=actor, target=protected, before=protected.as_audited())
