"""What a version of a prompt consists of, and what makes it acceptable. Pure: no database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import jsonschema

from prompts import storable, templating
from prompts.storable import Unstorable
from prompts.templating import Include, TemplateError

MOST_CHARACTERS = 500_000
# Of tools, and of a response schema.
MOST_DEFINITION_CHARACTERS = 100_000
MOST_MESSAGES = 500
MOST_VARIABLES = 500
ROLES = ("system", "developer", "user", "assistant", "tool")
VARIABLE_TYPES = ("text", "long_text", "number", "choice")

Message = Mapping[str, Any]
Body = str | Sequence[Message]


class DraftRefused(ValueError):
    """``errors`` are pairs of a field and a sentence. Nothing has been stored."""

    def __init__(self, errors: Sequence[tuple[str, str]], *, code: str = "invalid_prompt") -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors))
        self.errors = list(errors)
        self.code = code


@dataclass(frozen=True, slots=True)
class Variable:
    """How a variable is asked for. ``choices`` are those of the type ``choice``; ``sample`` fills previews."""

    name: str
    type: str = "text"
    default: str = ""
    sample: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a version stores. ``body`` is a text, or messages in the shape of Langfuse's API::

    {"type": "chatmessage", "role": "user", "content": "…"}
    {"type": "placeholder", "name": "history"}
    """

    body: Body
    variables: tuple[Variable, ...] = ()
    tools: Sequence[Mapping[str, Any]] = ()
    response_schema: Mapping[str, Any] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    provider: str = ""
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        return texts_of(self.body)

    @property
    def placeholders(self) -> list[str]:
        if isinstance(self.body, str):
            return []
        return [str(message.get("name", "")) for message in self.body if message.get("type") == "placeholder"]

    @property
    def used_variables(self) -> list[str]:
        return list(dict.fromkeys(name for text in self.texts for name in templating.variables_in(text)))

    @property
    def includes(self) -> list[Include]:
        """Raises TemplateError."""
        return list(dict.fromkeys(include for text in self.texts for include in templating.includes_in(text)))

    def as_stored(self) -> dict[str, Any]:
        """By the names of the fields of ``PromptVersion``."""
        return {
            "body": self.body if isinstance(self.body, str) else [dict(message) for message in self.body],
            "variables": [asdict(variable) for variable in self.variables],
            "tools": list(self.tools),
            "response_schema": self.response_schema,
            "config": dict(self.config),
            "provider": self.provider,
            "model": self.model,
            "parameters": dict(self.parameters),
        }


def texts_of(body: Body) -> list[str]:
    if isinstance(body, str):
        return [body]
    return [message["content"] for message in body if isinstance(message.get("content"), str)]


def with_texts(body: Body, change: Any) -> Body:
    """The body with ``change`` applied to each of its texts."""
    if isinstance(body, str):
        return str(change(body))
    return [
        {**message, "content": change(message["content"])} if isinstance(message.get("content"), str) else message
        for message in body
    ]


def check(draft: Draft) -> None:
    """Raises DraftRefused with everything that is wrong."""
    for name, value in draft.as_stored().items():
        try:
            storable.check({name: value})
        except Unstorable as error:
            raise DraftRefused([(name, str(error))]) from error
    if len(json.dumps(draft.as_stored(), ensure_ascii=False, default=str)) > MOST_CHARACTERS:
        text = f"A prompt may have at most {MOST_CHARACTERS:,} characters with its tools, schema and config."
        raise DraftRefused([("body", text)], code="prompt_too_large")
    errors = [*_body_errors(draft.body), *_variable_errors(draft), *_definition_errors(draft)]
    if errors:
        raise DraftRefused(errors)


def _body_errors(body: Body) -> Iterator[tuple[str, str]]:
    if isinstance(body, str):
        yield from _text_errors(body, "")
        if not body.strip():
            yield "body", "The prompt is empty."
        return
    if not body:
        yield "body", "A chat prompt needs at least one message."
    if len(body) > MOST_MESSAGES:
        yield "body", f"A prompt may have at most {MOST_MESSAGES} messages."
    for number, message in enumerate(body[:MOST_MESSAGES], start=1):
        yield from _message_errors(message, f"Message {number}: ")


def _message_errors(message: Message, where: str) -> Iterator[tuple[str, str]]:
    if message.get("type") == "placeholder":
        if not _is_name(message.get("name")):
            yield "body", f"{where}a placeholder needs a name of letters, digits and underscores."
        return
    if message.get("type", "chatmessage") != "chatmessage":
        yield "body", f"{where}the type must be chatmessage or placeholder."
    elif message.get("role") not in ROLES:
        yield "body", f"{where}the role must be one of {', '.join(ROLES)}."
    elif not isinstance(message.get("content"), str):
        yield "body", f"{where}the content must be text."
    else:
        yield from _text_errors(message["content"], where)


def _text_errors(text: str, where: str) -> Iterator[tuple[str, str]]:
    try:
        templating.check(text)
    except TemplateError as error:
        yield "body", f"{where}{error}"


def _variable_errors(draft: Draft) -> Iterator[tuple[str, str]]:
    names = [variable.name for variable in draft.variables]
    if len({*names, *draft.used_variables}) > MOST_VARIABLES:
        yield "variables", f"A prompt may have at most {MOST_VARIABLES} variables."
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield "variables", f"The variable “{name}” is defined twice."
    for name in set(draft.placeholders) & {*names, *draft.used_variables}:
        yield "variables", f"“{name}” is both a placeholder and a variable."
    for variable in draft.variables:
        if not _is_name(variable.name):
            yield "variables", f"“{variable.name}” is not a name of letters, digits and underscores."
        if variable.type not in VARIABLE_TYPES:
            yield "variables", f"The type of “{variable.name}” must be one of {', '.join(VARIABLE_TYPES)}."
        elif variable.type == "choice" and not variable.choices:
            yield "variables", f"The variable “{variable.name}” needs choices."


def _is_name(value: object) -> bool:
    return isinstance(value, str) and templating.variables_in("{{" + value + "}}") == [value]


def _definition_errors(draft: Draft) -> Iterator[tuple[str, str]]:
    """What calls would not take either is not checked further, which could take many seconds."""
    for name, value in (("tools", draft.tools), ("response_schema", draft.response_schema)):
        if len(json.dumps(value)) > MOST_DEFINITION_CHARACTERS:
            yield name, f"Tools and schemas may have at most {MOST_DEFINITION_CHARACTERS:,} characters."
            return
    yield from tool_errors(draft.tools)
    yield from schema_errors(draft.response_schema)


def tool_errors(tools: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Of definitions in OpenAI's form."""
    names = []
    for number, tool in enumerate(tools, start=1):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
            yield "tools", f'Tool {number} must have the form {{"type": "function", "function": {{"name": …}}}}.'
            continue
        names.append(name)
        for error in _json_schema_errors(function.get("parameters")):
            yield "tools", f"The parameters of “{name}” are not a JSON schema: {error}"
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield "tools", f"The tool “{name}” is defined twice."


def schema_errors(schema: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    for error in _json_schema_errors(schema):
        yield "response_schema", f"This is not a JSON schema: {error}"


def _json_schema_errors(schema: Any) -> Iterator[str]:
    if schema is None:
        return
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        yield error.message[:300]
    except (RecursionError, OverflowError):
        # Of regular expressions, which are compiled to see whether they are some.
        yield "a pattern in it is nested too deeply, or has a number that is too large."
