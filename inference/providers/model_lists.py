"""Lists of models as servers send them: input from outside, of which what can be used is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from inference.providers.base import ModelInfo
from inference.providers.errors import StreamBroken
from inference.providers.failures import from_error_event, is_error, mapping_of

MOST_MODELS = 2000
LONGEST_ID = 200

_IDS = ("id", "name", "model")
_CAPABILITIES = {"image": ("vision", "image_input"), "file": ("pdf_input",)}
_CHAT_TYPES = frozenset(("chat", "language", "llm", "vlm"))
_TYPES = _CHAT_TYPES | {"embedding", "embeddings", "image", "rerank", "moderation", "audio", "transcribe", "video"}
_CONTEXTS = (
    "context_window",
    "context_length",
    "max_input_tokens",
    "inputTokenLimit",
    "max_model_len",
    "max_context_length",
)


def read_models(content: bytes) -> list[ModelInfo]:
    """The models that can be called, each once, at most ``MOST_MODELS``.

    Raises ``ProviderError`` for an error in place of the list, ``StreamBroken`` for what is no list.
    """
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and is_error(body):
        raise from_error_event(body)
    models: dict[str, ModelInfo] = {}
    for model in _models(_entries(body)):
        models.setdefault(model.id, model)
        if len(models) == MOST_MODELS:
            break
    return list(models.values())


def _entries(body: Any) -> list[Any]:
    if isinstance(body, dict) and body.keys() & {"data", "models", "object"}:
        return next((body[name] for name in ("data", "models") if body.get(name) and isinstance(body[name], list)), [])
    if isinstance(body, list):
        return body
    raise StreamBroken("The provider sent something else than a list of models.")


def _models(entries: list[Any]) -> Iterator[ModelInfo]:
    for entry in entries:
        fields = {"id": entry} if isinstance(entry, str) else mapping_of(entry)
        name = next((fields[key] for key in _IDS if isinstance(fields.get(key), str)), "").strip()
        actions = fields.get("supportedGenerationMethods")
        can_chat = not isinstance(actions, list) or "generateContent" in actions
        if name.isprintable() and 0 < len(name) <= LONGEST_ID and can_chat:
            yield ModelInfo(name, _context(fields), _inputs(fields), _chats(fields), _tools(fields), _reasons(fields))


def _inputs(fields: Mapping[str, Any]) -> frozenset[str] | None:
    """As OpenRouter, Hugging Face (``architecture``), Mistral and Anthropic (``capabilities``) name them."""
    named = mapping_of(fields.get("architecture")).get("input_modalities")
    if isinstance(named, list):
        return frozenset(kind for kind in named if isinstance(kind, str))
    told = mapping_of(fields.get("capabilities"))
    can = {kind: _yes_or_no(told, names) for kind, names in _CAPABILITIES.items()}
    if can["image"] is None:
        return None
    return frozenset({"text", *(kind for kind, answer in can.items() if answer)})


def _chats(fields: Mapping[str, Any]) -> bool | None:
    """As Mistral (``capabilities``), OpenRouter (``architecture``), Together and LM Studio (``type``) tell it."""
    told = _yes_or_no(mapping_of(fields.get("capabilities")), ("completion_chat",))
    if told is not None:
        return told
    outputs = mapping_of(fields.get("architecture")).get("output_modalities")
    if isinstance(outputs, list):
        return "text" in outputs
    kind = str(fields.get("type"))
    return kind in _CHAT_TYPES if kind in _TYPES else None


def _tools(fields: Mapping[str, Any]) -> bool | None:
    servers = fields.get("providers")
    told = [one.get("supports_tools") for one in map(mapping_of, servers if isinstance(servers, list) else ())]
    if any(isinstance(answer, bool) for answer in told):
        return True in told
    supported = _supports(fields, ("tools",))
    if supported is not None:
        return supported
    return _yes_or_no(mapping_of(fields.get("capabilities")), ("function_calling", "tool_use", "tools"))


def _reasons(fields: Mapping[str, Any]) -> bool | None:
    if isinstance(thinks := fields.get("thinking"), bool):
        return thinks
    supported = _supports(fields, ("reasoning", "include_reasoning"))
    if supported is not None:
        return supported
    return _yes_or_no(mapping_of(fields.get("capabilities")), ("reasoning", "thinking"))


def _supports(fields: Mapping[str, Any], names: Iterable[str]) -> bool | None:
    """Whether the list of parameters, as OpenRouter sends it, has one of the names."""
    parameters = fields.get("supported_parameters")
    return any(name in parameters for name in names) if isinstance(parameters, list) else None


def _yes_or_no(told: Mapping[str, Any], names: Iterable[str]) -> bool | None:
    for name in names:
        answer = told.get(name)
        supported = answer.get("supported") if isinstance(answer, dict) else answer
        if isinstance(supported, bool):
            return supported
    return None


def _context(fields: Any) -> int | None:
    """The window in tokens; where several servers stand behind a model, the largest of theirs."""
    providers = fields.get("providers")
    levels = [fields, *map(mapping_of, providers if isinstance(providers, list) else ())]
    windows = [level.get(key) for level in levels for key in _CONTEXTS]
    return max((window for window in windows if type(window) is int and 0 < window < 2**31), default=None)
