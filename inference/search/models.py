"""The index: texts and their vectors, each once, and where each of them stands.

There are no foreign keys in the database from where texts stand to the texts: triggers delete a text with the last
place that it stands in, within the transaction that erases it, and must never make that transaction fail.
"""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from pgvector.django import HalfVectorField

from inference.search.embedders.local import DIMENSION
from tokens.models import ProviderToken


class Kind(models.TextChoices):
    """What is found."""

    CALL = "call", "Calls"
    CONVERSATION = "conversation", "Conversations"
    PROMPT = "prompt", "Prompts"


class IndexedText(models.Model):
    """A piece of text, however often it stands somewhere. ``length``: how many terms it has."""

    digest = models.BinaryField(max_length=32, unique=True)
    text = models.TextField()
    terms = SearchVectorField()
    length = models.PositiveIntegerField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [GinIndex(fields=["terms"], name="indexed_text_terms")]

    def __str__(self) -> str:
        return f"text {self.pk}"


class Place(models.Model):
    """Where a text stands: in which part of which object, as its ``chunk``-th piece.

    ``owner``: of calls alone, whose user never changes. Who may see the others is asked of them.
    ``may_leave``: whether a provider may get the text to embed it.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    object_id = models.UUIDField()
    part = models.CharField(max_length=40)
    chunk = models.PositiveSmallIntegerField()
    text = models.ForeignKey(IndexedText, models.CASCADE, related_name="places", db_constraint=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", db_index=False)
    may_leave = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["object_id", "kind", "part", "chunk"], name="a_place_has_one_text"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "kind"], name="place_of_owner", condition=Q(owner__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.part} of {self.kind} {self.object_id}"


class EmbedderQuerySet(models.QuerySet["Embedder"]):
    def answering(self) -> Self:
        return self.filter(state=Embedder.State.ACTIVE)


class Embedder(models.Model):
    """What has made vectors. The local one has no provider; it embeds everything, and is always there.

    At most one other answers beside it, while the next one may be building its vectors.
    """

    class State(models.TextChoices):
        BUILDING = "building", "Building"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=200)
    dimension = models.PositiveIntegerField()
    token = models.ForeignKey(ProviderToken, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.BUILDING)
    error = models.CharField(max_length=300, blank=True)
    # The index of its vectors: since when there is one, or why it could not be built.
    indexed_at = models.DateTimeField(null=True)
    index_error = models.CharField(max_length=300, blank=True)
    behind_since = models.DateTimeField(null=True, default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmbedderQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["state"], condition=~Q(provider="") & ~Q(state="retired"), name="one_embedder_in_each_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider or 'local'} {self.model} ({self.dimension})"

    @property
    def is_local(self) -> bool:
        return not self.provider


class Embedding(models.Model):
    """The vector of a text by an embedder; how long it is, the embedder says."""

    id = models.BigAutoField(primary_key=True)
    text = models.ForeignKey(
        IndexedText, models.CASCADE, related_name="embeddings", db_constraint=False, db_index=False
    )
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="embeddings", db_index=False)
    vector = HalfVectorField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["text", "embedder"], name="a_text_is_embedded_once"),
        ]

    def __str__(self) -> str:
        return f"embedding of text {self.text_id}"


class Change(models.Model):
    """Something that is to be indexed was stored or changed. Triggers note it, as often as it happens."""

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=12)
    key = models.CharField(max_length=36)
    noted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} {self.key}"


class TermCount(models.Model):
    """In how many texts a term stands. Rare ones are not here: names and numbers of one user stay in the texts."""

    term = models.CharField(max_length=64, primary_key=True)
    texts = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.term


class Statistics(models.Model):
    """Of all texts, as they were counted last. One row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    texts = models.PositiveIntegerField()
    mean_length = models.FloatField()
    counted_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.texts} texts"


class Consent(models.Model):
    """That a user lets the provider's embedder read what is private to them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    given_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"of {self.user_id}"


class Topic(models.Model):
    """Calls of one user that ask for similar things. It keeps its id as long as it is recognised from day to day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    words = ArrayField(models.CharField(max_length=64))
    center = HalfVectorField(dimensions=DIMENSION)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return ", ".join(self.words)


class TopicCall(models.Model):
    """A call by its id alone: its record may be gone before."""

    id = models.BigAutoField(primary_key=True)
    topic = models.ForeignKey(Topic, models.CASCADE, related_name="calls")
    call_id = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return f"{self.call_id} in {self.topic_id}"
