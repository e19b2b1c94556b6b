from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.rendering.markdown import render_question

TABLE = "name   value\nalpha      1\nbeta      22\n"


def test_it_shows_fenced_code_as_code() -> None:
    html = render_question("What is wrong?\n```python\nif a != b:\n    pass\n```\nThank you")
    assert '<span class="language">python</span>' in html
    assert "```" not in html
    assert '<div class="said">What is wrong?\n</div>' in html
    assert '<div class="said">Thank you</div>' in html


@pytest.mark.parametrize("text", [TABLE, "a\tb\nc\td", "| a | b |\n|---|---|", "    x = 1\n    y = 2"])
def test_it_keeps_columns_in_letters_of_one_width(text: str) -> None:
    assert 'class="said columns"' in render_question(text)


@pytest.mark.parametrize("text", ["One line  with a gap", "Two lines\nof prose.", "- a\n- b", "# not a heading"])
def test_it_leaves_prose_alone(text: str) -> None:
    assert render_question(text) == f'<div class="said">{text}</div>'


@pytest.mark.parametrize("text", ["<script>x</script>", "```\n<script>x</script>\n```", "```<img src=x>\ny"])
def test_it_makes_nothing_of_html(text: str) -> None:
    assert not re.search(r"<(script|img)", render_question(text))


@given(st.text(alphabet="ab `|\n\t<&~"))
def test_it_loses_no_word(text: str) -> None:
    shown = unescape(re.sub(r"<figcaption>.*?</figcaption>|<[^>]*>", "", render_question(text)))
    if "```" not in text and "~~~" not in text:
        assert shown == text
