from __future__ import annotations

from inference.rendering.cache import RenderCache


class Counted:
    """A renderer that knows how often it was used."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, text: str) -> str:
        self.calls.append(text)
        return f"<p>{text}</p>"


def test_it_renders_a_text_once() -> None:
    cache, render = RenderCache(), Counted()
    assert {cache.html(render, "ü") for _ in range(3)} == {"<p>ü</p>"}
    assert render.calls == ["ü"]


def test_it_renders_another_text_and_the_same_in_another_way() -> None:
    cache, render, other = RenderCache(), Counted(), str.upper
    assert [cache.html(render, "a"), cache.html(other, "a"), cache.html(render, "b")] == ["<p>a</p>", "A", "<p>b</p>"]


def test_it_forgets_first_what_was_not_asked_for_longest() -> None:
    cache, render = RenderCache(most_bytes=20), Counted()
    for text in ("1", "2", "1", "3", "1", "2"):
        cache.html(render, text)
    assert render.calls == ["1", "2", "3", "2"]


def test_it_gives_what_it_has_no_room_for() -> None:
    cache, render = RenderCache(most_bytes=5), Counted()
    assert [cache.html(render, "long") for _ in range(2)] == ["<p>long</p>"] * 2
    assert len(render.calls) == 2
