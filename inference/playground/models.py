"""Playgrounds: up to four panels that answer the same input beside each other, each with a model of its own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from accounts.providers import label_of
from accounts.sharing import Shared, SharedQuerySet
from inference.models import StoredFile
from inference.rendering.tool_calls import ShownCall, shown_calls
from inference.structured import Problem, problems_in
from prompts.drafts import Draft, Variable
from telemetry.models import Generation, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import User
    from inference.playground.diffing import AnswerDiff

MOST_PANELS = 4
MOST_REPETITIONS = 10


class PlaygroundQuerySet(SharedQuerySet["Playground"]):
    pass


class Playground(Shared):
    """``values``: by variable its text, by placeholder the JSON of its messages. All panels use them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="playgrounds")
    title = models.CharField(max_length=200)
    values = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[Playground]] = PlaygroundQuerySet.as_manager()

    class Meta(Shared.Meta):
        ordering = ["-updated_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-updated_at", "-id"], name="playground_newest_of_owner"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("playground:playground-detail", args=[self.pk])


class PlaygroundFileQuerySet(models.QuerySet["PlaygroundFile"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(playground__in=Playground.objects.visible_to(user))


class PlaygroundFile(models.Model):
    """An image or a file of the owner's that every panel sends with its last message."""

    playground = models.ForeignKey(Playground, models.CASCADE, related_name="files")
    file = models.ForeignKey(StoredFile, models.RESTRICT, related_name="playground_files")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)

    objects = PlaygroundFileQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["playground", "position"], name="one_playground_file_at_a_position")
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.playground_id}"


class Panel(models.Model):
    """What one model is asked. ``body`` has the shape of the messages of a chat prompt.

    ``prompt_id`` and ``prompt_version`` name where the body came from; calls are counted for that version as long as
    the body is the same. ``round``: the answers that were asked for last, which are those that are shown.
    """

    playground = models.ForeignKey(Playground, models.CASCADE, related_name="panels")
    position = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=200, blank=True)
    # The provider key that was chosen; without one, the owner's default of the provider.
    token_id = models.UUIDField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    body = models.JSONField(default=list, blank=True)
    variables = models.JSONField(default=list, blank=True)
    tools = models.JSONField(default=list, blank=True)
    response_schema = models.JSONField(null=True, blank=True)
    prompt_id = models.UUIDField(null=True, blank=True)
    prompt_name = models.CharField(max_length=200, blank=True)
    prompt_version = models.PositiveIntegerField(null=True, blank=True)
    repetitions = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_REPETITIONS)]
    )
    round = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"panel {self.position} of {self.playground}"

    @property
    def draft(self) -> Draft:
        variables = tuple(Variable(**{**stored, "choices": tuple(stored["choices"])}) for stored in self.variables)
        return Draft(
            self.body,
            variables,
            tuple(self.tools),
            self.response_schema,
            provider=self.provider,
            model=self.model,
            parameters=self.parameters,
        )

    def take(self, draft: Draft) -> None:
        """All but what a panel has no place for: a text becomes the message of a user."""
        stored: Mapping[str, object] = draft.as_stored()
        for name in ("variables", "tools", "response_schema", "provider", "model", "parameters"):
            setattr(self, name, stored[name])
        is_text = isinstance(draft.body, str)
        self.body = [{"type": "chatmessage", "role": "user", "content": draft.body}] if is_text else stored["body"]

    @property
    def provider_label(self) -> str:
        return label_of(self.provider) if self.provider else ""


class PanelAnswer(models.Model):
    """An answer of a panel: the ``number``-th of its round, after ``step`` answers of tools by hand.

    ``results``: what was answered, before this step, to the calls of the step before, by the id of the call.
    """

    panel = models.ForeignKey(Panel, models.CASCADE, related_name="answers")
    round = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    step = models.PositiveSmallIntegerField(default=0)
    results = models.JSONField(default=dict, blank=True)
    generation = models.OneToOneField(Generation, models.DO_NOTHING, db_constraint=False, related_name="panel_answer")

    # Where it is shown how answers differ.
    diff: AnswerDiff | None = None

    class Meta:
        ordering = ["number", "step"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # A form that is sent twice makes one round.
            models.UniqueConstraint(fields=["panel", "round", "number", "step"], name="panel_answers_once"),
        ]

    def __str__(self) -> str:
        return f"answer {self.number} of {self.panel}"

    @property
    def tool_calls(self) -> list[ShownCall]:
        """Those that the model wants; none of an answer that is still coming."""
        return shown_calls(self.wanted_results)

    @property
    def wanted_results(self) -> list[dict[str, str]]:
        """The calls that somebody can answer, as they are stored."""
        content = getattr(self.generation, "content", None)
        return content.tool_calls if content and not self.is_running else []

    @property
    def given_results(self) -> list[str]:
        return list(self.results.values())

    @property
    def problems(self) -> list[Problem] | None:
        """Where the answer departs from the panel's schema; None where there is no schema, or no text to hold to it."""
        content = getattr(self.generation, "content", None)
        schema = self.panel.response_schema
        if self.is_running or not (schema and content and content.response_text):
            return None
        return problems_in(content.response_text, schema)

    @property
    def is_running(self) -> bool:
        return bool(self.generation.status == Status.RUNNING)
