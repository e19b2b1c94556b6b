"""A move of a protected label that waits for approval: what it would change, and the decision about it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import UserRequest
from prompts import protection
from prompts.diffs import compare
from prompts.label_rules import LabelRefused
from prompts.models import Approval, LabelProposal, Prompt, ProtectedLabel
from prompts.pages.access import visible_prompt
from prompts.pages.forms import DecisionForm
from prompts.pages.header import header_of
from prompts.reading import predecessor_of

Decide = Callable[[LabelProposal, User, str], object]
DECISIONS: dict[str, tuple[Decide, str]] = {
    "approve": (
        lambda proposal, user, note: protection.approve(proposal=proposal, approver=user, note=note),
        "Approved. The label has moved.",
    ),
    "decline": (
        lambda proposal, user, note: protection.decline(proposal=proposal, actor=user, note=note),
        "Declined. The label stays where it is.",
    ),
    "withdraw": (
        lambda proposal, user, note: protection.withdraw(proposal=proposal, actor=user),
        "Withdrawn. The label stays where it is.",
    ),
}


@require_safe
def proposal_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    return _page(request, _visible(request.user, pk), DecisionForm())


@require_POST
def proposal_decide(request: UserRequest, pk: UUID) -> HttpResponse:
    proposal, form = _visible(request.user, pk), DecisionForm(request.POST)
    if request.POST.get("decision") not in DECISIONS:
        raise Http404
    if not form.is_valid():
        return _page(request, proposal, form, status=422)
    decide, told = DECISIONS[request.POST["decision"]]
    try:
        decide(proposal, request.user, form.cleaned_data["note"])
    except LabelRefused as error:
        proposal = _visible(request.user, pk)
        return _page(request, proposal, form, problem=error.message if proposal.is_open else "", status=409)
    messages.success(request, told)
    return redirect("prompts:label-history", pk=proposal.prompt_id)


def _visible(user: User, pk: UUID) -> LabelProposal:
    proposal = get_object_or_404(
        LabelProposal.objects.select_related("proposer", "decided_by"),
        pk=pk,
        prompt__in=Prompt.objects.visible_to(user).order_by(),
    )
    proposal.prompt = visible_prompt(user, proposal.prompt_id)
    return proposal


def _page(
    request: UserRequest, proposal: LabelProposal, form: DecisionForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    prompt, numbers = proposal.prompt, (proposal.from_version, proposal.to_version)
    old, new = (prompt.versions.select_related("author").filter(number=number or 0).first() for number in numbers)
    if new is not None and old is None:
        old = predecessor_of(new) or new
    needs_administrator = ProtectedLabel.objects.filter(name=proposal.label, approval=Approval.ADMINISTRATOR)
    context = header_of(prompt, request.user) | {
        "proposal": proposal,
        "old": old,
        "new": new,
        "sections": compare(old.draft, new.draft) if old and new else [],
        "form": form,
        "problem": problem,
        "may_decide": proposal.is_open and protection.may_decide(proposal, request.user),
        "may_withdraw": proposal.is_open and proposal.proposer_id == request.user.pk,
        "needs_administrator": needs_administrator.exists(),
        "why_closed": "" if proposal.is_open else protection.why_closed(proposal),
    }
    return render(request, "prompts/proposal_detail.html", context, status=status)
