from __future__ import annotations

import pytest

from prompts.composition import IncludeRefused, Lookup, Target, resolve
from prompts.templating import Include


def including(name: str) -> str:
    return Include(name, label="production").source


def lookup(**texts: object) -> Lookup:
    def find(include: Include) -> Target | None:
        text = texts.get(include.name)
        return None if text is None else Target(include.name, 3, text)  # type: ignore[arg-type]

    return find


def test_it_replaces_includes_of_includes_and_tells_the_graph() -> None:
    resolved = resolve("a", f"<{including('b')}>", lookup(b=f"b{including('c')}", c="c"))
    assert resolved.body == "<bc>"
    assert resolved.graph == {"a": [("b", 3)], "b": [("c", 3)]}


def test_it_replaces_them_in_messages_and_leaves_placeholders() -> None:
    history = {"type": "placeholder", "name": "history"}
    message = {"type": "chatmessage", "role": "user", "content": including("b")}
    assert resolve("a", [history, message], lookup(b="text")).body == [history, {**message, "content": "text"}]


@pytest.mark.parametrize(
    ("texts", "path"),
    [
        ({}, "a → b (production): there is no such"),
        ({"b": [{"type": "placeholder", "name": "x"}]}, "a → b (production): only text prompts"),
        ({"b": including("a")}, "a → b → a: a prompt cannot include itself"),
        ({"b": including("c"), "c": including("b")}, "a → b → c → b: a prompt cannot include itself"),
        ({"b": including("c"), "c": including("a")}, "a → b → c → a: a prompt cannot include itself"),
    ],
)
def test_it_names_the_way_to_an_include_that_leads_nowhere_or_back(texts: dict[str, object], path: str) -> None:
    with pytest.raises(IncludeRefused) as refused:
        resolve("a", including("b"), lookup(**texts))
    assert str(refused.value).startswith(path)


def test_it_goes_five_levels_deep_and_no_further() -> None:
    chain = {f"p{level}": including(f"p{level + 1}") for level in range(1, 5)}
    assert resolve("p0", including("p1"), lookup(**chain, p5="end")).body == "end"
    with pytest.raises(IncludeRefused, match="at most 5 levels"):
        resolve("p0", including("p1"), lookup(**chain, p5=including("p6"), p6="end"))


def test_it_bounds_texts_that_multiply() -> None:
    texts = {f"p{level}": including(f"p{level + 1}") * 50 for level in range(1, 5)}
    with pytest.raises(IncludeRefused, match="more than"):
        resolve("p0", including("p1") * 50, lookup(**texts, p5="x" * 100))
