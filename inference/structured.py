"""Tools and response schemas as people write them, and whether an answer follows its schema. Pure.

Work is bounded, since schemas come from users and answers from outside: by sizes, by counted steps, by references only
within the schema, and without regular expressions, which could take for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import jsonschema
from jsonschema import validators
from jsonschema.exceptions import UnknownType
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from inference.providers.base import Tool
from prompts.drafts import MOST_DEFINITION_CHARACTERS, schema_errors, tool_errors

MOST_TOOLS = 128
MOST_CHARACTERS = 500_000
MOST_LEVELS = 64
MOST_PROBLEMS = 20
# At most some seconds: a step is some 100 ns.
MOST_STEPS = 5_000_000
_CALL_STEPS, _REFERENCE_STEPS, _CHILD_STEPS = 100, 500, 50
_CHARACTERS_PER_STEP = 20
_LOOKS_AT_CHILDREN = frozenset(("items", "prefixItems", "contains", "additionalProperties", "propertyNames"))

# All providers take it. https://platform.openai.com/docs/api-reference/chat/create (2026-11)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
Keyword = Callable[[Any, Any, Any, Any], Iterable[Any] | None]
_NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}


class DefinitionsRefused(ValueError):
    """Tools or a schema that cannot be sent. ``problems``: one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """Where an answer departs from its schema, such as ``$.items[0].price``, and how."""

    path: str
    message: str


def tools_from(definitions: Sequence[Any]) -> tuple[Tool, ...]:
    """Tools as calls offer them, of definitions in OpenAI's form, as prompts store them. Raises DefinitionsRefused."""
    _refuse_for(_size_problems(definitions))
    _refuse_for(text for _, text in tool_errors(definitions))
    functions = [definition["function"] for definition in definitions]
    _refuse_for(problem for function in functions for problem in _function_problems(function))
    return tuple(
        Tool(function["name"], function.get("description") or "", function.get("parameters") or _NO_ARGUMENTS)
        for function in functions
    )


def schema_from(value: Any) -> Mapping[str, Any] | None:
    """A response schema as calls send it; None where there is none. Raises DefinitionsRefused."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise DefinitionsRefused(["The response schema must be a JSON object."])
    _refuse_for(_size_problems(value))
    _refuse_for(text for _, text in schema_errors(value))
    return value


def _refuse_for(problems: Iterable[str]) -> None:
    if found := list(problems):
        raise DefinitionsRefused(found)


def _size_problems(value: Any) -> Iterator[str]:
    """Raises nothing, however deep it is."""
    if isinstance(value, list | tuple) and len(value) > MOST_TOOLS:
        yield f"At most {MOST_TOOLS} tools can be offered."
    try:
        if len(json.dumps(value)) > MOST_DEFINITION_CHARACTERS:
            yield f"Tools and schemas may have at most {MOST_DEFINITION_CHARACTERS:,} characters."
        elif _levels(value) > MOST_LEVELS:
            yield f"Tools and schemas may be nested at most {MOST_LEVELS} levels deep."
    except (RecursionError, TypeError, ValueError):
        yield "This is not JSON."


def _levels(value: Any) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return 1 + max(map(_levels, inner), default=0)


def _function_problems(function: Mapping[str, Any]) -> Iterator[str]:
    name, parameters = function["name"], function.get("parameters") or _NO_ARGUMENTS
    if not _NAME.fullmatch(name):
        yield (
            f"“{name[:80]}” is not a name for a tool: at most 64 letters, digits, underscores and hyphens, "
            "beginning with a letter or an underscore."
        )
    if not isinstance(function.get("description") or "", str):
        yield f"The description of “{name}” must be text."
    if not isinstance(parameters, Mapping) or parameters.get("type", "object") != "object":
        yield f"The parameters of “{name}” must be a schema of an object."


def problems_in(answer: str, schema: Mapping[str, Any]) -> list[Problem]:
    """How the text of an answer departs from a schema; at most ``MOST_PROBLEMS``, and none where it follows it.

    Patterns are not checked, nor what is left unevaluated. Where a check would take too long, that is a problem too.
    """
    if len(answer) > MOST_CHARACTERS:
        return [Problem("$", f"The answer has more than {MOST_CHARACTERS:,} characters, so it was not checked.")]
    try:
        value = json.loads(answer, parse_constant=_refuse)
    except RecursionError:
        return [Problem("$", "The answer is nested too deeply.")]
    except ValueError as error:
        return [Problem("$", f"The answer is not JSON: {error}")]
    budget = _Budget(MOST_STEPS, error_steps=len(answer) // _CHARACTERS_PER_STEP)
    return list(islice(_problems(value, schema, budget), MOST_PROBLEMS))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON.")


def _problems(value: Any, schema: Mapping[str, Any], budget: _Budget) -> Iterator[Problem]:
    try:
        for error in _validator(schema, budget).iter_errors(value):
            yield Problem(error.json_path, error.message[:300])
    except _TooMuchWork:
        yield Problem("$", "The check was given up: this schema takes too long.")
    except RecursionError:
        yield Problem("$", "The check was given up: the schema refers to itself without an end.")
    except Unresolvable as error:
        yield Problem("$", f"The schema refers to something outside of it: {str(error)[:200]}")
    except (jsonschema.SchemaError, UnknownType, TypeError, ValueError, AttributeError, KeyError, OverflowError):
        yield Problem("$", "The schema cannot be applied.")


class _TooMuchWork(Exception):
    pass


@dataclass
class _Budget:
    """Of steps. ``error_steps``: what an error takes, which quotes what it is about."""

    left: int
    error_steps: int

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise _TooMuchWork

    def counted(self, name: str, keyword: Keyword) -> Keyword:
        """A keyword that spends by the size of what it looks at; the keywords inside of it spend by themselves."""
        steps = _REFERENCE_STEPS if "ref" in name.lower() else _CALL_STEPS
        steps_per_child = _CHILD_STEPS if name in _LOOKS_AT_CHILDREN else 1

        def check(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
            self.spend(steps + _length(wanted) + _length(instance) * steps_per_child)
            for error in keyword(validator, wanted, instance, schema) or ():
                self.spend(self.error_steps)
                yield error

        return check


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _validator(schema: Mapping[str, Any], budget: _Budget) -> Validator:
    """For one check. Without the registry it would fetch what a reference names from the internet."""
    keywords = {**jsonschema.Draft202012Validator.VALIDATORS, **_OWN_KEYWORDS}
    counted: Any = {name: budget.counted(name, keyword) for name, keyword in keywords.items()}
    registry: Registry[Any] = Registry()
    base = jsonschema.Draft202012Validator
    made = validators.create(base.META_SCHEMA, counted, type_checker=base.TYPE_CHECKER)
    return cast(Validator, made(schema, registry=registry))


def _unchecked(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterable[Any]:
    return ()


def _additional_properties(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterable[Any]:
    """Unchecked where patterns allow some of them."""
    if "patternProperties" in schema:
        return ()
    return jsonschema.Draft202012Validator.VALIDATORS["additionalProperties"](validator, wanted, instance, schema) or ()


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterable[Any]:
    """Without comparing each with each."""
    items = instance if wanted and isinstance(instance, list) else []
    if len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
        yield jsonschema.ValidationError("The items are not unique")


_OWN_KEYWORDS: Mapping[str, Keyword] = {
    **dict.fromkeys(("pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties"), _unchecked),
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
