"""A misbehaving provider gives one named error, or is forgiven as its protocol says."""

from __future__ import annotations

import pytest

from inference.providers.base import FinishReason
from inference.providers.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionLost,
    ContentFiltered,
    NotFound,
    Overloaded,
    PermissionDenied,
    ProviderError,
    RateLimited,
    StreamBroken,
)
from inference.providers.registry import get_adapter
from inference.tests.fake_provider import SPLIT_TEXT, FakeProvider, Script
from inference.tests.providers.calls import KEY, WIRE_PROVIDERS, collect, collect_failure, finished, request, text

on_every_wire = pytest.mark.parametrize("provider", WIRE_PROVIDERS)


@on_every_wire
@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, BadRequest, False),
        (401, AuthenticationFailed, False),
        (402, PermissionDenied, False),
        (403, PermissionDenied, False),
        (404, NotFound, False),
        (408, Overloaded, True),
        (409, Overloaded, True),
        (413, BadRequest, False),
        (418, BadRequest, False),
        (422, BadRequest, False),
        (429, RateLimited, True),
        (500, Overloaded, True),
        (503, Overloaded, True),
        (529, Overloaded, True),
    ],
)
async def test_it_names_an_http_error(
    fake: FakeProvider, provider: str, status: int, kind: type[ProviderError], retryable: bool
) -> None:
    events, error = await collect_failure(provider, request(f"status-{status}"), fake.base_url(provider))
    assert not events
    assert type(error) is kind
    assert error.retryable is retryable
    assert (error.status, error.message, error.request_id) == (status, f"made-up failure {status}", "req_fake")


@on_every_wire
async def test_it_calls_once_whatever_the_answer(fake: FakeProvider, provider: str) -> None:
    before = len(fake.calls("status-503"))
    await collect_failure(provider, request("status-503"), fake.base_url(provider))
    assert len(fake.calls("status-503")) == before + 1


@on_every_wire
@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("2", 2), ("999", 999), ("soon", None)])
async def test_it_passes_on_how_long_to_wait(
    fake: FakeProvider, provider: str, value: str, seconds: float | None
) -> None:
    _, error = await collect_failure(provider, request(f"status-429-retry-{value}"), fake.base_url(provider))
    assert error.retry_after == seconds


@on_every_wire
@pytest.mark.parametrize("model", ["garbage", "no-finish", "cut-close", "cut-reset", "huge-line"])
async def test_it_keeps_the_text_and_calls_the_stream_broken(fake: FakeProvider, provider: str, model: str) -> None:
    events, error = await collect_failure(provider, request(model), fake.base_url(provider))
    assert text(events) == "word0 word1 word2 "
    assert type(error) is StreamBroken


@on_every_wire
@pytest.mark.parametrize("model", ["empty", "html"])
async def test_it_does_not_take_silence_or_a_web_page_for_an_answer(
    fake: FakeProvider, provider: str, model: str
) -> None:
    events, error = await collect_failure(provider, request(model), fake.base_url(provider))
    assert not events
    assert type(error) is StreamBroken
    assert "html" not in error.message


@on_every_wire
async def test_it_may_try_again_after_a_cut_before_the_first_token(fake: FakeProvider, provider: str) -> None:
    _, error = await collect_failure(provider, request("cut-before-first-token"), fake.base_url(provider))
    assert type(error) is ConnectionLost
    assert error.retryable


@on_every_wire
async def test_it_may_try_again_where_nobody_listens(provider: str) -> None:
    _, error = await collect_failure(provider, request("any"), "http://127.0.0.1:1/v1")
    assert type(error) is ConnectionLost


@on_every_wire
async def test_it_raises_an_error_that_comes_inside_a_good_answer(fake: FakeProvider, provider: str) -> None:
    events, error = await collect_failure(provider, request("error-event"), fake.base_url(provider))
    assert text(events) == "word0 word1 word2 "
    assert type(error) is Overloaded
    assert error.message == "the model fell over"


@on_every_wire
async def test_it_reads_text_that_is_split_at_every_byte(fake: FakeProvider, provider: str) -> None:
    events = await collect(provider, request("split-bytes"), fake.base_url(provider))
    assert text(events) == SPLIT_TEXT


@on_every_wire
async def test_it_tells_a_withheld_answer_from_an_empty_one(fake: FakeProvider, provider: str) -> None:
    _, error = await collect_failure(provider, request("filtered"), fake.base_url(provider))
    assert type(error) is ContentFiltered


@on_every_wire
async def test_it_says_that_the_answer_was_cut_at_its_length(fake: FakeProvider, provider: str) -> None:
    events = await collect(provider, request("length"), fake.base_url(provider))
    assert finished(events).reason is FinishReason.LENGTH


@on_every_wire
async def test_it_never_quotes_the_body_of_an_unexpected_host(fake: FakeProvider, provider: str) -> None:
    page = Script((b"<h1>internal wiki of 10.0.0.7</h1>",), status=502, content_type="text/html")
    fake.script(f"proxy-{provider}", page)
    _, error = await collect_failure(provider, request(f"proxy-{provider}"), fake.base_url(provider))
    assert type(error) is Overloaded
    assert error.message == "The provider answered with HTTP status 502 and no reason."


@on_every_wire
async def test_it_keeps_the_key_out_of_a_refusal_that_quotes_it(fake: FakeProvider, provider: str) -> None:
    key = f"bad-{KEY}"
    with pytest.raises(AuthenticationFailed) as refused:
        await get_adapter(provider).check(api_key=key, base_url=fake.base_url(provider))
    assert refused.value.message == "Incorrect API key provided: [key]"
    assert key not in repr(refused.value)
    assert refused.value.__suppress_context__


@on_every_wire
@pytest.mark.parametrize("chunk", ["1", "[]", '"text"', "null", '{"choices": 5}', '{"type": 7, "candidates": "x"}'])
async def test_it_survives_chunks_of_any_shape(fake: FakeProvider, provider: str, chunk: str) -> None:
    fake.script(f"shape-{provider}", Script((f"data: {chunk}\n\n".encode(),)))
    _, error = await collect_failure(provider, request(f"shape-{provider}"), fake.base_url(provider))
    assert type(error) is StreamBroken
