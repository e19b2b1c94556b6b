"""Markdown of a hostile model, whole and cut anywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.rendering.blocks import BlockSplitter, Tail
from inference.rendering.markdown import render, render_block, render_open

DOCUMENT = """# Title

A paragraph with **bold** text
over two lines.

- one
  ```python
  x = 1

  y = 2
  ```
- two

  more of two

text before
```sh
ls

# not a heading
```
    indented

    code

| a | b |
|---|---|
| 1 | 2 |

> quote

~~~
``` inside
~~~
end"""

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<div hx-get="/logout/" hx-trigger="load">x</div>',
    '<p data-hx-post="/x" style="position:fixed" id="composer" name="x">',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "<javascript:alert(1)>",
    "![x](http://evil.example/pixel.png)",
    "![x][1]\n\n[1]: http://evil.example/pixel.png",
    '[x](https://a.example "onmouseover=alert(1)")',
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<form action=/x><input name=csrfmiddlewaretoken>",
    "<style>body{background:url(http://evil.example)}</style>",
    "`<script>`alert(1)`</script>`",
    "$\\text{<script>alert(1)</script>}$ \\(\\href{javascript:alert(1)}{x}\\)",
    '$$\\mathrm{"><img>}$$',
    "| a <br onclick=x> |\n|---|\n| <br><img src=x> |",
    "- [x] <input autofocus onfocus=alert(1)>",
]
DANGEROUS = re.compile(
    r"<(?!/?(?:p|br|hr|h[1-6]|blockquote|ul|ol|li|em|strong|s|a|code|pre|span|figure|figcaption|button|table|thead|tbody"
    r"|tr|th|td|section|math|m(?:row|[inos]|text|space|su[bp]|subsup|under|over|underover|frac|sqrt|root|table|tr|td|style|padded|phantom))"
    r"[\s>])[a-z!/]"
    r"|<[^>]*\s(?:on\w+|hx-[\w-]+|data-[\w-]+|style|id|name|src|srcset|action)\s*="
    r"|href=\"(?!https?://|mailto:)",
    re.IGNORECASE,
)


def blocks_of(pieces: list[str]) -> list[str]:
    splitter = BlockSplitter()
    return [block for piece in pieces for block in splitter.feed(piece)] + splitter.finish()


@pytest.mark.parametrize("source", HOSTILE)
def test_x2_x4_it_makes_hostile_text_harmless(source: str) -> None:
    assert not DANGEROUS.search(render(source))


@pytest.mark.parametrize("source", HOSTILE)
def test_it_stays_harmless_wherever_a_stream_cuts_the_text(source: str) -> None:
    for cut in range(len(source) + 1):
        for block in blocks_of([source[:cut]]):
            assert not DANGEROUS.search(render_block(block))


def test_it_recognises_danger() -> None:
    for html in ("<script>", "<p onclick=x>", '<a href="javascript:x">', "<img src=x>", '<p hx-get="/">', "<svg>"):
        assert DANGEROUS.search(html)


def test_it_opens_links_in_a_new_tab_that_cannot_look_back() -> None:
    assert 'rel="noopener noreferrer nofollow"' in render("[x](https://a.example)")
    assert 'target="_blank"' in render("[x](https://a.example)")


def test_it_shows_pictures_as_links() -> None:
    assert "<img" not in render("![alt](https://a.example/b.png)")
    assert ">Image: alt</a>" in render("![alt](https://a.example/b.png)")


def test_it_highlights_code_and_names_its_language() -> None:
    html = render("```python\ndef f(): pass\n```")
    assert '<span class="language">python</span>' in html
    assert '<span class="k">def</span>' in html


def test_it_escapes_code_of_an_unknown_language() -> None:
    assert "&lt;b&gt;" in render("```nosuchlanguage\n<b>\n```")


@given(st.lists(st.integers(0, len(DOCUMENT)), max_size=20))
def test_it_finds_the_same_blocks_however_the_text_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(DOCUMENT)]
    pieces = [DOCUMENT[start:end] for start, end in zip(edges, edges[1:], strict=False)]

    assert blocks_of(pieces) == blocks_of([DOCUMENT])


@given(st.text(alphabet="ab `~#-1.\n>|*    ", max_size=200))
def test_it_loses_no_character(text: str) -> None:
    assert "".join(blocks_of(list(text))) == text


def test_it_keeps_a_list_with_blank_lines_in_one_block() -> None:
    assert blocks_of(["- a\n\n  more\n\n- b\n\nend"]) == ["- a\n\n  more\n\n- b\n\n", "end"]


def test_it_finishes_a_heading_at_once() -> None:
    assert BlockSplitter().feed("# Title\n") == ["# Title\n"]


def test_it_shows_an_open_fence_as_code_without_its_marks() -> None:
    splitter = BlockSplitter()
    splitter.feed("Look:\n```python\nx = 1\ny")

    assert splitter.tail == Tail("x = 1\ny", "python")


@pytest.mark.parametrize("source", HOSTILE)
def test_an_open_block_is_harmless_wherever_it_is_cut(source: str) -> None:
    for cut in range(len(source) + 1):
        assert not DANGEROUS.search(render_open(source[:cut], "\ue000"))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("some **bold te", "some <strong>bold te@</strong>"),
        ("some **bold*", "some <strong>bold@</strong>"),
        ("a `code sp", "a <code>code sp@</code>"),
        ("see [the docs](https://exam", "see the docs@"),
        ("| Model | Lay", '<th dir="auto" scope="col">Lay@</th>'),
        ("- one\n- two *th", "<li>two <em>th@</em></li>"),
        ("text\n-", '<p dir="auto">text@</p>'),
        ("for \\(x_1", "for <code>\\(x_1@</code>"),
        ("2 * 3 is", "2 * 3 is@"),
    ],
)
def test_it_closes_what_is_open(text: str, html: str) -> None:
    assert html in render_open(text, "@")


@pytest.mark.parametrize(
    "text", ["$x^2$", "\\(x^2\\)", "$$x^2$$", "\\[x^2\\]", "$$\nx^2\n$$", "so\n\\[\nx^2\n\\]\nthen"]
)
def test_it_shows_formulas_with_their_source(text: str) -> None:
    assert '<math alttext="x^2"' in render(text)
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in render(text)


@pytest.mark.parametrize(
    "text", ["$5 and $6", "$5-$6", "from $20 to 30$ a month", "US$5 or $6k", "`$x$`", "$ x $", "$\\nosuch{x}$"]
)
def test_money_and_what_is_no_formula_stay_as_they_are(text: str) -> None:
    assert "<math" not in render(text)
    assert text.strip("`") in render(text)


def test_it_refuses_formulas_that_could_harm_the_server() -> None:
    for latex in ("{" * 900 + "x" + "}" * 900, r"\def\a{\a\a}\a", "x" * 5_000):
        assert "<math" not in render(f"$${latex}$$")


def test_tables_keep_their_alignment_and_line_breaks() -> None:
    html = render("| a | b | c |\n|:--|--:|:-:|\n| x<br>y | 1 | 2 |\n")
    assert '<td dir="auto" class="num">1</td>' in html
    assert '<td dir="auto" class="centre">2</td>' in html
    assert "x<br>\ny" in html


def test_it_shows_tasks() -> None:
    html = render("- [ ] first\n- [x] second\n")
    assert '<span class="task" role="img" aria-label="To do"></span>first' in html
    assert '<span class="task done" role="img" aria-label="Done"></span>second' in html


def test_links_by_name_reach_over_blocks() -> None:
    assert '<a href="https://a.example"' in render("See [the docs][1].\n\nMore.\n\n[1]: https://a.example\n")


def test_emphasis_needs_no_space_beside_cjk_punctuation() -> None:
    assert render("**你好。**世界") == '<p dir="auto"><strong>你好。</strong>世界</p>\n'
    assert "<strong>「重要」</strong>" in render("これは**「重要」**です")
