"""Requests as they would go over the wire, without being sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from asgiref.sync import async_to_sync

from accounts.providers import PROVIDERS
from inference.playground.code import KEY, programs
from inference.providers.base import ChatRequest
from inference.providers.registry import load_adapter
from inference.providers.transport import WireRequest, request_of
from inference.runs.sent_requests import request_of_sent
from telemetry.context import SentMessage
from telemetry.models import Generation


async def as_sent(provider: str, request: ChatRequest, base_url: str) -> WireRequest | None:
    """With ``KEY`` in place of a key; None where nothing is sent, as by the sandbox."""
    adapter = await load_adapter(provider)
    return await request_of(adapter.stream(request, api_key=KEY, base_url=base_url or None))


def curl_of(call: Generation, sent: Sequence[SentMessage]) -> str:
    """A recorded call as a command, without its files; '' where it cannot be made again."""
    if call.provider not in PROVIDERS or not sent:
        return ""
    request = request_of_sent(sent, model=call.request_model, parameters=call.parameters)
    messages = tuple(replace(message, attachments=()) for message in request.messages)
    wire = async_to_sync(as_sent)(call.provider, replace(request, messages=messages), call.base_url)
    return programs(wire, variable=f"{call.provider.upper()}_API_KEY").curl if wire else ""
