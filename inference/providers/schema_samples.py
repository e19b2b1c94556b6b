"""Values that follow a JSON Schema, made without a model: for the sandbox. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 8
_MOST_ITEMS = 3


def sample_of(schema: Any, text: str, *, root: Any = None, depth: int = _DEEPEST) -> Any:
    """A value that follows ``schema`` as far as simple schemas go; ``text`` is what its texts are made of.

    Followed are const, enum, default, examples, type, properties, items, the limits of numbers, lengths and lists, the
    first of several alternatives, and references within ``root``, which is by default the schema itself.
    """
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth <= 0:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    if inner := _inner(schema, root):
        return sample_of({**inner, **_without(schema)}, text, root=root, depth=depth - 1)
    return _of_type(schema, text, root, depth)


def _inner(schema: Mapping[str, Any], root: Any) -> Mapping[str, Any] | None:
    """What a reference, or the first of several alternatives, says."""
    found: Any = None
    if isinstance(schema.get("$ref"), str):
        found = _at(root, schema["$ref"])
    for name in ("anyOf", "oneOf", "allOf"):
        if found is None and isinstance(schema.get(name), list) and schema[name]:
            found = schema[name][0]
    return found if isinstance(found, Mapping) else None


def _without(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in ("$ref", "anyOf", "oneOf", "allOf")}


def _at(root: Any, reference: str) -> Any:
    if not reference.startswith("#"):
        return None
    found = root
    for name in filter(None, reference[1:].split("/")):
        name = name.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _of_type(schema: Mapping[str, Any], text: str, root: Any, depth: int) -> Any:
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            properties = schema.get("properties")
            named = properties.items() if isinstance(properties, Mapping) else ()
            return {name: sample_of(inner, text, root=root, depth=depth - 1) for name, inner in named}
        case "array":
            least = schema.get("minItems")
            count = min(max(1, least if isinstance(least, int) else 1), _MOST_ITEMS)
            return [sample_of(schema.get("items"), text, root=root, depth=depth - 1)] * count
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
    longest = schema.get("maxLength")
    return text[:longest] if isinstance(longest, int) and longest >= 0 else text


def _number(schema: Mapping[str, Any]) -> Any:
    limits = [schema.get(name) for name in ("minimum", "maximum")]
    if isinstance(above := schema.get("exclusiveMinimum"), int | float):
        return above + 1
    return next((limit for limit in limits if isinstance(limit, int | float)), 1)
