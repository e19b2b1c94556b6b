"""Conversations: a tree of messages, in which every answer knows the call that made it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.sharing import Shared, SharedQuerySet
from telemetry.models import Generation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class ConversationQuerySet(SharedQuerySet["Conversation"]):
    """Nobody sees those in the trash, not even their owner."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return super().visible_to(user).filter(deleted_at=None)

    def visible_to_each(self, user: models.OuterRef) -> Self:
        return super().visible_to_each(user).filter(deleted_at=None)

    def shared_with(self, user: User | AnonymousUser) -> Self:
        return super().shared_with(user).filter(deleted_at=None)

    def owned_by(self, user: User | AnonymousUser) -> Self:
        return super().owned_by(user).filter(deleted_at=None)

    def deleted_by(self, user: User) -> Self:
        """What is in the user's trash."""
        return self.filter(owner=user).exclude(deleted_at=None)

    def archived(self) -> Self:
        return self.filter(is_archived=True)

    def current(self) -> Self:
        return self.filter(is_archived=False)

    def search(self, text: str) -> Self:
        """Conversations whose title, or any one message, holds each word of ``text``, whole or as part of another.

        A scan without an index, since a text that streams is saved again and again and an index would pay for each
        time. It reads the messages of one person, or those shared with one: 20 MB in 10,000 messages take 50 ms.
        """
        words = text.split()
        title = models.Q(*(models.Q(title__icontains=word) for word in words))
        said = models.Q(*(models.Q(text__icontains=word) for word in words))
        messages = Message.objects.filter(said, conversation=models.OuterRef("pk"))
        return self.filter(title | models.Exists(messages))


class Conversation(Shared):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=200)
    is_pinned = models.BooleanField(default=False)
    is_archived = models.BooleanField(default=False)
    # What the next message is sent with, unless its form says otherwise.
    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=200, blank=True)
    # The provider key that was chosen; without one, calls are made with the user's default of the provider.
    token_id = models.UUIDField(null=True, blank=True)
    system = models.TextField("system prompt", blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    # Since when it has been in the trash, from which it can still be restored.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager[Conversation]] = ConversationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-is_pinned", "-updated_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = Shared.Meta.constraints
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["-updated_at"], condition=~models.Q(visibility="private"), name="shared_conversations"
            ),
            models.Index(fields=["owner", "is_archived", "-is_pinned", "-updated_at"], name="conversation_sidebar"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("inference:conversation-detail", args=[self.pk])


class FavouriteModel(models.Model):
    """A model that its user has starred, at an endpoint: a provider key, or the default one of a provider."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favourite_models")
    provider = models.CharField(max_length=30)
    token_id = models.UUIDField(null=True)
    model = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user", "provider", "token_id", "model"], name="a_model_is_starred_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"


class ParameterPreset(models.Model):
    """Values of parameters that their user has saved under a name. ``parameters`` by name, as a call has them."""

    LONGEST_NAME: ClassVar[int] = 60

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="parameter_presets")
    name = models.CharField(max_length=LONGEST_NAME)
    parameters = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "name"], name="a_preset_has_its_name_alone")
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    USER = "user", "You"
    ASSISTANT = "assistant", "Model"


class Message(models.Model):
    """One turn. Its siblings are the messages with the same parent: other answers, or other wordings of a question."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="replies")
    role = models.CharField(max_length=10, choices=Role)
    text = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    thought_ms = models.PositiveIntegerField(null=True, help_text="From the first word of the reasoning to its end.")
    # Those that the model wanted, as inference.runs.tool_calls stores them.
    tool_calls = models.JSONField(default=list, db_default=[], blank=True)
    generation = models.OneToOneField(
        Generation, on_delete=models.SET_NULL, null=True, related_name="message", db_constraint=False
    )
    # Made by the browser, so that a form sent twice makes one run.
    client_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(role=Role.ASSISTANT) | models.Q(generation=None), name="only_answers_have_a_call"
            ),
            models.UniqueConstraint(fields=["conversation", "client_id"], name="a_form_counts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    def without_content(self) -> Self:
        """As rows are read wherever the bytes are not needed, which may be megabytes."""
        return self.defer("content", "thumbnail")

    def visible_to(self, user: User) -> Self:
        """The user's own, and what is attached to something that the user may read."""
        return self.filter(models.Q(user=user) | _is_attached(visible_to=user))

    def held(self) -> Self:
        """Attached to anything."""
        return self.filter(_is_attached())


def _is_attached(*, visible_to: User | None = None) -> models.Q:
    """To a message, or to whatever else an app above attaches files to."""
    found = models.Q()
    for relation in StoredFile._meta.related_objects:
        attachments: Any = relation.related_model._default_manager
        rows = attachments.visible_to(visible_to) if visible_to else attachments.all()
        found |= models.Q(models.Exists(rows.filter(file=models.OuterRef("pk"))))
    return found


class StoredFile(models.Model):
    """An image or a file, once for each user who has it, by the SHA-256 of its content.

    Users share no rows: they are erased by one statement, and nothing tells whether others have the same file.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stored_files", db_index=False
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content, in hexadecimal.")
    name = models.CharField(max_length=200, help_text="As it was uploaded last.")
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(help_text="Bytes.")
    width = models.PositiveIntegerField(null=True, help_text="Pixels.")
    height = models.PositiveIntegerField(null=True, help_text="Pixels.")
    pages = models.PositiveIntegerField(null=True)
    tokens = models.PositiveIntegerField(help_text="About what a model counts for it.")
    content = models.BinaryField()
    thumbnail = models.BinaryField(help_text="WebP; empty where it is no image.")
    created_at = models.DateTimeField(default=timezone.now)
    period = models.DateField(null=True, help_text="The newest month in which a call has sent it.")

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "digest"], name="a_file_is_stored_once")
        ]

    def __str__(self) -> str:
        return f"{self.media_type} {self.digest}"

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")


class MessageAttachmentQuerySet(models.QuerySet["MessageAttachment"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(message__conversation__in=Conversation.objects.visible_to(user))


class MessageAttachment(models.Model):
    """A file in a message. It belongs to the owner of the conversation, as the message does."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments", db_index=False)
    file = models.ForeignKey(StoredFile, on_delete=models.RESTRICT, related_name="attachments")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)

    objects = MessageAttachmentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["message", "position"], name="one_attachment_at_a_position")
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.message_id}"
