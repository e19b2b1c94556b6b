from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string
from pytest_django import Settings

if TYPE_CHECKING:
    from accounts.models import User


@pytest.fixture
def totp_of(rf: RequestFactory) -> Callable[[User], str]:
    """`totp_of(alice)`: she has an authenticator app from now on; gives the key that is in it."""
    from allauth.core.context import request_context
    from allauth.mfa.adapter import get_adapter
    from allauth.mfa.models import Authenticator
    from django.db import transaction

    def make(user: User) -> str:
        key = base64.b32encode(secrets.token_bytes(20)).decode()
        request = rf.get("/")
        request.user = user
        with request_context(request), transaction.atomic():
            data = {"secret": get_adapter().encrypt(key)}
            Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data)
        return key

    return make


@pytest.fixture
def code_at() -> Callable[[str, int], str]:
    """`code_at(key, 60)`: what the app shows whose clock is a minute fast."""
    from accounts.tests.totp import totp_code

    return lambda key, seconds: totp_code(key, time.time() + seconds)


@pytest.fixture
def code_of(code_at: Callable[[str, int], str]) -> Callable[[str], str]:
    """`code_of(key)`: what the app shows now."""
    return lambda key: code_at(key, 0)


@pytest.fixture(scope="module")
def sso_server() -> Iterator[str]:
    """The address of an OpenID Connect provider. It runs in a thread of this process, and its library warns of itself:
    tests with it ignore DeprecationWarning:authlib."""
    from oidc_provider_mock import run_server_in_thread

    from accounts.tests.sso import PEOPLE

    with run_server_in_thread(user_claims=PEOPLE) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def sso(sso_server: str, settings: Settings) -> Settings:
    """Single sign-on is set up with that provider."""
    from accounts.tests.sso import point_at

    point_at(sso_server, settings)
    return settings


@pytest.fixture
def mark(alice: User, bob: User, client_of: Callable[[User], Client], totp_of: Callable[[User], str]) -> str:
    """A word that stands in everything that Alice has, here or there."""
    from django.apps import apps
    from django.utils import timezone

    from accounts.models import User
    from accounts.profile import api_keys
    from accounts.teams.services import add_member, create_team

    word = "xcanaryx"
    User.objects.filter(pk=alice.pk).update(name=f"Alice {word}")
    alice.refresh_from_db()
    client_of(alice).get("/", headers={"User-Agent": word})
    client_of(bob)
    totp_of(alice)
    api_keys.create(user=alice, label=word, expires_at=None)
    team = create_team(name="Research", actor=alice)
    add_member(team=team, user=alice, actor=alice)
    import_string("tokens.services.add_token")(
        owner=alice, actor=None, provider="openai", label=word, secret="sk-secret-of-alice"
    )
    conversation = apps.get_model("inference.Conversation")._default_manager.create(owner=alice, title=word)
    generation = apps.get_model("telemetry.Generation")._default_manager.create(
        user=alice,
        provider="echo",
        request_model="echo",
        token_label=word,
        prompt_name=word,
        prompt_labels={word: 1},
        parameters={"stop": word},
        error_message=word,
        attempts=[{"error": word}],
        response_id=word,
        end_user=word,
        session_id=word,
        tags=[word],
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )
    sent = list(map(import_string("telemetry.context.SentMessage"), ("system", "user"), (word, "said-by-alice")))
    month = timezone.now().date().replace(day=1)
    apps.get_model("telemetry.GenerationContent")._default_manager.create(
        generation=generation,
        period=month,
        head=import_string("telemetry.services.store_contexts")([sent], user=alice, period=month)[0],
        response_text=word,
    )
    apps.get_model("inference.Message")._default_manager.create(
        conversation=conversation, role="assistant", text=word, generation=generation
    )
    return word
