"""Cutting an event stream into payloads, however its bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.providers.errors import StreamBroken
from inference.providers.sse import MAX_LINE_BYTES, Lines, decode

STREAM = 'event: a\r\ndata: {"x": "né"}\r\n\r\n: comment\ndata:{"x": "日本"}\nid: 7\nretry: 5\n\ndata\ndata: [DONE]\n\n'
PAYLOADS = ['{"x": "né"}', '{"x": "日本"}', "[DONE]"]


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=20))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    stream, lines = STREAM.encode(), Lines()
    edges = [0, *sorted(cuts), len(stream)]
    found = [data for start, end in zip(edges, edges[1:], strict=False) for data in lines.feed(stream[start:end])]
    assert [data.decode() for data in found] == PAYLOADS


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_it_takes_any_bytes(chunks: list[bytes]) -> None:
    lines = Lines()
    for chunk in chunks:
        assert all(isinstance(data, bytes) for data in lines.feed(chunk))


def test_it_refuses_a_line_without_end() -> None:
    lines = Lines()
    with pytest.raises(StreamBroken):
        for _ in range(MAX_LINE_BYTES // 1000 + 1):
            lines.feed(b"x" * 1000)


@pytest.mark.parametrize("data", [b"{", b"\xff", b"NaN", b'"\xc3"', b"[" * 5000])
def test_it_calls_what_is_not_json_broken(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        decode(data)
