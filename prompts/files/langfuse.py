"""Prompts of Langfuse, as its public API gives them: one version, a list of versions, or a page ``{"data": […]}``."""

from __future__ import annotations

import json
from typing import Any

from prompts.drafts import Body, Draft
from prompts.files.document import PromptFile
from prompts.files.fields import Fields

# Who made it when, and what it includes: said anew here.
_KNOWN = {
    "id", "createdAt", "updatedAt", "createdBy", "projectId", "isActive", "resolutionGraph", "creator",
    "lastUpdatedAt", "lastConfig",
}  # fmt: skip


def is_langfuse(values: dict[str, Any]) -> bool:
    return "name" in values and ("prompt" in values and not isinstance(values["prompt"], dict) or "versions" in values)


def read(values: dict[str, Any], where: str) -> PromptFile:
    """Raises FileRefused."""
    fields = Fields(values, where=where)
    if "prompt" not in fields:
        raise fields.refusal(
            "This page of Langfuse's list names prompts without their text. Export each by "
            "GET /api/public/v2/prompts/{name}?version=…&resolve=false."
        )
    config = fields.any("config")
    return PromptFile(
        name=fields.take("name", str, ""),
        draft=Draft(_body(fields, fields.take("type", str, "")), config=config if isinstance(config, dict) else {}),
        tags=fields.texts("tags"),
        version=fields.maybe("version", int),
        message=fields.take("commitMessage", str, "")[:500],
        labels=tuple(label for label in fields.texts("labels") or () if label != "latest"),
        notes=(*_of_config(config), *_unknown(fields)),
    )


def _of_config(config: Any) -> tuple[str, ...]:
    return () if config is None or isinstance(config, dict) else ("config, which is no mapping",)


def _unknown(fields: Fields) -> list[str]:
    return [name for name, value in fields.rest().items() if name not in _KNOWN and value is not None]


def _body(fields: Fields, kind: str) -> Body:
    prompt = fields.any("prompt")
    if isinstance(prompt, str) and kind == "chat":
        prompt = _parsed(fields, prompt)
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, list):
        raise fields.refusal("This must be text or a list of messages.", "prompt")
    return [_message(each, fields, number) for number, each in enumerate(prompt, start=1)]


def _parsed(fields: Fields, prompt: str) -> Any:
    """Exports of tables have messages as text."""
    try:
        return json.loads(prompt)
    except (ValueError, RecursionError) as error:
        raise fields.refusal("A chat prompt needs a list of messages.", "prompt") from error


def _message(values: Any, fields: Fields, number: int) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise fields.refusal("This must be a mapping.", f"prompt[{number}]")
    if values.get("type") == "placeholder":
        return {"type": "placeholder", "name": values.get("name")}
    return {**values, "type": "chatmessage"}
