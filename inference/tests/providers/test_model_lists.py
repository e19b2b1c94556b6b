"""What can be used of a list of models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inference.providers.base import ModelInfo
from inference.providers.errors import AuthenticationFailed, StreamBroken
from inference.providers.model_lists import MOST_MODELS, read_models


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": [{"id": "a", "context_window": 5}, {"id": "a"}]}, [ModelInfo("a", 5)]),
        ({"models": [{"name": "a", "inputTokenLimit": 9}]}, [ModelInfo("a", 9)]),
        (
            {"data": [{"id": "a", "context_length": "many"}, {"id": "b", "context_length": -1}]},
            [ModelInfo("a"), ModelInfo("b")],
        ),
        ({"data": [{"id": "a", "providers": [{"context_length": 5}, {"context_length": 8}, 7]}]}, [ModelInfo("a", 8)]),
        ({"models": [{"name": "a", "supportedGenerationMethods": ["embedContent"]}]}, []),
        (["a", {"id": "b"}, None, 5, ["c"]], [ModelInfo("a"), ModelInfo("b")]),
        ({"data": [{"id": " a "}, {"id": ""}, {"id": "x\u0000y"}, {"id": "x" * 201}]}, [ModelInfo("a")]),
        ({"object": "list", "data": {}}, []),
        ([], []),
    ],
)
def test_it_keeps_what_can_be_called(body: Any, expected: list[ModelInfo]) -> None:
    assert read_models(json.dumps(body).encode()) == expected


def test_it_keeps_only_as_many_as_a_page_can_show() -> None:
    body = {"data": [{"id": f"m{number}"} for number in range(100_000)]}
    assert len(read_models(json.dumps(body).encode())) == MOST_MODELS


@pytest.mark.parametrize("content", [b"", b"<html>", b"5", b'"x"', b"{}", b'{"hello": "world"}'])
def test_it_calls_what_is_no_list_by_name(content: bytes) -> None:
    with pytest.raises(StreamBroken, match="something else than a list"):
        read_models(content)


def test_it_raises_the_error_that_comes_in_place_of_a_list() -> None:
    with pytest.raises(AuthenticationFailed, match="No such key"):
        read_models(b'{"error": {"code": 401, "message": "No such key"}}')


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, (None, None, None)),
        ({"capabilities": {"completion_chat": True, "function_calling": False}}, (True, False, None)),
        ({"capabilities": {"completion_chat": False}}, (False, None, None)),
        ({"architecture": {"output_modalities": ["image"]}}, (False, None, None)),
        ({"supported_parameters": ["tools", "reasoning"]}, (None, True, True)),
        ({"supported_parameters": ["stop"]}, (None, False, False)),
        ({"providers": [{"supports_tools": False}, {"supports_tools": True}]}, (None, True, None)),
        ({"type": "embedding"}, (False, None, None)),
        ({"type": "chat"}, (True, None, None)),
        ({"type": "model"}, (None, None, None)),
        ({"type": ["chat"], "thinking": "yes", "supported_parameters": {"tools": 1}}, (None, None, None)),
        ({"thinking": True}, (None, None, True)),
    ],
)
def test_it_reads_what_a_list_tells_of_a_model(fields: dict[str, Any], told: tuple[bool | None, ...]) -> None:
    [model] = read_models(json.dumps({"data": [{"id": "m", **fields}]}).encode())
    assert (model.chats, model.tools, model.reasons) == told
