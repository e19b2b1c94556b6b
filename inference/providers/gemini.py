"""Google Gemini, by its developer API."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import quote

import httpx2
from google import genai
from google.genai import types

from inference.providers import options
from inference.providers.base import (
    Abilities,
    Attachment,
    ChatMessage,
    ChatRequest,
    FinishReason,
    ModelInfo,
    Parameter,
    StreamEvent,
    Timeouts,
    Tool,
    ToolCall,
    Usage,
)
from inference.providers.call_reader import arguments_of
from inference.providers.counting import Reading, Report, count_of, disjoint
from inference.providers.embedding import post
from inference.providers.failures import as_provider_error, mapping_of
from inference.providers.model_lists import read_models
from inference.providers.parts import as_text, is_text
from inference.providers.stream_parser import StreamParser, first_of, name_of, text_holder
from inference.providers.timeouts import Limits
from inference.providers.transport import CapturingTransport, http_clients
from tokens.outgoing import tls

BASE_URL = "https://generativelanguage.googleapis.com"

API_VERSION = "v1beta"
_VERSION_PATH = re.compile(r"/(v\d\w*)(/openai)?/?$")

_THINKS_BY_BUDGET = re.compile(r"gemini-2\.5")
_THINKS_BY_LEVEL = re.compile(r"gemini-[3-9]")

_SIGNED = "gemini:"
# In place of a signature, of calls that another model has made. https://ai.google.dev/gemini-api/docs/thought-signatures
_UNSIGNED = b"skip_thought_signature_validator"


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
    """The results of calls made at once go into one turn."""
    contents: list[types.Content] = []
    for place, message in enumerate(request.messages):
        parts = _parts(message, needs_signature=bool(_THINKS_BY_LEVEL.match(request.model)))
        if message.role == "tool" and place and request.messages[place - 1].role == "tool":
            contents[-1].parts = [*(contents[-1].parts or ()), *parts]
        else:
            contents.append(types.Content(role="model" if message.role == "assistant" else "user", parts=parts))
    return contents


def _parts(message: ChatMessage, *, needs_signature: bool) -> list[types.Part]:
    if message.role == "tool":
        return [_result(message)]
    files, calls = list(map(_file, message.attachments)), list(map(_call, message.tool_calls))
    has_text = message.text.strip() or not (files or calls)
    # Of calls made at once, only the first one is signed.
    if calls and needs_signature and not calls[0].thought_signature:
        calls[0].thought_signature = _UNSIGNED
    return [*files, *([types.Part(text=message.text)] if has_text else []), *calls]


def _file(file: Attachment) -> types.Part:
    if is_text(file):
        return types.Part(text=as_text(file))
    return types.Part(inline_data=types.Blob(data=file.content, mime_type=file.media_type))


def _call(call: ToolCall) -> types.Part:
    """Only an object can be sent back: of arguments that are none, it has the text."""
    given = arguments_of(call.arguments)
    function_call = types.FunctionCall(
        id=call.id or None, name=call.name, args={"arguments": call.arguments} if given is None else given
    )
    return types.Part(function_call=function_call, thought_signature=_signature(call))


def _signature(call: ToolCall) -> bytes | None:
    if not call.signature.startswith(_SIGNED):
        return None
    try:
        return base64.b64decode(call.signature.removeprefix(_SIGNED).replace("-", "+").replace("_", "/"))
    except binascii.Error:
        return None


def _result(message: ChatMessage) -> types.Part:
    response = arguments_of(message.text) if message.text.strip() else None
    return types.Part(
        function_response=types.FunctionResponse(
            id=message.tool_call_id or None,
            name=message.tool_name,
            response={"result": message.text} if response is None else response,
        )
    )


def _config(request: ChatRequest) -> types.GenerateContentConfig:
    fields: dict[str, Any] = dict(request.parameters)
    thinking = {name: fields.pop(name) for name in ("thinking_budget", "thinking_level") if name in fields}
    if _THINKS_BY_BUDGET.match(request.model) or _THINKS_BY_LEVEL.match(request.model):
        fields["thinking_config"] = types.ThinkingConfig(include_thoughts=True, **thinking)
    if request.response_schema is not None:
        fields |= {"response_mime_type": "application/json", "response_json_schema": dict(request.response_schema)}
    if request.tools:
        fields["tools"] = [types.Tool(function_declarations=_declarations(request.tools))]
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **fields,
    )


def _declarations(tools: Sequence[Tool]) -> list[types.FunctionDeclaration]:
    return [
        types.FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
        )
        for tool in tools
    ]


_PARTS = (
    *("input_audio", "input_image", "input_video"),
    *("cache_read_audio", "cache_read_image", "output_audio", "output_image"),
)


def _with_parts(metadata: Any) -> Any:
    """Its figures by modality, beside the others. Those of the prompt include what was cached."""
    if not isinstance(metadata, Mapping):
        return metadata
    cached = _by_modality(metadata, "cacheTokensDetails")
    prompt = _by_modality(metadata, "promptTokensDetails", "toolUsePromptTokensDetails")
    output = _by_modality(metadata, "candidatesTokensDetails")
    fresh = {f"input_{modality}": max(count - cached[modality], 0) for modality, count in prompt.items()}
    read = {f"cache_read_{modality}": count for modality, count in cached.items()}
    return {**metadata, **fresh, **read, **{f"output_{modality}": count for modality, count in output.items()}}


def _by_modality(metadata: Mapping[str, Any], *names: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name in names:
        listed = metadata.get(name)
        for part in map(mapping_of, listed if isinstance(listed, list) else []):
            counts[name_of(part.get("modality")).lower()] += count_of(part.get("tokenCount")) or 0
    return counts


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
        **{name: (name,) for name in _PARTS},
    }

    def read(self, event: str, payload: Mapping[str, Any]) -> Iterator[StreamEvent]:
        self.identify(model=payload.get("modelVersion"), response_id=payload.get("responseId"))
        candidate = first_of(payload.get("candidates"))
        parts = text_holder(candidate.get("content")).get("parts")
        yield from self.say(parts)
        yield from self._calls(parts)
        yield from self.count(_with_parts(payload.get("usageMetadata")))
        if mapping_of(payload.get("promptFeedback")).get("blockReason"):
            self.reason = FinishReason.CONTENT_FILTER
        reason = name_of(candidate.get("finishReason"))
        if reason in self.reasons:
            self.reason = self.reasons[reason]
        elif reason not in ("", "FINISH_REASON_UNSPECIFIED"):
            why = candidate.get("finishMessage") or f"The provider ended the answer early ({reason})."
            self.fail({"error": why})

    def _calls(self, parts: Any) -> Iterator[StreamEvent]:
        """Each is whole; several may come at once."""
        for part in filter(mapping_of, parts if isinstance(parts, list) else [parts]):
            if function := text_holder(part.get("functionCall")):
                signature = part.get("thoughtSignature")
                yield from self.call(
                    key=len(self.calls),
                    call_id=function.get("id"),
                    name=function.get("name"),
                    arguments=function.get("args"),
                    signature=f"{_SIGNED}{signature}" if signature and isinstance(signature, str) else "",
                )

    def usage(self) -> Usage:
        """Prompt tokens include what was cached; thoughts are not among the candidates' tokens."""
        counts = self.counts
        report = Report(
            prompt=counts["prompt"] + counts["tools"],
            completion=counts["candidates"],
            reasoning=counts.get("thoughts"),
            cache_read=counts["cache_read"],
            parts=counts.some(*_PARTS),
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


def abilities(model: str) -> Abilities:
    """https://ai.google.dev/gemini-api/docs/structured-output (2026-11)."""
    is_gemma = "gemma" in model
    together = bool(_THINKS_BY_LEVEL.match(model))
    return Abilities(tools=not is_gemma, schema=not is_gemma, schema_with_tools=together)


_MAX_TOKENS = Parameter(
    "max_output_tokens", "Max tokens", "Maximum length of the answer, in tokens.", "int", 1, 1_000_000, 1
)
_STOP = Parameter("stop_sequences", "Stop sequences", "Generation stops before any of these strings.", "text_list")
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


async def embed(texts: Sequence[str], *, model: str, api_key: str, base_url: str | None, seconds: float) -> Any:
    """https://ai.google.dev/api/embeddings (2026-11)"""
    server = (base_url or BASE_URL).rstrip("/")
    version = _VERSION_PATH.search(server)
    root = f"{server[: version.start()]}/{version[1]}" if version else f"{server}/{API_VERSION}"
    name = f"models/{model.removeprefix('models/')}"
    body = {"requests": [{"model": name, "content": {"parts": [{"text": text}]}} for text in texts]}
    headers = {"x-goog-api-key": api_key}
    answer = await post(f"{root}/{quote(name)}:batchEmbedContents", body, headers, api_key=api_key, seconds=seconds)
    return [mapping_of(row).get("values") for row in mapping_of(answer).get("embeddings") or ()]
