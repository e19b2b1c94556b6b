"""What stands above an answer."""

from __future__ import annotations

import pytest

from inference.conversations.thread import Turn
from inference.models import Message, Role
from telemetry.models import Generation


@pytest.mark.parametrize(
    ("base_url", "may_edit", "heading"),
    [
        ("http://gpu-1.lan/v1", True, "vLLM gpu-1 llama"),
        ("http://gpu-1.lan/v1", False, "OpenAI-compatible llama"),
        ("", True, "OpenAI-compatible llama"),
    ],
)
def test_it_names_the_endpoint_to_its_owner(base_url: str, may_edit: bool, heading: str) -> None:
    call = Generation(provider="compatible", request_model="llama", base_url=base_url, token_label="vLLM gpu-1")
    turn = Turn(Message(role=Role.ASSISTANT, generation=call), [1], may_edit)
    assert turn.author_label == heading
