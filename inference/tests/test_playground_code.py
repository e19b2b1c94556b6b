"""The programs that are shown do what they say: they are run here, against the provider of the tests."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from inference.playground.code import KEY, programs
from inference.providers.base import ChatMessage, ChatRequest, Tool
from inference.providers.registry import load_adapter
from inference.providers.transport import request_of
from inference.tests.fake_provider import FakeProvider

PROVIDERS = ("openai", "groq", "mistral", "huggingface", "anthropic", "gemini")


def asked(model: str) -> ChatRequest:
    tool = Tool("page", "Pages “somebody”", {"type": "object", "properties": {"team": {"type": "string"}}})
    said = ChatMessage("user", "It's $HOME, {{x}} and\n\\\\ 'quoted' `a` ${b} ''' \\\"")
    return ChatRequest(model=model, messages=(said,), system="Be brief.", parameters={}, tools=(tool,))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("language", ["curl", "python", "javascript"])
async def test_it_sends_what_the_adapter_sends(fake: FakeProvider, provider: str, language: str) -> None:
    model = f"words-2-{provider}-{language}"
    adapter = await load_adapter(provider)
    request = await request_of(adapter.stream(asked(model), api_key=KEY, base_url=fake.base_url(provider)))
    assert request is not None and fake.calls(model) == []

    shown = programs(request, variable="SOME_KEY")
    commands = {
        "curl": ["sh", "-c", f"{shown.curl.rstrip()} --silent --show-error"],
        "python": [sys.executable, "-c", shown.python],
        "javascript": ["node", "--input-type=module", "-e", shown.javascript],
    }
    program = commands[language]
    if shutil.which("curl" if language == "curl" else program[0]) is None:
        pytest.skip(f"There is nothing to run {language} with.")
    environment = {**os.environ, "SOME_KEY": "sk-good"}
    await asyncio.to_thread(subprocess.run, program, env=environment, capture_output=True, timeout=60, check=False)

    exchange = fake.last(model)
    assert _without_streaming(exchange.body) == _without_streaming(json.loads(request.content))
    assert exchange.key == "sk-good"


def _without_streaming(body: Any) -> Any:
    return {name: value for name, value in body.items() if name not in ("stream", "stream_options")}


async def test_the_sandbox_sends_nothing() -> None:
    adapter = await load_adapter("echo")
    assert await request_of(adapter.stream(asked("echo"), api_key="", base_url=None)) is None
