"""The local embedder, and those of providers: what they get, and what happens when they fail."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import User
from accounts.sharing import Visibility
from inference.search import choosing, query_text
from inference.search.embedders.base import EmbedderFailed
from inference.search.embedders.local import DIMENSION, local_embedder
from inference.search.models import Embedder, Embedding
from inference.search.scopes import Filters
from inference.search.searching import UNAVAILABLE, Results, search
from inference.search.tests.conftest import AddCall
from tokens.models import ProviderToken
from tokens.services import add_token

Add = Callable[..., Any]
Index = Callable[[], int]


class EmbeddingServer:
    """Speaks OpenAI's ``/embeddings``. ``spoil`` changes the vectors that it sends; ``seen`` are the texts it got."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.spoil: Callable[[list[list[float]]], Any] = lambda vectors: vectors
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen += body["input"]
                vectors = outer.spoil([[float(len(text)), 1.0, 2.0] for text in body["input"]])
                rows = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
                sent = json.dumps({"data": rows}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(settings: Any) -> Iterator[EmbeddingServer]:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    server = EmbeddingServer()
    yield server
    server.close()


@pytest.fixture
def token(admin: User, server: EmbeddingServer) -> ProviderToken:
    return add_token(
        owner=admin, actor=admin, provider="openai", label="Embeddings", secret="sk-test-12345678", base_url=server.url
    )


@pytest.fixture
def embedder(admin: User, token: ProviderToken, server: EmbeddingServer) -> Embedder:
    made = choosing.choose_embedder(actor=admin, token=token, model="embed-3")
    choosing.embed_by_provider(seconds=30)
    server.seen.clear()
    made.refresh_from_db()
    return made


def look(viewer: User, text: str) -> Results:
    return search(viewer=viewer, query=query_text.read(text), filters=Filters(), limit=10)


def test_it_gives_vectors_of_length_1_or_none(db: None) -> None:
    vectors = local_embedder().embed(["refund the order", "", "天気", "x" * 10_000])
    assert vectors.shape == (4, DIMENSION)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1], atol=1e-3)


def test_it_finds_out_the_dimension_and_answers_once_all_is_embedded(embedder: Embedder) -> None:
    assert (embedder.dimension, embedder.state) == (3, "active")


def test_a_provider_gets_nothing_private_without_consent(
    alice: User, embedder: Embedder, server: EmbeddingServer, add_call: AddCall, add_conversation: Add, index: Index
) -> None:
    add_call(alice, "private question")
    add_conversation(alice, "Shared title", visibility=Visibility.EVERYONE)
    index()
    choosing.embed_by_provider(seconds=30)
    look(alice, "question")
    assert server.seen == ["Shared title"]


def test_consent_lets_the_provider_embed_and_its_end_takes_the_vectors_away(
    alice: User, embedder: Embedder, server: EmbeddingServer, add_call: AddCall, index: Index
) -> None:
    add_call(alice, "private question")
    index()
    choosing.set_consent(user=alice, given=True)
    choosing.embed_by_provider(seconds=30)
    assert server.seen == ["private question"]
    assert Embedding.objects.filter(embedder=embedder).count() == 1
    look(alice, "question")
    assert server.seen == ["private question", "question"]
    choosing.set_consent(user=alice, given=False)
    assert not Embedding.objects.filter(embedder=embedder).exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda vectors: [[1.0, 2.0] for _ in vectors],
        lambda vectors: [[math.nan, 1.0, 2.0] for _ in vectors],
        lambda vectors: [],
        lambda vectors: [None for _ in vectors],
        lambda vectors: [["x", "y", "z"] for _ in vectors],
        lambda vectors: [[0.0, 0.0, 0.0] for _ in vectors],
    ],
    ids=["dimension", "nan", "none", "null", "text", "zero"],
)
def test_it_finds_by_words_and_says_so_when_the_provider_fails(
    spoil: Any, alice: User, embedder: Embedder, server: EmbeddingServer, add_call: AddCall, index: Index
) -> None:
    call = add_call(alice, "How do refunds work?")
    choosing.set_consent(user=alice, given=True)
    index()
    server.spoil = spoil
    results = look(alice, "refunds")
    assert [hit.object_id for hit in results.hits] == [call.pk]
    assert results.notice == UNAVAILABLE
    choosing.embed_by_provider(seconds=5)
    embedder.refresh_from_db()
    assert embedder.error


def test_it_does_not_wait_for_a_provider_that_refuses(
    alice: User, embedder: Embedder, server: EmbeddingServer, add_call: AddCall, index: Index
) -> None:
    add_call(alice, "How do refunds work?")
    choosing.set_consent(user=alice, given=True)
    index()
    server.status = 500
    assert look(alice, "refunds").notice == UNAVAILABLE


def test_another_embedder_is_built_while_the_old_one_answers(
    admin: User, alice: User, token: ProviderToken, embedder: Embedder, add_conversation: Add, index: Index
) -> None:
    add_conversation(alice, "Shared title", visibility=Visibility.EVERYONE)
    index()
    choosing.embed_by_provider(seconds=30)
    new = choosing.choose_embedder(actor=admin, token=token, model="embed-4")
    assert set(Embedder.objects.exclude(provider="").values_list("model", "state")) == {
        ("embed-3", "active"), ("embed-4", "building"),
    }  # fmt: skip
    choosing.embed_by_provider(seconds=30)
    choosing.embed_by_provider(seconds=30)
    new.refresh_from_db()
    assert new.state == "active"
    assert not Embedding.objects.filter(embedder=embedder).exists()


def test_it_refuses_a_model_that_gives_no_vectors(admin: User, token: ProviderToken, server: EmbeddingServer) -> None:
    server.spoil = lambda vectors: [None]
    with pytest.raises(EmbedderFailed):
        choosing.choose_embedder(actor=admin, token=token, model="chat-only")
    assert not Embedder.objects.exclude(provider="").exists()


def lag_of(state: str) -> tuple[bool, int]:
    lags, failing = choosing.embedding_lags(timezone.now() + timedelta(seconds=10))
    return lags[state] >= 10, failing


def test_it_tells_since_when_the_provider_is_behind(
    alice: User, embedder: Embedder, server: EmbeddingServer, add_conversation: Add, index: Index
) -> None:
    assert lag_of("active") == (False, 0)
    add_conversation(alice, "Shared title", visibility=Visibility.EVERYONE)
    index()
    server.status = 429
    choosing.embed_by_provider(seconds=30)
    assert lag_of("active") == (True, 1)
    server.status = 200
    choosing.embed_by_provider(seconds=30)
    assert lag_of("active") == (False, 0)


def test_an_embedder_whose_dimension_changes_while_it_is_built_keeps_the_old_one_answering(
    admin: User,
    alice: User,
    token: ProviderToken,
    embedder: Embedder,
    server: EmbeddingServer,
    add_conversation: Add,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "BATCH", 1)
    choosing.set_consent(user=alice, given=True)
    for title in ("First title", "Second title"):
        add_conversation(alice, title, visibility=Visibility.EVERYONE)
    index()
    choosing.embed_by_provider(seconds=30)
    new = choosing.choose_embedder(actor=admin, token=token, model="embed-4")
    lengths = iter([3, 2])
    server.spoil = lambda vectors: [vector[: next(lengths)] for vector in vectors]
    choosing.embed_by_provider(seconds=30)
    new.refresh_from_db()
    assert (new.state, new.embeddings.count()) == ("building", 1)
    assert "2 dimensions instead of 3" in new.error
    server.spoil = lambda vectors: vectors
    results = look(alice, "title")
    assert results.notice == "" and len(results.hits) == 2
    choosing.embed_by_provider(seconds=30)
    new.refresh_from_db()
    assert (new.state, new.error) == ("active", "")
