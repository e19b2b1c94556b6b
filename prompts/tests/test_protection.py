"""Protected labels, and moves of them that others approve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.sharing import Audience, Visibility
from audit.models import AuditEvent
from prompts import protection, services
from prompts.drafts import Draft
from prompts.label_rules import LabelRefused
from prompts.models import (
    Approval,
    Label,
    LabelMove,
    LabelProposal,
    PromptVersion,
    ProposalState,
    ProtectedLabel,
)
from prompts.tests.conftest import Program

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def guarded(triage: PromptVersion, let_edit: Callable[[PromptVersion], None]) -> PromptVersion:
    """Version 2 of a prompt of alice that bob may edit; production needs a second user and is still at version 1."""
    ProtectedLabel.objects.create(name="production", approval=Approval.SECOND_USER)
    let_edit(triage)
    return triage


@pytest.fixture
def proposal(guarded: PromptVersion, alice: User) -> LabelProposal:
    return propose(guarded, alice)


def propose(version: PromptVersion, proposer: User, **values: Any) -> LabelProposal:
    sent = {"label": "production", "to": version, "reason": "Checked", "seen_at": 1, **values}
    return protection.propose_move(prompt=version.prompt, proposer=proposer, **sent)


def move(version: PromptVersion, actor: User, *, remove: bool = False) -> LabelMove | None:
    return services.move_label(
        prompt=version.prompt, label="production", to=None if remove else version, actor=actor, reason="Checked"
    )


def production(version: PromptVersion) -> int:
    return Label.objects.get(prompt=version.prompt_id, name="production").version.number


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(LabelRefused) as refused:
        act()
    return refused.value.code


@pytest.mark.parametrize("remove", [False, True])
def test_only_an_administrator_moves_or_removes_it(
    remove: bool, triage: PromptVersion, alice: User, admin: User
) -> None:
    ProtectedLabel.objects.create(name="production")
    assert code_of(lambda: move(triage, alice, remove=remove)) == "label_protected"
    assert production(triage) == 1
    assert move(triage, admin, remove=remove)


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_nobody_moves_it_alone_where_a_second_user_must_approve(
    who: str, guarded: PromptVersion, request: pytest.FixtureRequest
) -> None:
    assert code_of(lambda: move(guarded, request.getfixturevalue(who))) == "label_protected"


def test_other_labels_move_as_before(guarded: PromptVersion, alice: User) -> None:
    assert services.move_label(prompt=guarded.prompt, label="staging", to=guarded, actor=alice)


def test_no_version_is_saved_with_it(guarded: PromptVersion, alice: User) -> None:
    def save() -> object:
        return services.save_version(prompt=guarded.prompt, draft=Draft("New"), author=alice, labels=["production"])

    assert code_of(save) == "label_protected"
    assert guarded.prompt.versions.count() == 2


def test_the_api_answers_403(guarded: PromptVersion, program: Program) -> None:
    sent = {"name": "support/triage", "prompt": "New", "labels": ["production"]}
    answers = [program.patch("support/triage", 2, ["production"]), program.post(sent)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "label_protected")] * 2
    assert guarded.prompt.versions.count() == 2


def test_an_approved_move_is_made_in_the_name_of_its_proposer(proposal: LabelProposal, alice: User, bob: User) -> None:
    protection.approve(proposal=proposal, approver=bob, note="Looks right")
    stored = LabelProposal.objects.get()
    assert stored.move and (stored.move.actor, stored.move.to_version, stored.move.reason) == (alice, 2, "Checked")
    assert (stored.state, stored.decided_by, stored.note) == (ProposalState.APPROVED, bob, "Looks right")
    entry = AuditEvent.objects.get(action="prompts:label:approve")
    assert (entry.actor, entry.after["proposal"]) == (bob.audit_id, str(proposal.pk))
    assert AuditEvent.objects.filter(action="prompts:label:move").latest("sequence").actor == bob.audit_id


def test_a_removal_is_approved_too(guarded: PromptVersion, alice: User, bob: User) -> None:
    protection.approve(proposal=propose(guarded, alice, to=None), approver=bob)
    assert not Label.objects.filter(name="production").exists()


def test_nobody_approves_their_own_move(proposal: LabelProposal, alice: User) -> None:
    assert code_of(lambda: protection.approve(proposal=proposal, approver=alice)) == "label_protected"
    assert code_of(lambda: protection.decline(proposal=proposal, actor=alice)) == "label_protected"


@pytest.mark.parametrize(
    ("approval", "readers_edit", "who", "may"),
    [
        ("second_user", True, "bob", True),
        ("second_user", False, "bob", False),
        ("second_user", True, "charlie", False),
        ("second_user", True, "admin", False),
        ("administrator", True, "bob", False),
    ],
)
def test_editors_decide_unless_it_needs_an_administrator(
    approval: str, readers_edit: bool, who: str, may: bool, proposal: LabelProposal, request: pytest.FixtureRequest
) -> None:
    ProtectedLabel.objects.update(approval=approval)
    proposal.prompt.readers_may_edit = readers_edit
    proposal.prompt.save()
    assert protection.may_decide(proposal, request.getfixturevalue(who)) is may


@pytest.mark.parametrize("approval", Approval.values)
def test_an_administrator_who_sees_the_prompt_decides(approval: str, proposal: LabelProposal, admin: User) -> None:
    ProtectedLabel.objects.update(approval=approval)
    proposal.prompt.visibility, proposal.prompt.team, proposal.prompt.readers_may_edit = "everyone", None, False
    proposal.prompt.save()
    assert protection.may_decide(proposal, admin)


def test_it_is_withdrawn_by_its_proposer_alone(proposal: LabelProposal, alice: User, bob: User) -> None:
    assert code_of(lambda: protection.withdraw(proposal=proposal, actor=bob)) == "label_protected"
    protection.withdraw(proposal=proposal, actor=alice)
    assert code_of(lambda: protection.approve(proposal=proposal, approver=bob)) == "proposal_closed"


def test_there_is_one_open_proposal_for_a_label(proposal: LabelProposal, guarded: PromptVersion, alice: User) -> None:
    assert code_of(lambda: propose(guarded, alice)) == "proposal_open"
    protection.withdraw(proposal=proposal, actor=alice)
    assert propose(guarded, alice).is_open


def test_nothing_is_proposed_of_a_label_that_moved_meanwhile(guarded: PromptVersion, alice: User) -> None:
    assert code_of(lambda: propose(guarded, alice, seen_at=2)) == "label_moved"
    assert code_of(lambda: propose(guarded, alice, label="latest")) == "label_latest"


def test_it_is_void_once_the_label_has_moved(proposal: LabelProposal, guarded: PromptVersion, bob: User) -> None:
    ProtectedLabel.objects.all().delete()
    third = services.save_version(prompt=guarded.prompt, draft=Draft("Third"), author=bob)
    move(third, bob)
    proposal.refresh_from_db()
    assert protection.why_closed(proposal) == "“production” has moved since and is now at v3, so this proposal is void."
    assert code_of(lambda: protection.approve(proposal=proposal, approver=bob)) == "proposal_closed"


def test_it_is_void_once_its_version_is_deleted(
    proposal: LabelProposal, guarded: PromptVersion, alice: User, bob: User
) -> None:
    services.delete_version(version=guarded, actor=alice)
    proposal.refresh_from_db()
    assert "v2 has been deleted" in protection.why_closed(proposal)
    assert code_of(lambda: protection.approve(proposal=proposal, approver=bob)) == "proposal_closed"


def test_nothing_moves_for_a_proposer_who_may_no_longer_edit(guarded: PromptVersion, alice: User, bob: User) -> None:
    proposal = propose(guarded, bob)
    services.share_prompt(prompt=guarded.prompt, audience=guarded.prompt.audience, readers_may_edit=False, actor=alice)
    assert code_of(lambda: protection.approve(proposal=proposal, approver=alice)) == "proposer_gone"
    assert production(guarded) == 1 and LabelProposal.objects.get().is_open


# Pages


def url(proposal: LabelProposal, name: str = "proposal-detail") -> str:
    return reverse(f"prompts:{name}", args=[proposal.pk])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_an_editor_requests_approval_where_the_label_is_moved(
    client_of: ClientOf, alice: User, guarded: PromptVersion
) -> None:
    client = client_of(alice)
    compare = reverse("prompts:version-compare", args=[guarded.prompt_id])
    page = client.get(f"{compare}?label=production&new=2")
    assert "Request approval" in text(page) and "Move to v2" not in text(page)
    sent = {"label": "production", "version": 2, "seen_at": 1, "reason": "Checked"}
    path = reverse("prompts:label-move", args=[guarded.prompt_id])
    refused = client.post(path, sent)
    assert refused.status_code == 422 and "Request approval" in text(refused)
    asked = client.post(path, {**sent, "propose": "1"})
    assert asked.headers["Location"] == LabelProposal.objects.get().get_absolute_url()


def test_no_second_approval_is_requested_where_one_waits(
    client_of: ClientOf, alice: User, proposal: LabelProposal
) -> None:
    compare = reverse("prompts:version-compare", args=[proposal.prompt_id])
    page = text(client_of(alice).get(f"{compare}?label=production&new=2"))
    assert url(proposal) in page and "Request approval" not in page


def test_the_page_of_the_prompt_and_the_history_list_it(
    client_of: ClientOf, bob: User, proposal: LabelProposal
) -> None:
    for name in ("prompt-detail", "label-history"):
        page = text(client_of(bob).get(reverse(f"prompts:{name}", args=[proposal.prompt_id])))
        assert "Waiting for approval" in page and url(proposal) in page


def test_whoever_decides_sees_the_changes(client_of: ClientOf, bob: User, proposal: LabelProposal) -> None:
    page = text(client_of(bob).get(url(proposal)))
    assert "Be brief" in page and "Approve and move" in page and "Withdraw" not in page


def test_its_proposer_can_withdraw_and_not_approve(client_of: ClientOf, alice: User, proposal: LabelProposal) -> None:
    client = client_of(alice)
    page = text(client.get(url(proposal)))
    assert "Withdraw proposal" in page and "Approve" not in page
    assert client.post(url(proposal, "proposal-decide"), {"decision": "approve"}).status_code == 409
    assert client.post(url(proposal, "proposal-decide"), {"decision": "withdraw"}).status_code == 302


def test_the_history_shows_who_approved(client_of: ClientOf, bob: User, proposal: LabelProposal) -> None:
    client = client_of(bob)
    assert client.post(url(proposal, "proposal-decide"), {"decision": "approve", "note": "Fine"}).status_code == 302
    page = text(client.get(reverse("prompts:label-history", args=[proposal.prompt_id])))
    assert "Alice" in page and "approved</a> by Bob" in page
    assert "Approved by Bob" in text(client.get(url(proposal)))


def test_a_void_proposal_says_why(
    client_of: ClientOf, alice: User, bob: User, guarded: PromptVersion, proposal: LabelProposal
) -> None:
    services.delete_version(version=guarded, actor=alice)
    page = client_of(bob).post(url(proposal, "proposal-decide"), {"decision": "approve"})
    assert page.status_code == 409 and "v2 has been deleted" in text(page)
    assert "Closed proposals" in text(client_of(bob).get(reverse("prompts:label-history", args=[proposal.prompt_id])))


def test_no_other_decision_is_taken(client_of: ClientOf, bob: User, proposal: LabelProposal) -> None:
    assert client_of(bob).post(url(proposal, "proposal-decide"), {"decision": "x"}).status_code == 404
    long = {"decision": "approve", "note": "x" * 501}
    assert client_of(bob).post(url(proposal, "proposal-decide"), long).status_code == 422
    assert LabelProposal.objects.get().is_open


def test_only_who_sees_the_prompt_sees_it(client_of: ClientOf, charlie: User, proposal: LabelProposal) -> None:
    client = client_of(charlie)
    assert client.get(url(proposal)).status_code == 404
    assert client.post(url(proposal, "proposal-decide"), {"decision": "approve"}).status_code == 404


# Those who are to approve are told


def waiting_in(client: Client) -> str:
    return client.get(reverse("prompts:prompt-list")).content.decode()


def test_whoever_may_approve_sees_it_in_the_sidebar_and_on_the_list(
    proposal: LabelProposal, client_of: ClientOf, alice: User, bob: User, charlie: User
) -> None:
    page = waiting_in(client_of(bob))
    assert '1<span class="sr-only"> waiting for your approval</span>' in " ".join(page.split())
    assert proposal.get_absolute_url() in page
    for user in (alice, charlie):
        page = waiting_in(client_of(user))
        assert "waiting for your approval" not in page and "Waiting for your approval" not in page
    protection.decline(proposal=proposal, actor=bob)
    assert "aiting for your approval" not in waiting_in(client_of(bob))


def test_what_an_administrator_must_approve_waits_for_administrators_alone(
    guarded: PromptVersion, alice: User, bob: User, admin: User
) -> None:
    ProtectedLabel.objects.update(approval=Approval.ADMINISTRATOR)
    services.share_prompt(
        prompt=guarded.prompt, audience=Audience(Visibility.EVERYONE), readers_may_edit=True, actor=alice
    )
    proposal = propose(guarded, alice)
    assert list(LabelProposal.objects.to_decide(admin)) == [proposal]
    assert not LabelProposal.objects.to_decide(bob).exists()


# By the API


def test_the_api_says_how_a_proposal_is_made(guarded: PromptVersion, program: Program) -> None:
    assert "requestApproval" in program.patch("support/triage", 2, ["production"]).json()["message"]


def test_a_program_requests_approval(guarded: PromptVersion, program: Program, alice: User) -> None:
    sent = {"requestApproval": True, "reason": "By CI"}
    answer = program.patch("support/triage", 2, ["production", "staging"], **sent)
    proposal = LabelProposal.objects.get()
    [told] = answer.json()["proposals"]
    assert answer.status_code == 202
    assert (told["id"], told["label"], told["fromVersion"], told["toVersion"]) == (
        str(proposal.pk), "production", 1, 2,
    )  # fmt: skip
    assert told["url"].endswith(proposal.get_absolute_url())
    assert (proposal.proposer, proposal.reason, production(guarded)) == (alice, "By CI", 1)
    assert Label.objects.get(name="staging").version == guarded
    again = program.patch("support/triage", 2, ["production"], **sent)
    assert (again.status_code, again.json()["code"]) == (409, "proposal_open")


def test_a_program_that_requests_approval_moves_what_needs_none(triage: PromptVersion, program: Program) -> None:
    answer = program.patch("support/triage", 2, ["production"], requestApproval=True)
    assert (answer.status_code, answer.json()["labels"]) == (200, ["production", "latest"])
    assert not LabelProposal.objects.exists()
