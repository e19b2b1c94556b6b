"""The wire of each provider's embeddings, by their public references, and what is made of answers that are wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from accounts.models import User
from inference.providers import huggingface
from inference.search.embedders.base import EmbedderFailed
from inference.search.embedders.provider import ProviderEmbedder, dimension_of
from inference.search.models import Embedder
from tokens.services import add_token

# As the references show them: ai.google.dev/api/embeddings, huggingface.co/docs/inference-providers/tasks
# /feature-extraction, platform.openai.com/docs/api-reference/embeddings (2026-11).
TEXTS = ["refund the order", "天気"]
VECTORS = [[0.6, 0.8, 0.0], [0.0, 0.6, 0.8]]
MODELS = {
    "gemini": "gemini-embedding-001",
    "huggingface": "sentence-transformers/all-MiniLM-L6-v2",
    "openai": "text-embedding-3-small",
}
PATHS = {
    "gemini": "/v1beta/models/gemini-embedding-001:batchEmbedContents",
    "huggingface": "/hf-inference/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/feature-extraction",
    "openai": "/v1/embeddings",
}
RATE_LIMITED: dict[str, Any] = {
    "gemini": {"error": {"code": 429, "message": "Resource has been exhausted.", "status": "RESOURCE_EXHAUSTED"}},
    "huggingface": {"error": "You have reached the rate limit."},
    "openai": {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}},
}


def answer_of(provider: str, vectors: Any) -> Any:
    if provider == "gemini":
        return {"embeddings": [{"values": vector} for vector in vectors]}
    if provider == "huggingface":
        return vectors
    rows = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return {"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 8, "total_tokens": 8}}


class Wire:
    """Gives ``answer`` with ``status`` to every request, and keeps the last one."""

    def __init__(self) -> None:
        self.status, self.answer, self.seconds = 200, b"", 0.0
        self.path, self.body, self.headers = "", {}, {}  # type: str, Any, dict[str, str]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.path = self.path
                outer.headers = {name.lower(): value for name, value in self.headers.items()}
                outer.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(outer.seconds)
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(outer.answer)))
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def wire(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    wire = Wire()
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    # Its router has an address of its own; another base URL means a server with OpenAI's protocol.
    monkeypatch.setattr(huggingface, "FEATURES_URL", f"{wire.url}/hf-inference/models/{{}}/pipeline/feature-extraction")
    yield wire
    wire.server.shutdown()
    wire.server.server_close()


@pytest.fixture(params=sorted(MODELS))
def embedder(request: pytest.FixtureRequest, wire: Wire, admin: User) -> Embedder:
    name: str = request.param
    given = {"gemini": wire.url, "huggingface": "", "openai": f"{wire.url}/v1"}
    token = add_token(
        owner=admin, actor=admin, provider=name, label="x", secret="hf_canary0123456789", base_url=given[name]
    )
    return Embedder.objects.create(provider=name, model=MODELS[name], dimension=3, token=token)


def embed(embedder: Embedder, seconds: float = 5) -> Any:
    return ProviderEmbedder(embedder, seconds=seconds).embed(TEXTS)


def test_it_asks_as_the_provider_wants_to_be_asked(embedder: Embedder, wire: Wire) -> None:
    wire.answer = json.dumps(answer_of(embedder.provider, VECTORS)).encode()
    assert embed(embedder).round(3).tolist() == [pytest.approx(vector) for vector in VECTORS]
    assert wire.path == PATHS[embedder.provider]
    bearer = "x-goog-api-key" if embedder.provider == "gemini" else "authorization"
    assert wire.headers[bearer].endswith("hf_canary0123456789")
    contents = [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}} for text in TEXTS]
    assert (
        wire.body
        == {
            "gemini": {"requests": contents},
            "huggingface": {"inputs": TEXTS, "truncate": True},
            "openai": {"model": "text-embedding-3-small", "input": TEXTS, "encoding_format": "float"},
        }[embedder.provider]
    )


@pytest.mark.parametrize(
    "vectors",
    [
        [[0.6, 0.8, float("nan")], VECTORS[1]],
        [[0.6, 0.8, 1e400], VECTORS[1]],
        [[0.6, 0.8], [0.6, 0.8]],
        [[0.6, 0.8], VECTORS[1]],
        VECTORS[:1],
        [*VECTORS, VECTORS[0]],
        [],
        [[VECTORS[0]], [VECTORS[1]]],
        [[VECTORS[0], VECTORS[1]], [VECTORS[0]]],
        ["0.6", "0.8"],
        [None, None],
        [{}, {}],
    ],
    ids=[
        "nan",
        "infinite",
        "dimension",
        "ragged",
        "fewer",
        "more",
        "none",
        "deep",
        "tokens",
        "text",
        "null",
        "objects",
    ],
)
def test_it_takes_no_vectors_that_are_none(embedder: Embedder, wire: Wire, vectors: Any) -> None:
    wire.answer = json.dumps(answer_of(embedder.provider, vectors)).encode()
    with pytest.raises(EmbedderFailed):
        embed(embedder)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"null", b"5", b'"x"', b"[]", b"{}", b'{"data": 1}', b"[1, 2]"])
def test_it_takes_no_answer_that_is_none(embedder: Embedder, wire: Wire, body: bytes) -> None:
    wire.answer = body
    with pytest.raises(EmbedderFailed):
        embed(embedder)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 503])
def test_it_says_what_the_provider_says(embedder: Embedder, wire: Wire, status: int) -> None:
    wire.status, wire.answer = status, json.dumps(RATE_LIMITED[embedder.provider]).encode()
    with pytest.raises(EmbedderFailed) as caught:
        embed(embedder)
    assert str(caught.value) and "hf_canary" not in str(caught.value)


def test_it_waits_no_longer_than_it_is_given(embedder: Embedder, wire: Wire) -> None:
    wire.seconds, wire.answer = 3, b"[]"
    began = time.monotonic()
    with pytest.raises(EmbedderFailed):
        embed(embedder, seconds=0.3)
    assert time.monotonic() - began < 2


def test_a_model_that_gives_vectors_of_tokens_is_refused_by_name(admin: User, wire: Wire) -> None:
    token = add_token(owner=admin, actor=admin, provider="huggingface", label="x", secret="hf_canary0123456789")
    wire.answer = json.dumps([[VECTORS[0], VECTORS[1]]]).encode()
    with pytest.raises(EmbedderFailed, match="one vector for each text"):
        dimension_of(token, "bert-base-uncased", actor=admin)
