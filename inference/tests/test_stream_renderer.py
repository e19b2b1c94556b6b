"""What a page is sent while an answer comes."""

from __future__ import annotations

import json
import re
import time

import pytest

from inference.chat.stream_renderer import StreamRenderer
from inference.providers.base import ToolCallDelta
from inference.rendering.markdown import render
from inference.rendering.tool_calls import arguments_html
from inference.runs.stream_buffer import Delta, Kind
from inference.runs.tool_calls import CallWriter
from inference.runs.waiting import Waiting, as_notice
from inference.tests.test_markdown import DANGEROUS, HOSTILE


async def paint_words(count: int) -> int:
    """Bytes sent for an answer of that many tokens, in paragraphs and code, one token at a time."""
    painter, sent = StreamRenderer(1), 0
    for number in range(count):
        word = "\n\n" if number % 50 == 49 else "```python\n" if number % 400 == 100 else "word "
        word = "\n```\n" if number % 400 == 150 else word
        sent += len((await painter.paint([Delta("text", word)])).encode())
    return sent + len((await painter.finish()).encode())


async def test_it_sends_bytes_in_proportion_to_the_answer() -> None:
    small, large = await paint_words(1_000), await paint_words(10_000)

    assert large < 10.5 * small


async def test_it_sends_little_more_than_the_text_for_each_token() -> None:
    assert await paint_words(1_000) < 1_000 * 120


END = '<span id="open-7" class="open"></span>'


async def test_it_replaces_what_was_there_with_the_first_batch() -> None:
    first = await StreamRenderer(7).paint([Delta("text", "Hello")])

    assert '<div id="blocks-7" hx-swap-oob="innerHTML"></div>' in first
    assert f'<div id="tail-7" class="prose tail" hx-swap-oob="true"><p dir="auto">Hello{END}</p>' in first
    assert '<div id="reasoning-7" hx-swap-oob="innerHTML"></div>' in first


async def test_it_only_adds_plain_words_afterwards() -> None:
    painter = StreamRenderer(7)
    await painter.paint([Delta("text", "Hello")])

    assert await painter.paint([Delta("text", " you")]) == '<div id="open-7" hx-swap-oob="beforeend"> you</div>'


async def test_it_renders_the_open_block_when_marks_come() -> None:
    painter = StreamRenderer(7)
    await painter.paint([Delta("text", "Hello")])

    assert f'<p dir="auto">Hello <strong>you{END}</strong></p>' in await painter.paint([Delta("text", " **you")])


async def test_it_renders_a_block_once_it_is_finished() -> None:
    painter = StreamRenderer(7)
    await painter.paint([Delta("text", "**Hello**")])
    painted = await painter.paint([Delta("text", "\n\nNext")])

    assert '<div id="blocks-7" hx-swap-oob="beforeend"><p dir="auto"><strong>Hello</strong></p>' in painted
    assert f'hx-swap-oob="true"><p dir="auto">Next{END}</p>' in painted


async def test_it_colours_the_lines_of_open_code() -> None:
    painter = StreamRenderer(7)
    painted = await painter.paint([Delta("text", "```python\nx = 1")])
    more = await painter.paint([Delta("text", "\ny")])

    assert '<span class="language">python</span>' in painted and 'class="copy-code"' in painted
    assert '<div id="open-7" hx-swap-oob="beforeend">x = 1</div>' in painted
    assert '<div id="done-7" hx-swap-oob="beforeend"><span class="n">x</span>' in more
    assert '<div id="open-7" hx-swap-oob="innerHTML">y</div>' in more


async def test_what_a_stream_leaves_is_what_a_reload_shows() -> None:
    text = "See [the docs][1] and $x$.\n\n| a |\n|---|\n| 1 |\n\n```python\nx = 1\n```\n\n[1]: https://a.example\n"
    painter, shown = StreamRenderer(7), ""
    for start in range(0, len(text), 5):
        await painter.paint([Delta("text", text[start : start + 5])])
    shown = await painter.finish()

    assert f'<div id="blocks-7" hx-swap-oob="innerHTML">{render(text)}</div>' in shown


@pytest.mark.parametrize("kind", ["text", "reasoning"])
async def test_it_escapes_everything_that_is_not_rendered_yet(kind: Kind) -> None:
    painted = await StreamRenderer(7).paint([Delta(kind, "<script>alert(1)</script>")])

    assert "<script" not in painted
    assert "&lt;script&gt;" in painted


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_is_painted_is_harmless_wherever_a_stream_is_cut(text: str) -> None:
    data = text.encode()
    for cut in range(1, len(data)):
        painter = StreamRenderer(1)
        first, second = data[:cut].decode(errors="ignore"), data[cut:].decode(errors="ignore")
        painted = [await painter.paint([Delta(kind, part)]) for part in (first, second) for kind in KINDS]
        for fragment in [*painted, await painter.finish()]:
            assert not DANGEROUS.search(_without_our_own(fragment))


KINDS: tuple[Kind, ...] = ("text", "reasoning")
_OUR_OWN = re.compile(
    r'<div(?: id="(?:blocks|tail|reasoning|calls|notice)-1")?(?: class="[\w -]+")?'
    r' hx-swap-oob="\w+">'
)


def _without_our_own(fragment: str) -> str:
    fragment = re.sub(r' id="(?:open|done)-1"', "", fragment)
    return _OUR_OWN.sub("<div>", fragment).replace("<div>", "").replace("</div>", "")


def call_deltas(*events: ToolCallDelta) -> list[Delta]:
    writer = CallWriter()
    return [delta for event in events for delta in writer.deltas(event)]


async def test_it_shows_calls_as_they_come_and_in_colours_at_the_end() -> None:
    painter = StreamRenderer(7)
    begun = await painter.paint(call_deltas(ToolCallDelta(0, '{"city":', "a", "get_<weather>")))
    more = await painter.paint([Delta("arguments", '"<b>"}')])
    second = await painter.paint(call_deltas(ToolCallDelta(1, "{oops", "b"), ToolCallDelta(1, name="late")))
    whole = await painter.finish()

    assert '<div id="calls-7" hx-swap-oob="innerHTML"><section class="tool"' in begun
    assert '<strong class="mono" id="call-7-0">get_&lt;weather&gt;</strong>' in begun
    assert "{&quot;city&quot;:</pre>" in begun
    assert '<div id="arguments-7-0" hx-swap-oob="beforeend">"&lt;b&gt;"}</div>' in more
    assert '<div id="calls-7" hx-swap-oob="beforeend">' in second
    assert '<strong class="mono" id="call-7-1">late</strong>' in second
    for shown in (
        '<div id="calls-7" hx-swap-oob="innerHTML">',
        "get_&lt;weather&gt;",
        "{oops",
        'class="language">json<',
    ):
        assert shown in whole
    assert "<b>" not in begun + more + second + whole


async def test_it_sends_arguments_in_proportion_to_their_length() -> None:
    async def bytes_of(pieces: int) -> int:
        painter = StreamRenderer(7)
        sent = len(await painter.paint(call_deltas(ToolCallDelta(0, '"', "a", "f"))))
        for _ in range(pieces):
            sent += len(await painter.paint([Delta("arguments", "piece ")]))
        return sent + len(await painter.finish())

    assert await bytes_of(2_000) < 10.5 * await bytes_of(200)


async def test_it_says_nothing_of_calls_where_there_are_none() -> None:
    painter = StreamRenderer(7)
    assert '<div id="calls-7" hx-swap-oob="innerHTML"></div>' in await painter.paint([Delta("text", "Hi")])
    assert "calls-7" not in await painter.paint([Delta("text", "!")]) + await painter.finish()


@pytest.mark.parametrize("text", HOSTILE)
def test_arguments_are_harmless(text: str) -> None:
    for arguments in (text, json.dumps({text: text}), f"```\n{text}"):
        assert not DANGEROUS.search(arguments_html(arguments))


async def test_it_says_what_a_run_waits_for_until_something_comes() -> None:
    painter = StreamRenderer(7)
    waiting = Waiting("rate_limited", "Slow <down>", time.time() + 9, attempt=2, attempts=3)
    painted = await painter.paint([Delta("notice", as_notice(waiting))])
    for shown in ("Rate limit reached.", "Retrying in 9 s", "(attempt 2 of 3)", "Slow &lt;down&gt;", "data-retry-now"):
        assert shown in painted
    assert '<div id="notice-7" hx-swap-oob="innerHTML"></div>' in await painter.paint([Delta("text", "Hi")])
