"""AISTRALE's files: front matter and text, or JSON. What is exported reads back as exactly the same version.

A text prompt is YAML between two lines ``---``, and after them the text; the last line break belongs to the file, not
to the text. A chat prompt has its messages in the YAML and nothing after it. In JSON both are fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prompts.drafts import Body, Draft, Variable
from prompts.files import json_text, yaml_text
from prompts.files.document import FileRefused, Loaded, PromptFile
from prompts.files.fields import Fields

FORMAT, LIST_FORMAT = "aistrale-prompt-1", "aistrale-prompts-1"
_END = re.compile(r"^---[ \t]*$", re.MULTILINE)


def as_markdown(file: PromptFile) -> str:
    values = as_mapping(file)
    text = values.pop("text", None)
    front = f"---\n{yaml_text.dump(values)}---\n"
    return front if text is None else f"{front}{text}\n"


def as_json(file: PromptFile) -> str:
    return json_text.dump({"format": FORMAT, **as_mapping(file)})


def as_json_list(files: Sequence[PromptFile]) -> str:
    return json_text.dump({"format": LIST_FORMAT, "prompts": [as_mapping(file) for file in files]})


def as_mapping(file: PromptFile) -> dict[str, Any]:
    """In the order in which a file has it, without what is empty."""
    draft, body = file.draft, file.draft.body
    values = {
        "name": file.name,
        "type": file.type,
        "description": file.description,
        "tags": list(file.tags or ()) or None,
        "version": file.version,
        "message": file.message or None,
        "labels": list(file.labels) or None,
        "provider": draft.provider or None,
        "model": draft.model or None,
        "parameters": dict(draft.parameters) or None,
        "variables": [_variable_mapping(variable) for variable in draft.variables] or None,
        "tools": list(draft.tools) or None,
        "response_schema": draft.response_schema,
        "config": dict(draft.config) or None,
        "text": body if isinstance(body, str) else None,
        "messages": None if isinstance(body, str) else [_message_mapping(message) for message in body],
    }
    return {name: value for name, value in values.items() if value is not None}


def _variable_mapping(variable: Variable) -> dict[str, Any]:
    values = {"type": variable.type, "default": variable.default, "sample": variable.sample}
    plain = Variable(variable.name)
    given = {name: value for name, value in values.items() if value != getattr(plain, name)}
    return {"name": variable.name, **given, **({"choices": list(variable.choices)} if variable.choices else {})}


def _message_mapping(message: Mapping[str, Any]) -> dict[str, Any]:
    """The type is left out where it is the usual one; role and content come first."""
    if message.get("type") == "placeholder":
        return dict(message)
    first = {name: message[name] for name in ("role", "content") if name in message}
    return first | {name: value for name, value in message.items() if name not in (*first, "type")}


def has_front_matter(text: str) -> bool:
    return text.startswith(("---\n", "---\r\n"))


def read_markdown(text: str, *, name: str) -> PromptFile:
    """``name`` is what the place of the file says. Raises FileRefused."""
    if text.startswith("---\r\n"):
        # We end lines with a line feed alone: something on the way has converted the whole file.
        text = text.replace("\r\n", "\n")
    if not has_front_matter(text):
        raise FileRefused("A file begins with a line “---”, fields of YAML and another line “---”.", line=1)
    end = _END.search(text, 4)
    if end is None:
        raise FileRefused("The line “---” that ends the fields is missing.", line=text.count("\n"))
    loaded = yaml_text.load(text[4 : end.start()], first_line=2)
    body = text[end.end() + 1 :].removesuffix("\n")
    if "messages" not in loaded.values:
        _refuse_text_twice(loaded)
        loaded.values["text"] = body
    elif body.strip():
        raise FileRefused(
            "A chat prompt has its messages in the fields, no text after them.",
            line=text.count("\n", 0, end.end()) + 2,
        )
    return read_mapping(loaded, name=name)


def _refuse_text_twice(loaded: Loaded) -> None:
    if "text" in loaded.values:
        raise FileRefused(
            "Write the text after the fields, not as one of them.", line=loaded.lines["text"], field="text"
        )


def read_mapping(loaded: Loaded, *, name: str = "", where: str = "") -> PromptFile:
    """Raises FileRefused."""
    fields = Fields(loaded.values, where=where, lines=loaded.lines)
    fields.any("format")
    kind = fields.take("type", str, "chat" if "messages" in fields else "text")
    body = _body(fields, kind, where)
    draft = Draft(
        body=body,
        variables=tuple(
            _variable(each, f"variables[{number}]") for number, each in _numbered(fields.take("variables", list, []))
        ),
        tools=tuple(fields.take("tools", list, [])),
        response_schema=fields.maybe("response_schema", dict),
        config=fields.take("config", dict, {}),
        provider=fields.take("provider", str, ""),
        model=fields.take("model", str, ""),
        parameters=fields.take("parameters", dict, {}),
    )
    file = PromptFile(
        name=fields.take("name", str, name),
        draft=draft,
        description=fields.maybe("description", str),
        tags=fields.texts("tags"),
        version=_version(fields),
        message=fields.take("message", str, ""),
        labels=fields.texts("labels") or (),
    )
    fields.refuse_rest()
    if not file.name:
        raise fields.refusal("The prompt has no name.", "name")
    return file


def _version(fields: Fields) -> int | None:
    version = fields.maybe("version", int)
    if version is not None and not 0 < version < 2**31:
        raise fields.refusal("A version is a number from 1 on.", "version")
    return version


def _body(fields: Fields, kind: str, where: str) -> Body:
    if kind not in ("text", "chat"):
        raise fields.refusal("The type must be text or chat.", "type")
    wanted, other = ("text", "messages") if kind == "text" else ("messages", "text")
    if other in fields:
        raise fields.refusal(f"A {kind} prompt has no {other}.", other)
    if kind == "text":
        return fields.take("text", str, "")
    prefix = f"{where}.messages" if where else wanted
    return [_message(each, f"{prefix}[{number}]") for number, each in _numbered(fields.take("messages", list, []))]


def _numbered(values: Sequence[Any]) -> list[tuple[int, Any]]:
    return list(enumerate(values, start=1))


def _message(values: Any, where: str) -> dict[str, Any]:
    fields = Fields(values, where=where)
    if fields.take("type", str, "chatmessage") == "placeholder":
        return {**fields.rest(), "type": "placeholder"}
    for name in ("role", "content"):
        if not isinstance(values.get(name), str):
            raise fields.refusal("This must be text.", name)
    return {**values, "type": values.get("type") or "chatmessage"}


def _variable(values: Any, where: str) -> Variable:
    fields = Fields(values, where=where)
    plain = Variable("")
    variable = Variable(
        name=fields.take("name", str, ""),
        type=fields.take("type", str, plain.type),
        default=fields.take("default", str, ""),
        sample=fields.take("sample", str, ""),
        choices=fields.texts("choices") or (),
    )
    fields.refuse_rest()
    return variable
