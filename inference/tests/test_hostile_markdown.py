"""Markdown that is meant to take long: it costs time in proportion to its length, and little of the event loop's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from inference.chat.stream_renderer import StreamRenderer
from inference.rendering.blocks import BlockSplitter
from inference.rendering.markdown import BLOCK_STEPS, render, render_block, steps
from inference.runs.stream_buffer import Delta

SIZE = 200_000
# Of this size, none takes a second on a slow machine. Without bounds the worst take from 5 s to hours.
MOST_SECONDS = 5.0
UNITS = {
    "pictures": "![",
    "brackets": "[",
    "links": "[a](",
    "links in angle brackets": "[a](<b",
    "titles": '[a](b "',
    "emphasis": "*a **b ",
    "emphasis in words": "a**b_c",
    "strikethrough": "~~a ",
    "code spans": "`a``b",
    "backslashes": "\\",
    "entities": "&a",
    "tags": "<a b ",
    "addresses": "<http:",
    "quotes": "> ",
    "quoted lines": "> a\n",
    "lists in lists": "- ",
    "items": "- a\n",
    "items apart": "- a\n\n",
    "quotes in lists": "> - ",
    "headings": "# a\n",
    "rules": "* * * * a\n",
    "definitions": "[a]: /u\n",
    "open labels": "[a\n",
    "open titles": '[a]: /u "\n',
    "empty fences": "```\n",
    "cells": "|a|b\n|-|-\n",
    "one word": "a",
    "quotation marks": '"',
    "blank lines": "\n",
    "lines of a space": " \n",
}
TEXTS = {name: unit * (SIZE // len(unit)) for name, unit in UNITS.items()} | {
    "brackets in brackets": "[" * (SIZE // 2) + "]" * (SIZE // 2),
    "deeper and deeper": "\n".join("  " * depth + "- a" for depth in range(int(SIZE**0.5))),
    "lazy lines of a deep quote": ">" * 200 + "a\n" + "b\n" * (SIZE // 2),
    "many columns": "|a" * (SIZE // 6) + "\n" + "|-" * (SIZE // 6) + "\n" + "|b" * (SIZE // 6),
    "few cells in many columns": "|a" * 2000 + "\n" + "|-" * 2000 + "\n" + "|b\n" * 20_000,
    "an open fence": "```python\n" + "x = 1\n" * (SIZE // 6),
    "a language": "```" + "a" * SIZE + "\nx\n```",
    "spaces before a fence that is none": "```" + " " * SIZE + "`\n",
    "spaces before a mark": " " * SIZE + "x\n",
    "pictures in many blocks": ("![" * 2000 + "\n\n") * 50,
    "C that its lexer takes long for": "```c\na" + " " * (SIZE // 10) + "b\n```\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_it_renders_any_text_in_bounded_time(text: str) -> None:
    started = time.thread_time()
    render(text)

    assert time.thread_time() - started < MOST_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pictures", "one word", "blank lines", "an open fence", "items"])
def test_it_takes_time_in_proportion_to_a_block_that_does_not_end(name: str) -> None:
    def seconds(size: int) -> float:
        splitter, started = BlockSplitter(), time.thread_time()
        for start in range(0, size, 4):
            splitter.feed(TEXTS[name][start : start + 4])
        return time.thread_time() - started

    small, large = seconds(SIZE // 4), seconds(SIZE)

    assert large < 4 * small * 4


def test_it_shows_what_it_does_not_format() -> None:
    html = render("![<b>" * 40_000)

    assert "Shown without formatting" in html
    assert html.count("![&lt;b&gt;") == 40_000


def test_it_goes_on_formatting_after_a_block_that_is_too_long() -> None:
    html = render("- a\n" * 5_000 + "\nafter **it**")

    assert "Shown without formatting" in html and "<strong>it</strong>" in html


def test_it_says_once_that_the_rest_is_not_formatted() -> None:
    html = render("*a* *b* *c*\n\n" * 6_000)

    assert html.count("The rest is shown without formatting") == 1
    assert html.startswith('<p dir="auto"><em>a</em>') and html.rstrip().endswith("*a* *b* *c*\n\n</pre>")


def test_it_formats_an_ordinary_answer_of_half_a_megabyte() -> None:
    paragraph = "Some **bold** words, `code` and a [link](https://a.example)" + " in lines of text" * 20 + ".\n\n"
    item = "- an item with *emphasis* and some more to say of it\n"

    assert "without formatting" not in render((paragraph * 10 + item * 10 + "\n") * 110)


def test_it_renders_long_lists_and_tables() -> None:
    table = "| name | value | unit |\n|---|---|---|\n" + "| length | 12 | m |\n" * 300
    for block in (table, "- an item of **some** length\n" * 300):
        assert steps(block) < BLOCK_STEPS and "without formatting" not in render_block(block)


def test_it_colours_no_more_code_of_an_answer_that_has_taken_too_long_with_it() -> None:
    """All of it would take minutes."""
    started = time.monotonic()
    render(("```c\na" + " " * 6_000 + "b\n```\n") * 100)

    assert time.monotonic() - started < 30


def test_it_colours_code_again_after_some_that_took_too_long() -> None:
    assert '<span class="n">a</span>' not in render("```c\na" + " " * 20_000 + "b\n```\n")
    assert '<span class="k">def</span>' in render("```python\ndef f(): pass\n```")


async def longest_hold(work: Callable[[], asyncio.Task[None]]) -> float:
    """Seconds for which a task that does nothing had to wait."""
    task, ticks = work(), [time.monotonic()]
    while not task.done():
        await asyncio.sleep(0)
        ticks.append(time.monotonic())
    await task
    return max(later - earlier for earlier, later in pairwise(ticks))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pictures", "pictures in many blocks", "C that its lexer takes long for", "items"])
async def test_it_never_holds_the_event_loop(name: str) -> None:
    async def paint() -> None:
        painter = StreamRenderer(1)
        for start in range(0, SIZE, 4_000):
            await painter.paint([Delta("text", TEXTS[name][start : start + 4_000])])
        await painter.finish()

    assert await longest_hold(lambda: asyncio.create_task(paint())) < 1
