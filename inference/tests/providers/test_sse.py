"""Cutting an answer into payloads, however its bytes arrive and whatever dress they wear."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.providers.errors import StreamBroken
from inference.providers.sse import END, MAX_LINE_BYTES, EventReader

STREAM = 'event: a\r\ndata: {"x": "né"}\r\n\r\n: comment\ndata:{"x": "日本"}\nid: 7\nretry: 5\n\ndata\rdata: [DONE]\r\r'
PAYLOADS = [("a", {"x": "né"}), ("", {"x": "日本"}), ("", END)]


def read(*chunks: bytes) -> list[tuple[str, Any]]:
    reader = EventReader()
    return [payload for chunk in chunks for payload in reader.feed(chunk)] + list(reader.close())


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=20))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    stream = STREAM.encode()
    edges = [0, *sorted(cuts), len(stream)]
    assert read(*(stream[start:end] for start, end in zip(edges, edges[1:], strict=False))) == PAYLOADS


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_it_takes_any_bytes(chunks: list[bytes]) -> None:
    with suppress(StreamBroken):
        read(*chunks)


@pytest.mark.parametrize(
    ("body", "payloads"),
    [
        ('\ufeffdata: {"a": 1}\n\n', [{"a": 1}]),
        ('\n\n\ufeff\ndata: {"a": 1}\n\n', [{"a": 1}]),
        ('data: {"a": 1}\rdata: {"a": 2}\r\r', [{"a": 1}, {"a": 2}]),
        ('data: {"a": 1}\ndata: {"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('data: {\ndata: "a": 1,\ndata: "b": 2\ndata: }\n\n', [{"a": 1, "b": 2}]),
        ('data: {"a": 1}', [{"a": 1}]),
        ('data: {"a": "\\ud83d"}\n\n', [{"a": "\ud83d"}]),
        ('error: {"message": "no"}\n\n', [{"message": "no"}]),
        ("error: no\n\n", ["no"]),
        (': hello\ndata: {"a": 1}\n\n{"error": "no"}\n', [{"a": 1}, {"error": "no"}]),
        ('{"a": 1}', [{"a": 1}]),
        ('  {\n  "a": 1,\n\n  "b": 2\n}\n', [{"a": 1, "b": 2}]),
        ('[{"a": 1},\n{"a": 2}]', [[{"a": 1}, {"a": 2}]]),
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("<html>\n<p>data: no\n", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_it_reads_every_dress(body: str, payloads: list[Any], size: int) -> None:
    content = body.encode("utf-8", "surrogatepass")
    chunks = (content[start : start + size] for start in range(0, len(content), size))
    assert [payload for _, payload in read(*chunks)] == payloads


@pytest.mark.parametrize("mark", ["[DONE]", "[done]", ' "[DONE]" ', "'[Done]'"])
def test_it_knows_the_end_mark_in_any_dress(mark: str) -> None:
    assert read(f"data:{mark}\n\n".encode()) == [("", END)]


def test_it_gives_out_a_payload_before_its_event_has_ended() -> None:
    assert list(EventReader().feed(b'data: {"a": 1}\n')) == [("", {"a": 1})]


def test_it_gives_out_a_json_body_before_the_connection_has_ended() -> None:
    assert list(EventReader().feed(b'{"a": 1}')) == [("", {"a": 1})]


@pytest.mark.parametrize("start", [b"", b"data: ", b'{"a": "'])
def test_it_refuses_a_line_without_end(start: bytes) -> None:
    reader = EventReader()
    list(reader.feed(start))
    with pytest.raises(StreamBroken):
        for _ in range(MAX_LINE_BYTES // 100_000 + 1):
            list(reader.feed(b"x" * 100_000))


@pytest.mark.parametrize("data", [b"{", b"hello", b"[" * 5000, b'{"a": 1} {"a": 2}'])
def test_it_calls_what_is_not_json_broken(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        read(b"data: " + data + b"\n\n")
