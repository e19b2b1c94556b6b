"""Who and what there is before each kind of action of ``test_audit_coverage``."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client
from pytest_django import Settings

from accounts.models import User
from inference.models import Conversation
from prompts import example_sets
from prompts import services as prompt_services
from prompts.drafts import Draft
from prompts.models import ExampleSet, PromptVersion
from tokens.models import EncryptionKey, KeyState, ProviderToken
from webhooks import services as webhook_services
from webhooks.models import Webhook

SECRET = "sk-canary-9Zt4HnW7cB1yKq63"


@dataclass
class Scene:
    """Alice has a token; she and the administrator are at their browsers."""

    alice: User
    admin: User
    token: ProviderToken
    as_alice: Client
    as_admin: Client
    settings: Settings

    def path(self, step: str) -> str:
        return f"/tokens/{self.token.pk}/{step}/"

    def key(self) -> EncryptionKey:
        return EncryptionKey.objects.get(state=KeyState.PRIMARY)

    def prompt(self) -> PromptVersion:
        return prompt_services.create_prompt(owner=self.alice, name="triage", type="text", draft=Draft("Hi"))

    def webhook(self) -> Webhook:
        return webhook_services.create_webhook(owner=self.alice, name="Cache", url="https://hooks.example.org")[0]

    def example_set(self) -> ExampleSet:
        prompt = self.prompt().prompt
        return example_sets.create_example_set(prompt=prompt, name="Short", values={"a": "b"}, actor=self.alice)

    def conversation(self) -> Conversation:
        return Conversation.objects.create(owner=self.alice, title="Mine")
