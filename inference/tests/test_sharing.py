"""Who reads, who writes: owner, member, ex-member, stranger, administrator, anonymous."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.sharing import EVERYONE, PRIVATE, Audience, Visibility, share
from accounts.teams.services import remove_member
from audit.models import AuditEvent
from inference.actions import InferenceAction
from inference.conversations.services import Filters, sidebar_of
from inference.conversations.sharing import newest_seen
from inference.models import Conversation, Message, Role
from telemetry.models import Generation, Status

ClientOf = Callable[[User], Client]
WRITING = ["rename", "pin", "archive", "share", "delete"]


@pytest.fixture
def shared(alice: User, team: Team) -> Conversation:
    """Alice's, shared with the team of alice and bob."""
    conversation = Conversation.objects.create(
        owner=alice, title="Plans", provider="echo", model="echo", system="Be brief", visibility="team", team=team
    )
    question = Message.objects.create(conversation=conversation, role=Role.USER, text="What now?", client_id=uuid4())
    answer_to(question, "**This**")
    return conversation


def answer_to(question: Message, text: str, status: Status = Status.SUCCEEDED, **fields: Any) -> Message:
    now = timezone.now()
    generation = Generation.objects.create(
        user=question.conversation.owner,
        provider="echo",
        request_model="echo",
        token_label="Label of the token",
        status=status,
        started_at=now,
        ended_at=now,
        heartbeat_at=now,
        **fields,
    )
    return Message.objects.create(
        conversation=question.conversation, parent=question, role=Role.ASSISTANT, text=text, generation=generation
    )


def url(name: str, conversation: Conversation | None = None) -> str:
    return reverse(f"inference:conversation-{name}", args=[conversation.pk if conversation else uuid4()])


def text(response: Any) -> str:
    return str(response.content.decode())


def titles(user: User, **filters: Any) -> list[str]:
    sidebar = sidebar_of(user, filters=Filters(**filters))
    return [conversation.title for conversation in (*sidebar.pinned, *sidebar.rest)]


@pytest.fixture
def ex_member(charlie: User, alice: User, team: Team) -> User:
    Membership.objects.create(team=team, user=charlie)
    remove_member(team=team, user=charlie, actor=alice)
    return charlie


def test_it_is_visible_to_owner_and_team_alone(
    shared: Conversation, alice: User, bob: User, charlie: User, admin: User
) -> None:
    seen = {user.name: user for user in (alice, bob, charlie, admin) if shared in Conversation.objects.visible_to(user)}
    assert sorted(seen) == ["Alice", "Bob"]
    assert not Conversation.objects.editable_by(bob).exists()


def test_it_is_visible_once_to_a_member_of_several_teams(shared: Conversation, bob: User, alice: User) -> None:
    other = Team.objects.create(name="Other")
    Membership.objects.create(team=other, user=bob)
    Conversation.objects.create(owner=bob, title="Own", visibility="everyone")
    Conversation.objects.create(owner=alice, title="Private")
    visible = Conversation.objects.visible_to(bob).values_list("title", flat=True)
    assert sorted(visible) == ["Own", "Plans"]


def test_it_is_invisible_to_a_deactivated_member(shared: Conversation, bob: User) -> None:
    bob.is_active = False
    assert not Conversation.objects.visible_to(bob).exists()


def test_it_shows_a_member_the_thread_and_nothing_to_write_with(
    shared: Conversation, bob: User, client_of: ClientOf
) -> None:
    page = text(client_of(bob).get(shared.get_absolute_url()))
    assert "<strong>This</strong>" in page and "Be brief" in page
    assert "Read only · shared by Alice with the team Research" in page
    for control in ("ws-send", 'id="id_text"', "data-edit", "Regenerate", "/rename/", "/delete/", "main.js"):
        assert control not in page


def test_it_shows_a_member_figures_and_neither_the_token_nor_the_record(
    shared: Conversation, bob: User, alice: User, client_of: ClientOf
) -> None:
    record = reverse("telemetry:generation-detail", args=[Generation.objects.get().pk])
    page = text(client_of(bob).get(shared.get_absolute_url()))
    assert "Show figures" in page
    assert "Label of the token" not in page and record not in page
    assert record in text(client_of(alice).get(shared.get_absolute_url()))
    assert client_of(bob).get(record).status_code == 404


def test_it_keeps_what_a_provider_said_from_readers(shared: Conversation, bob: User, client_of: ClientOf) -> None:
    question = Message.objects.get(conversation=shared, role=Role.USER)
    message = "Incorrect API key sk-abc***xyz of organisation acme"
    answer_to(question, "", Status.FAILED, error_type="authentication_failed", error_message=message)
    page = text(client_of(bob).get(shared.get_absolute_url()))
    assert "Invalid API key" in page
    assert "acme" not in page


def test_it_shows_a_member_other_branches(shared: Conversation, bob: User, client_of: ClientOf) -> None:
    question = Message.objects.get(conversation=shared, role=Role.USER)
    answer_to(question, "Another answer")
    first = Message.objects.filter(conversation=shared, role=Role.ASSISTANT).earliest("pk")
    headers = {"HX-Request": "true", "HX-Target": "messages"}
    page = text(client_of(bob).get(shared.get_absolute_url(), {"leaf": first.pk}, headers=headers))
    assert "<strong>This</strong>" in page and "1/2" in page and "ws-send" not in page


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_lets_no_reader_write(shared: Conversation, bob: User, client_of: ClientOf, name: str, method: str) -> None:
    data = {"title": "Mine", "on": "1", "audience": "private"}
    assert getattr(client_of(bob), method)(url(name, shared), data).status_code in (404, 405)
    shared.refresh_from_db()
    assert (shared.title, shared.is_pinned, shared.is_archived, shared.visibility) == ("Plans", False, False, "team")


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}, {"HX-Request": "true", "HX-Target": "messages"}])
@pytest.mark.parametrize("name", ["detail", "copy", *WRITING])
@pytest.mark.parametrize("who", ["charlie", "ex_member", "admin"])
def test_it_answers_a_stranger_as_if_there_were_no_such_conversation(
    shared: Conversation,
    client_of: ClientOf,
    request: pytest.FixtureRequest,
    name: str,
    headers: dict[str, str],
    who: str,
) -> None:
    client = client_of(request.getfixturevalue(who))
    for method in (client.get, client.post):
        here, nowhere = method(url(name, shared), headers=headers), method(url(name), headers=headers)
        assert here.status_code == nowhere.status_code in (404, 405)
        assert without_ids(here) == without_ids(nowhere)


def without_ids(response: Any) -> str:
    """The answer without what differs from request to request."""
    page = text(response)
    for known in (response.headers.get("X-Request-ID", "-"),):
        page = page.replace(known, "")
    return "".join(line for line in page.splitlines() if "csrf" not in line.lower() and 'name="next"' not in line)


@pytest.mark.parametrize("who", ["charlie", "ex_member"])
def test_it_hides_the_source_of_a_message_from_strangers(
    shared: Conversation, bob: User, client_of: ClientOf, request: pytest.FixtureRequest, who: str
) -> None:
    source = reverse("inference:message-source", args=[Message.objects.filter(conversation=shared).latest("pk").pk])
    assert client_of(bob).get(source).content == b"**This**"
    assert client_of(request.getfixturevalue(who)).get(source).status_code == 404


@pytest.mark.parametrize("name", ["share", "copy"])
def test_it_sends_anonymous_visitors_to_the_log_in(client: Client, shared: Conversation, name: str) -> None:
    assert client.post(url(name, shared)).headers["Location"].startswith("/login/")


def test_it_shares_and_takes_back(alice: User, bob: User, team: Team, client_of: ClientOf) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    client_of(alice).post(url("share", conversation), {"audience": str(team.pk)})
    assert conversation in Conversation.objects.visible_to(bob)
    entry = AuditEvent.objects.get()
    assert (entry.action, entry.after) == (
        "inference:conversation:share",
        {"visibility": "team", "team": str(team.pk)},
    )
    client_of(alice).post(url("share", conversation), {"audience": "private"})
    assert conversation not in Conversation.objects.visible_to(bob)


def test_it_shares_with_everyone(alice: User, charlie: User, client_of: ClientOf) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    client_of(alice).post(url("share", conversation), {"audience": "everyone"})
    assert "Read only · shared by Alice with everyone" in text(client_of(charlie).get(conversation.get_absolute_url()))


def test_it_records_nothing_that_stays_as_it_is(alice: User, shared: Conversation, client_of: ClientOf) -> None:
    client_of(alice).post(url("share", shared), {"audience": shared.audience.key})
    assert not AuditEvent.objects.exists()


def test_it_offers_the_own_teams_in_a_dialog(alice: User, team: Team, client_of: ClientOf) -> None:
    Team.objects.create(name="Strangers")
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    page = text(client_of(alice).get(url("share", conversation), headers={"HX-Request": "true"}))
    assert "Team Research" in page and "Strangers" not in page and "<html" not in page


@pytest.mark.parametrize("audience", ["nonsense", "team", "38136c39-f378-4d0c-91bc-0166efcb11c3"])
def test_it_refuses_an_audience_that_is_not_offered(alice: User, client_of: ClientOf, audience: str) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    assert client_of(alice).post(url("share", conversation), {"audience": audience}).status_code == 422


def test_it_shares_with_no_team_of_others(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    strangers = Audience(Visibility.TEAM, Team.objects.create(name="Strangers"))
    with pytest.raises(PermissionDenied):
        share(conversation, audience=strangers, actor=alice, action=InferenceAction.CONVERSATION_SHARE)
    conversation.refresh_from_db()
    assert conversation.audience == PRIVATE


def test_it_lists_what_others_share_apart(shared: Conversation, alice: User, bob: User, client_of: ClientOf) -> None:
    Conversation.objects.create(owner=bob, title="Mine")
    assert (titles(bob), titles(bob, shared=True)) == (["Mine"], ["Plans"])
    assert (titles(alice), titles(alice, shared=True)) == (["Plans"], [])
    page = text(client_of(bob).get(reverse("inference:chat"), {"shared": "1"}))
    assert "Alice" in page and "Actions for Plans" not in page


def test_it_searches_what_others_share(shared: Conversation, bob: User) -> None:
    assert titles(bob, shared=True, query="what now") == ["Plans"]
    assert titles(bob, query="what now") == []


def test_it_says_what_will_be_listed_where_nothing_is_shared(charlie: User, client_of: ClientOf) -> None:
    assert "No shared conversations." in text(client_of(charlie).get(reverse("inference:chat"), {"shared": "1"}))


def test_it_begins_with_the_model_last_used_by_oneself(shared: Conversation, bob: User, client_of: ClientOf) -> None:
    Conversation.objects.filter(pk=shared.pk).update(provider="openai", model="secret-model")
    assert client_of(bob).get(reverse("inference:chat")).context["composer"].model != "secret-model"


def test_it_lists_with_a_fixed_number_of_questions(
    shared: Conversation, bob: User, team: Team, django_assert_num_queries: Callable[[int], Any]
) -> None:
    owners = [User.objects.create_user(f"u{number}@example.org") for number in range(10)]
    Conversation.objects.bulk_create(
        Conversation(owner=owner, title="More", visibility="team", team=team) for owner in owners
    )
    with django_assert_num_queries(1):
        rows = sidebar_of(bob, filters=Filters(shared=True)).rest
        assert len({f"{row.owner} {row.audience}" for row in rows}) == 11


def test_it_goes_on_in_a_copy_of_the_branch(shared: Conversation, bob: User, client_of: ClientOf) -> None:
    question = Message.objects.get(conversation=shared, role=Role.USER)
    chosen = Message.objects.get(conversation=shared, role=Role.ASSISTANT)
    answer_to(question, "Not this one")
    response = client_of(bob).post(url("copy", shared), {"parent": chosen.pk})
    copy = Conversation.objects.get(owner=bob)
    assert response.headers["Location"] == copy.get_absolute_url()
    assert (copy.title, copy.system, copy.model, copy.audience) == ("Plans", "Be brief", "echo", PRIVATE)
    assert list(copy.messages.values_list("role", "text")) == [("user", "What now?"), ("assistant", "**This**")]
    assert not copy.messages.exclude(generation=None).exists()
    assert 'id="id_text"' in text(client_of(bob).get(copy.get_absolute_url()))
    assert AuditEvent.objects.latest("sequence").after == {"from": str(shared.pk)}


def test_it_copies_up_to_the_last_answer(shared: Conversation, bob: User, client_of: ClientOf) -> None:
    answer = Message.objects.get(conversation=shared, role=Role.ASSISTANT)
    asked = Message.objects.create(conversation=shared, parent=answer, role=Role.USER, text="And then?")
    failed = answer_to(asked, "", Status.FAILED)
    client_of(bob).post(url("copy", shared), {"parent": failed.pk})
    assert Conversation.objects.get(owner=bob).messages.count() == 2


def test_it_tells_sockets_what_their_users_may_still_see(
    shared: Conversation, alice: User, bob: User, charlie: User, django_assert_num_queries: Callable[[int], Any]
) -> None:
    newest = Message.objects.filter(conversation=shared).latest("pk").pk
    pairs = [(user.pk, shared.pk) for user in (alice, bob, charlie)]
    with django_assert_num_queries(2):
        assert newest_seen(pairs) == {(alice.pk, shared.pk): newest, (bob.pk, shared.pk): newest}


def test_it_shows_everyone_what_is_for_everyone(alice: User, charlie: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    share(conversation, audience=EVERYONE, actor=alice, action=InferenceAction.CONVERSATION_SHARE)
    assert newest_seen([(charlie.pk, conversation.pk)]) == {(charlie.pk, conversation.pk): 0}
