"""JSON as files have it: a key that stands twice is refused, not overwritten."""

from __future__ import annotations

import json
from typing import Any

from prompts.files.document import FileRefused


def load(text: str) -> Any:
    """Raises FileRefused."""
    try:
        return json.loads(text, object_pairs_hook=_mapping, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise FileRefused(f"This is not JSON: {error.msg}.", line=error.lineno) from error
    except RecursionError as error:
        raise FileRefused("This is nested too deeply.") from error
    except ValueError as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused("A number is too large.") from error


def dump(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, indent=2) + "\n"


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise FileRefused("This key stands here twice.", field=key)
        values[key] = value
    return values


def _refuse_constant(name: str) -> Any:
    raise FileRefused(f"{name} is not a number of JSON.")
