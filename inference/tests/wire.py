"""The five wire dialects, as the fake provider speaks them: frames of a stream, error bodies, model lists."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

INPUT_TOKENS = 7


def sse(payload: object, *, event: str = "") -> bytes:
    """One server-sent event; a str payload is sent as it is, anything else as JSON."""
    data = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    prefix = f"event: {event}\n" if event else ""
    return f"{prefix}data: {data}\n\n".encode()


class Dialect(Protocol):
    """``frames`` is a whole good answer: opening frames, one frame for each word, closing frames."""

    def opening(self, model: str) -> list[bytes]: ...

    def delta(self, text: str) -> bytes: ...

    def call(self, place: int, name: str, pieces: Sequence[str]) -> list[bytes]:
        """A call of a tool, its arguments in pieces."""
        ...

    def closing(self, model: str, output_tokens: int, reason: str) -> list[bytes]: ...

    def error_event(self, message: str) -> bytes: ...

    def error(self, status: int, message: str) -> object: ...

    def models(self, names: Sequence[str]) -> object: ...


class OpenAI:
    """OpenAI's chat completions; HuggingFace's router speaks the same."""

    reasons: Mapping[str, str] = {
        "stop": "stop",
        "length": "length",
        "filtered": "content_filter",
        "tool_calls": "tool_calls",
    }

    def chunk(self, delta: Mapping[str, Any], **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": more.pop("finish_reason", None)}
        head = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_700_000_000}
        return sse({**head, "model": "fake-model-2026", "choices": [choice], "usage": None, **more})

    def opening(self, model: str) -> list[bytes]:
        return [self.chunk({"role": "assistant", "content": ""})]

    def delta(self, text: str) -> bytes:
        return self.chunk({"content": text})

    def call(self, place: int, name: str, pieces: Sequence[str]) -> list[bytes]:
        head: dict[str, Any] = {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": ""}}
        more: list[dict[str, Any]] = [{"function": {"arguments": piece}} for piece in pieces]
        return [self.chunk({"tool_calls": [{"index": place, **call}]}) for call in (head, *more)]

    def usage(self, output_tokens: int) -> dict[str, Any]:
        total = INPUT_TOKENS + output_tokens
        return {"prompt_tokens": INPUT_TOKENS, "completion_tokens": output_tokens, "total_tokens": total}

    def closing(self, model: str, output_tokens: int, reason: str) -> list[bytes]:
        finish = self.chunk({}, finish_reason=self.reasons[reason])
        return [finish, self.chunk({}, choices=[], usage=self.usage(output_tokens)), sse("[DONE]")]

    def error_event(self, message: str) -> bytes:
        return sse({"error": {"message": message, "type": "server_error", "code": None}})

    def error(self, status: int, message: str) -> object:
        return {"error": {"message": message, "type": "fake_error", "param": None, "code": str(status)}}

    def models(self, names: Sequence[str]) -> object:
        models = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "fake"} for name in names]
        return {"object": "list", "data": models}


class Groq(OpenAI):
    def opening(self, model: str) -> list[bytes]:
        return [self.chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_fake"})]

    def closing(self, model: str, output_tokens: int, reason: str) -> list[bytes]:
        groq = {"id": "req_fake", "usage": self.usage(output_tokens)}
        return [self.chunk({}, finish_reason=self.reasons[reason], x_groq=groq), sse("[DONE]")]

    def models(self, names: Sequence[str]) -> object:
        return {"object": "list", "data": [{"id": name, "context_window": 8192, "active": True} for name in names]}


class Anthropic:
    reasons: Mapping[str, str] = {
        "stop": "end_turn",
        "length": "max_tokens",
        "filtered": "refusal",
        "tool_calls": "tool_use",
    }

    def event(self, kind: str, **fields: Any) -> bytes:
        return sse({"type": kind, **fields}, event=kind)

    def opening(self, model: str) -> list[bytes]:
        usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
        message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": model, "usage": usage}
        block = {"type": "text", "text": ""}
        return [
            self.event("message_start", message={**message, "content": [], "stop_reason": None}),
            self.event("content_block_start", index=0, content_block=block),
            self.event("ping"),
        ]

    def delta(self, text: str) -> bytes:
        return self.event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def call(self, place: int, name: str, pieces: Sequence[str]) -> list[bytes]:
        index = place + 1
        block = {"type": "tool_use", "id": f"toolu_{place}", "name": name, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]
        return [
            self.event("content_block_start", index=index, content_block=block),
            *(self.event("content_block_delta", index=index, delta=delta) for delta in deltas),
            self.event("content_block_stop", index=index),
        ]

    def closing(self, model: str, output_tokens: int, reason: str) -> list[bytes]:
        delta = {"stop_reason": self.reasons[reason], "stop_sequence": None}
        return [
            self.event("content_block_stop", index=0),
            self.event("message_delta", delta=delta, usage={"output_tokens": output_tokens}),
            self.event("message_stop"),
        ]

    def error_event(self, message: str) -> bytes:
        return self.event("error", error={"type": "overloaded_error", "message": message})

    def error(self, status: int, message: str) -> object:
        return {"type": "error", "error": {"type": "fake_error", "message": message}, "request_id": "req_fake"}

    def models(self, names: Sequence[str]) -> object:
        models = [{"type": "model", "id": n, "display_name": n, "created_at": "2026-01-01T00:00:00Z"} for n in names]
        return {"data": models, "has_more": False, "first_id": names[0], "last_id": names[-1]}


class Gemini:
    reasons: Mapping[str, str] = {
        "stop": "STOP",
        "length": "MAX_TOKENS",
        "filtered": "SAFETY",
        "tool_calls": "STOP",
    }

    def chunk(self, text: str, **more: Any) -> bytes:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more.pop("candidate", {})}
        return sse({"candidates": [candidate], "modelVersion": "fake-model-2026", "responseId": "resp_fake", **more})

    def opening(self, model: str) -> list[bytes]:
        return []

    def delta(self, text: str) -> bytes:
        return self.chunk(text, usageMetadata={"promptTokenCount": INPUT_TOKENS})

    def call(self, place: int, name: str, pieces: Sequence[str]) -> list[bytes]:
        part = {"functionCall": {"name": name, "args": json.loads("".join(pieces))}}
        signed = part if place else {**part, "thoughtSignature": "c2lnbmVk"}
        return [self.chunk("", candidate={"content": {"parts": [signed], "role": "model"}})]

    def closing(self, model: str, output_tokens: int, reason: str) -> list[bytes]:
        usage = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": output_tokens}
        return [self.chunk("", candidate={"finishReason": self.reasons[reason]}, usageMetadata=usage)]

    def error_event(self, message: str) -> bytes:
        return sse({"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}})

    def error(self, status: int, message: str) -> object:
        return {"error": {"code": status, "message": message, "status": "FAKE"}}

    def models(self, names: Sequence[str]) -> object:
        methods = ["generateContent", "countTokens"]
        return {
            "models": [
                {"name": f"models/{name}", "inputTokenLimit": 1_048_576, "supportedGenerationMethods": methods}
                for name in names
            ]
        }


# By the first part of the request path, which is also what base_url() adds to the address.
DIALECTS: Mapping[str, Dialect] = {
    "v1": OpenAI(),
    "hf": OpenAI(),
    "groq": Groq(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
}
BASE_PATHS: Mapping[str, str] = {
    "openai": "/v1",
    "huggingface": "/hf/v1",
    "mistral": "/v1",
    "groq": "/groq",
    "anthropic": "/anthropic",
    "gemini": "/gemini",
    "compatible": "/v1",
}
