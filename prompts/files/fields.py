"""Takes what is expected out of a mapping, and tells by the field what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from prompts.files.document import FileRefused

T = TypeVar("T")
_KINDS = {str: "text", int: "a whole number", list: "a list", dict: "a mapping"}


class Fields:
    """``where`` is the path of the mapping in its file, '' for the whole."""

    def __init__(self, values: Any, *, where: str = "", lines: Mapping[str, int] | None = None) -> None:
        self._where, self._lines = where, lines or {}
        if not isinstance(values, dict):
            raise FileRefused("This must be a mapping.", field=where)
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def take(self, name: str, kind: type[T], default: T) -> T:
        """``default`` where there is no such field, or null."""
        found = self.maybe(name, kind)
        return default if found is None else found

    def maybe(self, name: str, kind: type[T]) -> T | None:
        value = self._values.pop(name, None)
        # A boolean is an int in Python.
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.refusal(f"This must be {_KINDS.get(kind, kind.__name__)}.", name)
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        values = self.maybe(name, list)
        for each in values or ():
            if not isinstance(each, str):
                raise self.refusal("This must be a list of texts.", name)
        return None if values is None else tuple(values)

    def any(self, name: str) -> Any:
        return self._values.pop(name, None)

    def rest(self) -> dict[str, Any]:
        """What nobody has taken."""
        return self._values

    def refuse_rest(self) -> None:
        for name in self._values:
            raise self.refusal("There is no such field.", name)

    def refusal(self, problem: str, name: str = "") -> FileRefused:
        field = f"{self._where}.{name}" if self._where and name else name or self._where
        return FileRefused(problem, line=self._lines.get(name), field=field)
