"""What a receiver gets when a label moves, and what becomes of a delivery that fails."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from accounts.models import Team, User
from prompts import services as prompts
from prompts.models import LabelMove, PromptVersion
from webhooks import delivering, sending, services
from webhooks.models import LONGEST_RESPONSE, Delivery, DeliveryState, Webhook
from webhooks.tests.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)
RunJobs = Callable[[], None]


def move(version: PromptVersion, label: str = "production") -> LabelMove:
    made = prompts.move_label(
        prompt=version.prompt, label=label, to=version, actor=version.prompt.owner, reason="Checked"
    )
    assert made
    return made


def due_now() -> None:
    """What waits for a further attempt waits no longer."""
    ProcrastinateJob.objects.filter(status="todo").update(scheduled_at=None)


def waiting_jobs() -> int:
    return ProcrastinateJob.objects.filter(status="todo", task_name="webhooks.tasks.deliver").count()


def test_it_tells_what_has_moved_where_and_why(
    webhook: Webhook, version: PromptVersion, receiver: Receiver, alice: User, run_jobs: RunJobs
) -> None:
    made = move(version)
    run_jobs()
    (received,) = receiver.received
    delivery = Delivery.objects.get()
    assert json.loads(received.body) == {
        "event": "prompt.label.moved",
        "delivery": str(delivery.pk),
        "prompt": {"id": str(version.prompt_id), "name": "support/tone"},
        "label": "production",
        "from": None,
        "to": 1,
        "actor": {"id": str(alice.audit_id), "name": "Alice"},
        "approved_by": None,
        "reason": "Checked",
        "at": made.at.isoformat(),
    }
    assert alice.email not in received.body.decode()
    assert (delivery.state, delivery.status, delivery.response, delivery.attempts) == ("delivered", 200, "ok", 1)


def test_its_signature_is_over_time_and_body(
    webhook: Webhook, version: PromptVersion, receiver: Receiver, run_jobs: RunJobs
) -> None:
    move(version)
    run_jobs()
    (received,) = receiver.received
    timestamp = received.headers["X-Aistrale-Timestamp"]
    secret: str = webhook.plain  # type: ignore[attr-defined]
    expected = hmac.new(secret.encode(), f"{timestamp}.".encode() + received.body, hashlib.sha256).hexdigest()
    assert received.headers["X-Aistrale-Signature"] == f"t={timestamp},v1={expected}"
    assert abs(time.time() - int(timestamp)) < 60
    assert received.headers["X-Aistrale-Delivery"] == str(Delivery.objects.get().pk)


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ({}, True),
        ({"labels": ["staging", "production"]}, True),
        ({"labels": ["staging"]}, False),
        ({"name_prefix": "support/"}, True),
        ({"name_prefix": "support_"}, False),
        ({"name_prefix": "s%"}, False),
        ({"is_active": False}, False),
    ],
)
def test_it_is_told_what_it_asks_for(
    values: dict[str, object], is_told: bool, webhook: Webhook, version: PromptVersion, bob: User
) -> None:
    services.update_webhook(webhook=webhook, actor=bob, **values)
    move(version)
    assert Delivery.objects.exists() is is_told


def test_nobody_is_told_of_what_they_may_not_read(
    version: PromptVersion, charlie: User, bob: User, webhook: Webhook
) -> None:
    services.create_webhook(owner=charlie, name="Curious", url="https://hooks.example.org")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    move(version)
    assert not Delivery.objects.exists()


def test_nothing_is_sent_of_a_move_that_is_rolled_back(webhook: Webhook, version: PromptVersion) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        move(version)
        raise ZeroDivisionError
    assert (Delivery.objects.count(), waiting_jobs()) == (0, 0)


@pytest.mark.parametrize("ended", ["team", "account", "webhook"])
def test_nothing_is_sent_once_the_right_has_ended(
    ended: str, webhook: Webhook, version: PromptVersion, bob: User, team: Team, receiver: Receiver, run_jobs: RunJobs
) -> None:
    move(version)
    if ended == "team":
        team.memberships.filter(user=bob).delete()
    elif ended == "account":
        User.objects.filter(pk=bob.pk).update(is_active=False)
    else:
        services.update_webhook(webhook=webhook, actor=bob, is_active=False)
    run_jobs()
    delivery = Delivery.objects.get()
    assert not receiver.received and delivery.state == DeliveryState.CANCELLED and delivery.error


def test_it_is_tried_again_after_a_pause(
    webhook: Webhook, version: PromptVersion, receiver: Receiver, run_jobs: RunJobs
) -> None:
    receiver.answers = [500, 200]
    move(version)
    run_jobs()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.error) == ("pending", 500, "The receiver answered 500.")
    assert delivery.next_attempt_at and delivery.next_attempt_at > timezone.now()
    assert len(receiver.received) == 1 and waiting_jobs() == 1
    due_now()
    run_jobs()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts, delivery.error) == ("delivered", 200, 2, "")


def test_it_is_given_up_after_so_many_attempts_and_sent_again_by_hand(
    webhook: Webhook, version: PromptVersion, bob: User, receiver: Receiver, run_jobs: RunJobs
) -> None:
    receiver.answers = [503]
    move(version)
    for _ in range(delivering.MOST_ATTEMPTS + 1):
        run_jobs()
        due_now()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", delivering.MOST_ATTEMPTS)
    assert len(receiver.received) == delivering.MOST_ATTEMPTS and waiting_jobs() == 0
    receiver.answers = [202]
    assert services.send_again(delivery=delivery, actor=bob)
    assert not services.send_again(delivery=delivery, actor=bob)
    run_jobs()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 202, 1)


def test_a_test_is_sent_once_and_also_by_one_that_is_off(
    webhook: Webhook, bob: User, receiver: Receiver, run_jobs: RunJobs
) -> None:
    services.update_webhook(webhook=webhook, actor=bob, is_active=False)
    receiver.answers = [500]
    services.send_test(webhook=webhook, actor=bob)
    run_jobs()
    assert json.loads(receiver.received[0].body)["event"] == "ping"
    assert Delivery.objects.get().state == DeliveryState.FAILED and waiting_jobs() == 0


def test_it_follows_no_redirect(webhook: Webhook, bob: User, receiver: Receiver, run_jobs: RunJobs) -> None:
    receiver.answers = [307]
    services.send_test(webhook=webhook, actor=bob)
    run_jobs()
    assert [received.path for received in receiver.received] == ["/hook"]
    assert "redirects are not followed" in Delivery.objects.get().error


def test_it_does_not_wait_for_a_receiver_that_hangs(
    webhook: Webhook, bob: User, receiver: Receiver, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.5)
    receiver.hangs = True
    services.send_test(webhook=webhook, actor=bob)
    run_jobs()
    delivery = Delivery.objects.get()
    assert delivery.error.startswith("No answer within") and delivery.status is None
    assert delivery.seconds and delivery.seconds < 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/hook", "http://localhost:{port}/hook"])
def test_it_sends_nothing_to_a_private_address(
    url: str, webhook: Webhook, bob: User, receiver: Receiver, settings: Settings, run_jobs: RunJobs
) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    services.update_webhook(webhook=webhook, actor=bob, url=url.format(port=port))
    settings.WEBHOOK_HOSTS = []
    services.send_test(webhook=webhook, actor=bob)
    run_jobs()
    assert not receiver.received
    assert "AISTRALE_WEBHOOK_HOSTS" in Delivery.objects.get().error


def test_it_keeps_the_beginning_of_an_answer_without_secrets(
    webhook: Webhook, bob: User, receiver: Receiver, run_jobs: RunJobs
) -> None:
    receiver.text = "password=canary-4Kd82hQ \0 " + "x" * 100_000
    services.send_test(webhook=webhook, actor=bob)
    run_jobs()
    response = Delivery.objects.get().response
    assert "canary" not in response and "password=[redacted]" in response
    assert 1000 < len(response) <= LONGEST_RESPONSE


def test_it_says_that_nobody_listens(webhook: Webhook, bob: User, run_jobs: RunJobs) -> None:
    services.update_webhook(webhook=webhook, actor=bob, url="http://127.0.0.1:1/?key=canary-8Jw2")
    services.send_test(webhook=webhook, actor=bob)
    run_jobs()
    assert Delivery.objects.get().error == "The request failed: no connection."


def test_a_deleted_webhook_gets_nothing(
    webhook: Webhook, version: PromptVersion, bob: User, receiver: Receiver, run_jobs: RunJobs
) -> None:
    move(version)
    services.delete_webhook(webhook=webhook, actor=bob)
    run_jobs()
    assert not receiver.received and not Delivery.objects.exists()


def test_old_deliveries_are_deleted(webhook: Webhook, bob: User) -> None:
    kept, old = (services.send_test(webhook=webhook, actor=bob) for _ in range(2))
    past = timezone.now() - delivering.KEPT - timedelta(hours=1)
    Delivery.objects.filter(pk=old.pk).update(created_at=past)
    delivering.delete_old()
    assert Delivery.objects.get() == kept
