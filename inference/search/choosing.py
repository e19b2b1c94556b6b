"""Which provider embeds beside the local embedder, and whose content it may get."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.sharing import Visibility
from audit.services import record
from inference.models import Conversation
from inference.search import vectors
from inference.search.actions import SearchAction
from inference.search.embedders.base import EmbedderFailed, Vectors
from inference.search.embedders.provider import BATCH_SECONDS, QUERY_SECONDS, ProviderEmbedder, dimension_of
from inference.search.models import Consent, Embedder, Embedding, IndexedText, Kind, Place
from prompts.models import Prompt
from tokens.models import ProviderToken

log = structlog.get_logger(__name__)

State = Embedder.State
BATCH = 64


@dataclass(frozen=True, slots=True)
class Progress:
    """``total``: texts that may leave this server."""

    done: int
    total: int


def choose_embedder(*, actor: User, token: ProviderToken, model: str) -> Embedder:
    """It answers once all is embedded; until then the one before does. Raises EmbedderFailed."""
    dimension = dimension_of(token, model, actor=actor)
    with transaction.atomic():
        Embedder.objects.exclude(provider="").filter(state=State.BUILDING).update(state=State.RETIRED)
        embedder = Embedder.objects.create(provider=token.provider, model=model, dimension=dimension, token=token)
        after = {"provider": token.provider, "model": model, "dimension": dimension}
        record(action=SearchAction.EMBEDDER_CHANGE, actor=actor, target=token, after=after)
    return embedder


@transaction.atomic
def use_local_only(*, actor: User) -> None:
    Embedder.objects.exclude(provider="").exclude(state=State.RETIRED).update(state=State.RETIRED)
    record(action=SearchAction.EMBEDDER_CHANGE, actor=actor, after={"provider": None})


@transaction.atomic
def set_consent(*, user: User, given: bool) -> None:
    """Whether what is private to the user may go to the provider. Without it, the provider's vectors of it go."""
    if given == Consent.objects.filter(user=user).exists():
        return
    if given:
        Consent.objects.create(user=user)
    else:
        Consent.objects.filter(user=user).delete()
    record(action=SearchAction.CONSENT_CHANGE, actor=user, target=user, after={"given": given})
    places = [
        Place.objects.filter(owner=user),
        Place.objects.filter(kind=Kind.CONVERSATION, object_id__in=_private(Conversation, user)),
        Place.objects.filter(kind=Kind.PROMPT, object_id__in=_private(Prompt, user)),
    ]
    for some in places:
        some.update(may_leave=given)
    forget_what_may_not_leave()


def _private(model: type[Conversation | Prompt], user: User) -> list[UUID]:
    rows: Any = model._default_manager.filter(owner=user, visibility=Visibility.PRIVATE)
    return list(rows.values_list("pk", flat=True))


_FORGET = """
DELETE FROM search_embedding AS embedding USING search_embedder AS embedder
WHERE embedder.id = embedding.embedder_id AND embedder.provider <> '' AND (
  embedder.state = 'retired' OR NOT EXISTS (
    SELECT FROM search_place AS place WHERE place.text_id = embedding.text_id AND place.may_leave
  )
)
"""


def forget_what_may_not_leave() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)


def embedding_lags(now: datetime) -> tuple[dict[str, float], int]:
    """Seconds for which texts have been waiting for the providers' embedders, by state; and how many of these fail."""
    lags = {State.BUILDING.value: 0.0, State.ACTIVE.value: 0.0}
    failing = 0
    for embedder in Embedder.objects.exclude(provider="").exclude(state=State.RETIRED):
        if embedder.behind_since:
            lags[embedder.state] = max(0.0, (now - embedder.behind_since).total_seconds())
        failing += bool(embedder.error)
    return lags, failing


def progress_of(embedder: Embedder) -> Progress:
    return Progress(embedder.embeddings.count(), _may_leave().count())


def _may_leave() -> QuerySet[IndexedText]:
    return IndexedText.objects.filter(Exists(Place.objects.filter(text=OuterRef("pk"), may_leave=True)))


def embed_by_provider(*, seconds: float) -> None:
    """What is new to the provider's embedders, until the time is over or one of them fails."""
    forget_what_may_not_leave()
    end = time.monotonic() + seconds
    for embedder in Embedder.objects.exclude(provider="").exclude(state=State.RETIRED).select_related("token__owner"):
        try:
            while time.monotonic() < end:
                if not _embed_batch(embedder):
                    _complete(embedder)
                    break
            else:
                _note_behind(embedder)
            Embedder.objects.filter(pk=embedder.pk).exclude(error="").update(error="")
        except EmbedderFailed as error:
            log.warning("embedder_failed", provider=embedder.provider, model=embedder.model)
            _note_behind(embedder)
            Embedder.objects.filter(pk=embedder.pk).update(error=str(error)[:300])


def _note_behind(embedder: Embedder) -> None:
    Embedder.objects.filter(pk=embedder.pk, behind_since=None).update(behind_since=timezone.now())


def _embed_batch(embedder: Embedder) -> int:
    known = Embedding.objects.filter(text=OuterRef("pk"), embedder=embedder)
    rows = list(_may_leave().exclude(Exists(known)).order_by("pk").values_list("pk", "text")[:BATCH])
    if rows:
        made = ProviderEmbedder(embedder, seconds=BATCH_SECONDS).embed([text for _, text in rows])
        vectors.store(embedder, [pk for pk, _ in rows], made)
    return len(rows)


@transaction.atomic
def _complete(embedder: Embedder) -> None:
    """All is embedded: from now on it answers, in place of the one before."""
    Embedder.objects.filter(pk=embedder.pk).exclude(behind_since=None).update(behind_since=None)
    if embedder.state != State.BUILDING:
        return
    Embedder.objects.exclude(provider="").filter(state=State.ACTIVE).update(state=State.RETIRED)
    Embedder.objects.filter(pk=embedder.pk, state=State.BUILDING).update(state=State.ACTIVE)


def embed_query(viewer: User, text: str) -> tuple[Embedder, Vectors] | None:
    """What is searched for goes to the provider only with the viewer's consent. Raises EmbedderFailed."""
    embedder = Embedder.objects.exclude(provider="").filter(state=State.ACTIVE).select_related("token__owner").first()
    if embedder is None or not Consent.objects.filter(user=viewer).exists():
        return None
    return embedder, ProviderEmbedder(embedder, seconds=QUERY_SECONDS).embed([text])[0]
