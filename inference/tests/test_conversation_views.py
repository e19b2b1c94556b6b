from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from inference.actions import InferenceAction
from inference.chat import fragments
from inference.conversations.services import PAGE, Filters, sidebar_of
from inference.models import Conversation, Message, Role
from inference.runs.start import RunRequest, start_run
from telemetry.models import Generation, Status

ClientOf = Callable[[User], Client]


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return talk(alice, "Heaps and stacks")


def talk(owner: User, title: str, question: str = "Hello", answer: str = "**Hi** <b>you</b>") -> Conversation:
    conversation = Conversation.objects.create(owner=owner, title=title, provider="echo", model="echo")
    asked = Message.objects.create(conversation=conversation, role=Role.USER, text=question, client_id=uuid4())
    reply(asked, answer)
    return conversation


def reply(question: Message, text: str, status: Status = Status.SUCCEEDED) -> Message:
    now = timezone.now()
    generation = Generation.objects.create(
        user=question.conversation.owner,
        provider="echo",
        request_model="echo",
        status=status,
        started_at=now,
        ended_at=None if status == Status.RUNNING else now,
        heartbeat_at=now,
    )
    return Message.objects.create(
        conversation=question.conversation, parent=question, role=Role.ASSISTANT, text=text, generation=generation
    )


def url(name: str, conversation: Conversation) -> str:
    return reverse(f"inference:conversation-{name}", args=[conversation.pk])


def titles(user: User, filters: Filters | None = None) -> list[str]:
    sidebar = sidebar_of(user, filters=filters)
    return [conversation.title for conversation in (*sidebar.pinned, *sidebar.rest)]


def test_it_shows_a_conversation(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    assert "<strong>Hi</strong> &lt;b&gt;you&lt;/b&gt;" in page


def test_it_says_when_each_message_was_sent(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    for message in conversation.messages.all():
        sent = message.created_at.isoformat(timespec="seconds")
        assert f'<time datetime="{sent}"' in page.partition(f'id="message-{message.pk}"')[2].partition("</article>")[0]


def test_it_connects_a_new_conversation_under_an_id_of_its_own(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    sockets = {client.get(reverse("inference:chat")).context["socket_path"] for _ in range(2)}
    assert len(sockets) == 2


@pytest.mark.parametrize("name", ["detail", "rename", "pin", "archive", "delete", "export", "restore"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_hides_a_conversation_from_strangers(
    charlie: User, conversation: Conversation, client_of: ClientOf, name: str, method: str
) -> None:
    response = getattr(client_of(charlie), method)(url(name, conversation), {"title": "Mine", "on": "1"})
    assert response.status_code in (404, 405)
    conversation.refresh_from_db()
    assert (conversation.title, conversation.is_pinned) == ("Heaps and stacks", False)


@pytest.mark.parametrize("name", ["detail", "rename", "pin", "archive", "delete", "export", "restore"])
def test_it_sends_anonymous_visitors_to_the_log_in(client: Client, conversation: Conversation, name: str) -> None:
    assert client.get(url(name, conversation)).headers["Location"].startswith("/login/")


@pytest.mark.parametrize("name", ["pin", "archive"])
def test_it_changes_nothing_by_get(alice: User, conversation: Conversation, client_of: ClientOf, name: str) -> None:
    assert client_of(alice).get(url(name, conversation)).status_code == 405


def test_it_renames(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    response = client_of(alice).post(url("rename", conversation), {"title": "Trees"})
    assert response.headers["Location"] == conversation.get_absolute_url()
    conversation.refresh_from_db()
    assert conversation.title == "Trees"


def test_it_refuses_an_empty_title(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    assert client_of(alice).post(url("rename", conversation), {"title": " "}).status_code == 422


def test_it_offers_the_new_name_in_a_dialog(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    response = client_of(alice).get(url("rename", conversation), headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert 'value="Heaps and stacks"' in response.content.decode()


def test_it_puts_pinned_conversations_first(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    talk(alice, "Newer")
    client_of(alice).post(url("pin", conversation), {"on": "1"})
    assert titles(alice) == ["Heaps and stacks", "Newer"]


def test_it_does_not_move_a_renamed_conversation(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    talk(alice, "Newer")
    client_of(alice).post(url("rename", conversation), {"title": "Trees"})
    assert titles(alice) == ["Newer", "Trees"]


def test_it_archives_and_takes_back(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    client = client_of(alice)
    client.post(url("archive", conversation), {"on": "1"})
    assert (titles(alice), titles(alice, Filters(archived=True))) == ([], ["Heaps and stacks"])
    client.post(url("archive", conversation), {"on": "0"})
    assert titles(alice) == ["Heaps and stacks"]


def test_it_answers_htmx_with_the_list_as_the_page_shows_it(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    talk(alice, "Other")
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{conversation.get_absolute_url()}?q=heaps"}
    response = client_of(alice).post(url("pin", conversation), {"on": "1"}, headers=headers)
    sidebar = response.context["sidebar"]
    assert sidebar.current == conversation.pk
    assert [row.title for row in sidebar.pinned] == ["Heaps and stacks"]


def test_it_deletes_with_an_audit_entry_that_holds_no_title(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    client_of(alice).post(url("delete", conversation))
    assert not Conversation.objects.visible_to(alice).exists()
    entry = AuditEvent.objects.get(action=InferenceAction.CONVERSATION_DELETE)
    assert str(conversation.pk) in entry.body
    assert "Heaps" not in entry.body


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("stack", ["Heaps and stacks"]),
        ("stacks HEAPS", ["Heaps and stacks"]),
        ("quicksort", ["Other"]),
        ("pivot quick", ["Other"]),
        ("quick absent", []),
        ("100%", []),
        ("x", []),
    ],
)
def test_it_searches_titles_and_messages(
    alice: User, bob: User, conversation: Conversation, query: str, found: list[str]
) -> None:
    talk(alice, "Other", answer="About quicksort and pivots")
    talk(bob, "Stacks of bob, quicksort")
    assert titles(alice, Filters(query=query)) == found


def test_it_shows_more_on_request(alice: User) -> None:
    for number in range(3):
        talk(alice, f"Talk {number}")
    sidebar = sidebar_of(alice, filters=Filters(shown=2))
    assert sidebar.has_more
    assert len(titles(alice, Filters(shown=3))) == 3


@pytest.mark.parametrize("target", ["", "conversation-list"])
def test_it_leads_to_older_conversations_page_by_page(alice: User, client_of: ClientOf, target: str) -> None:
    Conversation.objects.bulk_create(
        Conversation(owner=alice, title=f"a & b {number}") for number in range(2 * PAGE + 1)
    )
    client, query, counts = client_of(alice), "?q=a+%26", list[int]()
    headers = {"HX-Request": "true", "HX-Target": target} if target else {}
    while query:
        response = client.get(f"{reverse('inference:chat')}{query}", headers=headers)
        counts.append(len(response.context["sidebar"].rest))
        links = re.findall(
            r'href="([^"]+)" hx-get="\1" hx-target="#conversation-list">Show more', response.content.decode()
        )
        query = unescape(links[0]) if links else ""
    assert counts == [PAGE, 2 * PAGE, 2 * PAGE + 1]


def test_it_gives_the_list_alone_to_the_search(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    headers = {"HX-Request": "true", "HX-Target": "conversation-list"}
    page = client_of(alice).get(reverse("inference:chat"), {"q": "heaps"}, headers=headers).content.decode()
    assert "Heaps and stacks" in page
    assert "composer" not in page


def test_it_shows_the_branch_that_is_asked_for(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    first = Message.objects.get(conversation=conversation, role=Role.ASSISTANT)
    assert first.parent
    second = reply(first.parent, "Another answer")
    client = client_of(alice)
    assert client.get(conversation.get_absolute_url()).context["thread"].leaf_id == second.pk
    assert client.get(conversation.get_absolute_url(), {"leaf": first.pk}).context["thread"].leaf_id == first.pk


@pytest.mark.parametrize("leaf", ["", "0", "-1", "x", "9" * 40, "²"])
def test_it_overlooks_a_branch_that_does_not_exist(
    alice: User, conversation: Conversation, client_of: ClientOf, leaf: str
) -> None:
    assert client_of(alice).get(conversation.get_absolute_url(), {"leaf": leaf}).status_code == 200


def test_it_gives_the_messages_alone_with_new_ids_for_the_composer(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "messages"}
    page = client_of(alice).get(conversation.get_absolute_url(), headers=headers).content.decode()
    assert page.count("hx-swap-oob") == 1
    assert '<div id="composer-ids" hx-swap-oob="true">' in page
    assert "<html" not in page


def test_it_shows_the_text_so_far_of_a_running_answer(alice: User, client_of: ClientOf) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Long")
    asked = Message.objects.create(conversation=conversation, role=Role.USER, text="Tell me")
    answer = reply(asked, "Once upon <a time>", Status.RUNNING)
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    assert f'<div id="blocks-{answer.pk}" class="prose"><p dir="auto">Once upon &lt;a time&gt;</p>' in page
    assert 'data-status="running"' in page


def test_it_shows_the_tools_that_a_model_wants(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    answer = conversation.messages.get(role=Role.ASSISTANT)
    calls = [("get_<weather>", '{"city":"Paris"}'), ("get_time", ""), ("odd", "{oops <b>")]
    answer.text, answer.tool_calls = "", [{"id": "a", "name": n, "arguments": a, "signature": ""} for n, a in calls]
    answer.save()
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()

    assert page.count("The model wants to call") == 3
    for shown in (
        "get_&lt;weather&gt;",
        "Paris",
        "No arguments",
        "{oops &lt;b&gt;",
        "You can continue without the result.",
    ):
        assert shown in page


@pytest.mark.parametrize(
    ("status", "reason", "reasoning", "words"),
    [
        (Status.SUCCEEDED, "content_filter", "", "Blocked by the provider's content filter. Rephrase your message."),
        (Status.SUCCEEDED, "stop", "Hm.", "The model only thought: it gave no answer."),
        (Status.SUCCEEDED, "length", "Hm.", "it reached max tokens before its answer."),
        (Status.STOPPED, "", "", "Stopped before any text arrived."),
        (Status.SUCCEEDED, "stop", "", "The model returned an empty answer."),
    ],
)
def test_no_answer_is_blank(
    alice: User, client_of: ClientOf, status: Status, reason: str, reasoning: str, words: str
) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Nothing")
    answer = reply(Message.objects.create(conversation=conversation, role=Role.USER, text="Hi"), "", status)
    Generation.objects.filter(message=answer).update(finish_reason=reason)
    Message.objects.filter(pk=answer.pk).update(reasoning=reasoning)
    assert words in unescape(client_of(alice).get(conversation.get_absolute_url()).content.decode())


def test_it_gives_the_source_of_a_message_as_plain_text(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    message = Message.objects.get(conversation=conversation, role=Role.ASSISTANT)
    response = client_of(alice).get(reverse("inference:message-source", args=[message.pk]))
    assert response.content == b"**Hi** <b>you</b>"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_it_hides_the_source_from_strangers(charlie: User, conversation: Conversation, client_of: ClientOf) -> None:
    message = Message.objects.filter(conversation=conversation).latest("pk")
    assert client_of(charlie).get(reverse("inference:message-source", args=[message.pk])).status_code == 404


def test_it_shows_a_failure_in_place_of_the_answer(alice: User, client_of: ClientOf) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Broken")
    asked = Message.objects.create(conversation=conversation, role=Role.USER, text="Tell me")
    failed = reply(asked, "", Status.FAILED).generation
    assert failed
    failed.error_type, failed.error_message, failed.error_status = "rate_limited", "<b>slow down</b>", 429
    failed.provider_request_id = "req_1"
    failed.attempts = [{"seconds": 0.1, "retry_after": 60.0}]
    failed.save()
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    for part in ("&lt;b&gt;slow down&lt;/b&gt;", "rate_limited", "429", "req_1", "data-countdown=", "Retry"):
        assert part in page


def test_it_adds_a_first_message_to_the_list_as_one_row(alice: User) -> None:
    conversation_id, first = uuid4(), RunRequest("echo", "echo", "Hi", None, uuid4())
    started = start_run(user=alice, conversation_id=conversation_id, is_new=True, form=first)
    assert started is not None
    assert 'id="recent-conversations" hx-swap-oob="afterbegin"' in fragments.render_started(
        started, first, viewer=alice
    )
    again = RunRequest("echo", "echo", None, started.question_id, uuid4())
    other = start_run(user=alice, conversation_id=conversation_id, is_new=False, form=again)
    assert other is not None
    assert "recent-conversations" not in fragments.render_started(other, again, viewer=alice)


def test_it_shows_cached_and_reasoning_tokens_apart(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    Generation.objects.update(
        usage_source="reported",
        input_tokens=1000,
        cache_read_tokens=2000,
        cache_write_tokens=0,
        output_tokens=500,
        reasoning_tokens=1500,
    )
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    figures = " ".join(re.sub(r"<[^>]+>", "", page.partition('class="menu figures-menu"')[2]).split())
    assert "Input, with 2,000 cached3,000 tok Output, with 1,500 reasoning2,000 tok" in figures


def test_it_offers_the_name_of_the_model_for_copying(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    page = " ".join(client_of(alice).get(conversation.get_absolute_url()).content.decode().split())
    assert 'data-copy="echo" aria-label="Copy model name"' in page


def test_it_leads_back_from_an_empty_archive(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    page = client_of(alice).get(reverse("inference:chat"), {"archived": "1"}).content.decode()
    assert 'No archived conversations. <a class="link" href="?">' in page
