"""LiteLLM's generic prompt management: https://docs.litellm.ai/docs/adding_provider/generic_prompt_management_api
(read on 2026-11-30). Its variables are written ``{name}``, with one brace.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ninja import Query, Router, Schema

from accounts.api.auth import AUTH, ApiRequest, require
from accounts.profile.scopes import READ_PROMPTS
from prompts.api.contents import Content
from prompts.api.operations import READ_ERRORS, note, wanted
from prompts.api.refusals import refusals
from prompts.api.schemas import ServedQuery
from prompts.api.serving import resolved, serve
from prompts.drafts import Body
from prompts.templating import fill, variables_in

router = Router(auth=AUTH, tags=["LiteLLM"])


class LitellmQuery(ServedQuery):
    prompt_id: str


class LitellmPrompt(Schema):
    prompt_id: str
    prompt_template: list[dict[str, str]]
    prompt_template_model: str | None
    prompt_template_optional_params: dict[str, Any] | None


@router.get("/litellm_prompt_management", response={200: LitellmPrompt, **READ_ERRORS})
def get_litellm_prompt(request: ApiRequest, query: Query[LitellmQuery]) -> dict[str, Any]:
    """A prompt by its name, for LiteLLM. Placeholders are left out: LiteLLM adds its messages at the end."""
    require(request, READ_PROMPTS, query.prompt_id)
    with refusals():
        served = serve(request.user, query.prompt_id, wanted(query, caller=query.user))
        content = resolved(served, request.user, partial(request.auth.allows, READ_PROMPTS))
    note(request, served, query)
    return {
        "prompt_id": query.prompt_id,
        "prompt_template": _messages(content.body),
        "prompt_template_model": _model(served.content),
        "prompt_template_optional_params": _parameters(served.content) or None,
    }


def _messages(body: Body) -> list[dict[str, str]]:
    if isinstance(body, str):
        return [{"role": "system", "content": _in_one_brace(body)}]
    messages = [message for message in body if message["type"] == "chatmessage"]
    return [{"role": message["role"], "content": _in_one_brace(message["content"])} for message in messages]


def _in_one_brace(text: str) -> str:
    return fill(text, {name: f"{{{name}}}" for name in variables_in(text)})


def _model(content: Content) -> str | None:
    """LiteLLM knows models with their provider in front."""
    return "/".join(part for part in (content.provider, content.model) if part) if content.model else None


def _parameters(content: Content) -> Mapping[str, Any]:
    parameters = dict(content.parameters)
    if content.tools:
        parameters["tools"] = content.tools
    if content.response_schema:
        schema = {"name": "response", "schema": content.response_schema}
        parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
    return parameters
