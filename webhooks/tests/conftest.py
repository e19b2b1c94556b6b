from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django.fixtures import Settings

from webhooks.tests.receiver import Receiver

if TYPE_CHECKING:
    from accounts.models import Team, User
    from prompts.models import PromptVersion
    from webhooks.models import Webhook


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_HOSTS = ["127.0.0.1"]
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def version(alice: User, bob: User, team: Team) -> PromptVersion:
    """Version 1 of a prompt of alice, which her team reads. It has no label."""
    from accounts.sharing import Audience, Visibility
    from prompts import services
    from prompts.drafts import Draft

    audience = Audience(Visibility.TEAM, team)
    return services.create_prompt(owner=alice, name="support/tone", type="text", draft=Draft("Hi"), audience=audience)


@pytest.fixture
def webhook(bob: User, receiver: Receiver) -> Webhook:
    """Of bob, for all that he may read. Its secret is in ``plain``."""
    from webhooks.services import create_webhook

    webhook, secret = create_webhook(owner=bob, name="Cache", url=receiver.url)
    webhook.plain = secret  # type: ignore[attr-defined]
    return webhook
