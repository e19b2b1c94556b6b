"""Google Gemini, by its developer API."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import httpx2
from google import genai
from google.genai import types

from inference.providers import options
from inference.providers.base import ChatRequest, FinishReason, ModelInfo, Parameter, StreamEvent, Timeouts, Usage
from inference.providers.counting import Reading, Report, disjoint
from inference.providers.failures import as_provider_error, mapping_of
from inference.providers.model_lists import read_models
from inference.providers.stream_parser import StreamParser, first_of, name_of, text_holder
from inference.providers.timeouts import Limits
from inference.providers.transport import CapturingTransport, http_clients
from tokens.outgoing import tls

BASE_URL = "https://generativelanguage.googleapis.com"

API_VERSION = "v1beta"
_VERSION_PATH = re.compile(r"/(v\d\w*)(/openai)?/?$")

_THINKS_BY_BUDGET = re.compile(r"gemini-2\.5")
_THINKS_BY_LEVEL = re.compile(r"gemini-[3-9]")


def _client(api_key: str, base_url: str | None, http_client: httpx2.AsyncClient) -> genai.Client:
    server = base_url or BASE_URL
    version = _VERSION_PATH.search(server)
    return genai.Client(
        api_key=api_key,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=server[: version.start()] if version else server,
            api_version=version[1] if version else API_VERSION,
            httpx_async_client=http_client,
            # Without these two the SDK reads the certificate authorities anew for each client.
            httpx_client=_idle_client(),
            async_client_args={"ssl": tls()},
        ),
    )


@lru_cache
def _idle_client() -> httpx2.Client:
    """The SDK wants a client for its calls without async too, of which we make none."""
    return httpx2.Client(verify=tls(), trust_env=False)


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    limits = Limits(request.timeouts)
    with as_provider_error(api_key, limits):
        http = await http_clients()
        async with CapturingTransport(http.transport, connect=request.timeouts.connect) as tap:
            await limits.within(_send(request, _client(api_key, base_url, tap.client)))
            async with aclosing(CandidateParser().read_all(tap.response, limits)) as events:
                async for event in events:
                    yield event


async def _send(request: ChatRequest, client: genai.Client) -> None:
    answer = await client.aio.models.generate_content_stream(
        model=request.model, contents=_contents(request), config=_config(request)
    )
    # The SDK sends nothing before its answer is asked for.
    async for _ in answer:
        pass


def _contents(request: ChatRequest) -> Any:
    roles = {"user": "user", "assistant": "model"}
    return [
        types.Content(role=roles[message.role], parts=[types.Part(text=message.text)]) for message in request.messages
    ]


def _config(request: ChatRequest) -> types.GenerateContentConfig:
    fields: dict[str, Any] = dict(request.parameters)
    thinking = {name: fields.pop(name) for name in ("thinking_budget", "thinking_level") if name in fields}
    if _THINKS_BY_BUDGET.match(request.model) or _THINKS_BY_LEVEL.match(request.model):
        fields["thinking_config"] = types.ThinkingConfig(include_thoughts=True, **thinking)
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **fields,
    )


class CandidateParser(StreamParser):
    reasons: ClassVar[Mapping[str, FinishReason]] = {
        "STOP": FinishReason.STOP,
        "MAX_TOKENS": FinishReason.LENGTH,
        **dict.fromkeys(
            ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"),
            FinishReason.CONTENT_FILTER,
        ),
        "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
    }
    figures: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "prompt": ("promptTokenCount",),
        "tools": ("toolUsePromptTokenCount",),
        "cache_read": ("cachedContentTokenCount",),
        "candidates": ("candidatesTokenCount",),
        "thoughts": ("thoughtsTokenCount",),
        "total": ("totalTokenCount",),
    }

    def read(self, event: str, payload: Mapping[str, Any]) -> Iterator[StreamEvent]:
        self.identify(model=payload.get("modelVersion"), response_id=payload.get("responseId"))
        candidate = first_of(payload.get("candidates"))
        yield from self.say(text_holder(candidate.get("content")).get("parts"))
        yield from self.count(payload.get("usageMetadata"))
        if mapping_of(payload.get("promptFeedback")).get("blockReason"):
            self.reason = FinishReason.CONTENT_FILTER
        reason = name_of(candidate.get("finishReason"))
        if reason in self.reasons:
            self.reason = self.reasons[reason]
        elif reason not in ("", "FINISH_REASON_UNSPECIFIED"):
            why = candidate.get("finishMessage") or f"The provider gave up in mid-answer ({reason})."
            self.fail({"error": why})

    def usage(self) -> Usage:
        """Prompt tokens include what was cached; thoughts are not among the candidates' tokens."""
        counts = self.counts
        report = Report(
            prompt=counts["prompt"] + counts["tools"],
            completion=counts["candidates"],
            reasoning=counts.get("thoughts"),
            cache_read=counts["cache_read"],
            total=counts.get("total"),
        )
        return disjoint(report, Reading(cached_inside=True, reasoning_inside=False), cost_usd=counts.cost_usd)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        http = await http_clients()
        async with CapturingTransport(http.transport, connect=limits.timeouts.connect) as tap:
            client = _client(api_key, base_url, tap.client)
            await limits.within(client.aio.models.list(config={"page_size": 1000}))
            models = read_models(await limits.within(tap.response.aread()))
    return [replace(model, id=model.id.removeprefix("models/")) for model in models]


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    common = (options.TEMPERATURE, options.TOP_P, options.top_k(100), _MAX_TOKENS, _STOP, options.SEED)
    if _THINKS_BY_BUDGET.match(model):
        return (*common, _BUDGET)
    if _THINKS_BY_LEVEL.match(model):
        return (*common, _LEVEL)
    return common


_MAX_TOKENS = Parameter("max_output_tokens", "Max tokens", "The longest answer, in tokens.", "int", 1, 1_000_000, 1)
_STOP = Parameter("stop_sequences", "Stop sequences", "The answer ends before any of these texts.", "text_list")
_BUDGET = Parameter(
    "thinking_budget", "Thinking budget", "Tokens for thinking; -1 lets the model decide.", "int", -1, 32_768, 1
)
_LEVEL = Parameter(
    "thinking_level",
    "Thinking level",
    "How much the model thinks before it answers.",
    "choice",
    choices=("low", "high"),
)
