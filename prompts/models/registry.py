"""Prompts: a name, versions that never change, and labels that say which of them is in use."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Lower, Now
from django.urls import reverse

from accounts.sharing import Shared, SharedQuerySet, Visibility
from prompts.drafts import Draft, Variable

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

LATEST = "latest"
PRODUCTION = "production"
# Of dots alone it would mean another folder to whoever reads it as a path.
_PART = r"\.*[\w-][\w.-]*(?: [\w.-]+)*"
NAME = RegexValidator(
    rf"\A{_PART}(?:/{_PART})*\Z",
    "Use letters, digits, spaces, “-”, “_” and “.”, with “/” between folders.",
)
LABEL_NAME = RegexValidator(r"\A[a-z0-9][a-z0-9_.-]{0,49}\Z", "Use up to 50 small letters, digits, “-”, “_” and “.”.")
_FOLDER = Coalesce(Func(F("name"), Value("^(.*)/"), function="substring"), Value(""), output_field=models.TextField())

TAG = RegexValidator(r"\A[^\x00-\x1f,]+\Z", "A tag has no commas and no line breaks.")


def _alike(name: F | Value) -> Lower:
    return Lower(Func(name, template="normalize(%(expressions)s, NFKC)", output_field=models.TextField()))


def _unchanging(name: str, *, but: str) -> pgtrigger.Trigger:
    """No row changes, except for the column ``but``."""
    # In SQL: without a database, as in `makemigrations --check`, pgtrigger cannot compare rows.
    changed = pgtrigger.Condition(f"to_jsonb(OLD) - '{but}' IS DISTINCT FROM to_jsonb(NEW) - '{but}'")
    return pgtrigger.Protect(name=name, operation=pgtrigger.Update, condition=changed)


class PromptType(models.TextChoices):
    TEXT = "text", "Text"
    CHAT = "chat", "Chat"


class PromptQuerySet(SharedQuerySet["Prompt"]):
    def editable_by(self, user: User | AnonymousUser) -> Self:
        """The user's own, and shared ones whose readers may edit."""
        return self.visible_to(user).filter(Q(owner_id=user.pk) | Q(readers_may_edit=True))

    def make_private(self) -> int:
        return self.update(visibility=Visibility.PRIVATE, team=None, readers_may_edit=False)

    def current(self) -> Self:
        return self.filter(is_archived=False)

    def archived(self) -> Self:
        return self.filter(is_archived=True)

    def with_folder(self) -> Self:
        """``in_folder`` is all before the last slash of the name, '' for none."""
        return self.annotate(in_folder=_FOLDER)

    def folders(self) -> set[str]:
        """Those that hold prompts, and those that hold such folders."""
        deepest = self.order_by().values_list(_FOLDER, flat=True).distinct()
        parts = [str(folder).split("/") for folder in deepest if folder]
        return {"/".join(names[: depth + 1]) for names in parts for depth in range(len(names))}

    def looking_like(self, name: str) -> Self:
        """Those with other names that differ in nothing but case, or the width and composition of letters."""
        return self.alias(alike=_alike(F("name"))).filter(alike=_alike(Value(name))).exclude(name=name)

    def with_text(self) -> Self:
        """To filter by ``newest_text``, what the newest version says, as JSON."""
        newest = PromptVersion.objects.filter(prompt=OuterRef("pk")).order_by("-number")
        text = newest.values(text=Cast("body", models.TextField()))
        return self.alias(newest_text=Subquery(text[:1]))


class Prompt(Shared):
    """Names are unique in the whole installation: an application asks for a prompt by its name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="prompts")
    name = models.CharField(max_length=200, validators=[NAME])
    type = models.CharField(max_length=10, choices=PromptType)
    description = models.TextField(max_length=2000, blank=True)
    tags = ArrayField(models.CharField(max_length=50, validators=[TAG]), default=list, blank=True)
    readers_may_edit = models.BooleanField(default=False)
    is_archived = models.BooleanField(default=False)
    # Of the version that was saved last. No number is given twice, even where versions are deleted.
    last_number = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PromptQuerySet.as_manager()

    class Meta(Shared.Meta):
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *Shared.Meta.constraints,
            models.UniqueConstraint(
                fields=["name"],
                name="prompt_name_is_taken_once",
                violation_error_code="unique",
                violation_error_message="This name is taken.",
            ),
            models.CheckConstraint(
                condition=Q(readers_may_edit=False) | ~Q(visibility=Visibility.PRIVATE), name="prompt_has_other_editors"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("prompts:prompt-detail", args=[self.pk])

    @property
    def short_name(self) -> str:
        """Without its folder."""
        return self.name.rpartition("/")[2]

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


class PromptVersionQuerySet(models.QuerySet["PromptVersion"]):
    def without_content(self) -> Self:
        """For lists: who wrote which version when, and why."""
        content = ("body", "variables", "tools", "response_schema", "config", "parameters")
        return self.defer(*content).select_related("author")


class PromptVersion(models.Model):
    """One state of a prompt. The database refuses every change but the erasure of its author."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.JSONField()
    variables = models.JSONField(default=list)
    tools = models.JSONField(default=list)
    response_schema = models.JSONField(null=True, blank=True)
    config = models.JSONField(default=dict)
    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict)
    message = models.CharField("commit message", max_length=500, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    made_from = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PromptVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["prompt", "number"], name="version_number_is_taken_once"),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            _unchanging("version_never_changes", but="author_id"),
        ]

    def __str__(self) -> str:
        return f"{self.prompt} v{self.number}"

    def get_absolute_url(self) -> str:
        return f"{self.prompt.get_absolute_url()}?version={self.number}"

    @property
    def draft(self) -> Draft:
        variables = tuple(Variable(**{**stored, "choices": tuple(stored["choices"])}) for stored in self.variables)
        return Draft(
            self.body, variables, tuple(self.tools), self.response_schema, self.config, self.provider, self.model,
            self.parameters,
        )  # fmt: skip


class Label(models.Model):
    """What applications ask for: it points at one version of its prompt. ``latest`` is none, it follows by itself."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="labels")
    name = models.CharField(max_length=50, validators=[LABEL_NAME])
    version = models.ForeignKey(PromptVersion, models.PROTECT, related_name="labels")

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["prompt", "name"], name="label_stands_once"),
            models.CheckConstraint(condition=~Q(name=LATEST), name="latest_is_no_label"),
        ]

    def __str__(self) -> str:
        return self.name


class LabelMove(models.Model):
    """That a label was set, moved or removed. ``to_version`` is None where it was removed."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="label_moves")
    label = models.CharField(max_length=50)
    from_version = models.PositiveIntegerField(null=True)
    to_version = models.PositiveIntegerField(null=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    # The database's clock, read while the prompt is locked: moves stand in the order in which they took effect.
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["prompt", "label", "-at"], name="label_history"),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            _unchanging("move_never_changes", but="actor_id"),
        ]

    def __str__(self) -> str:
        return f"{self.label} of {self.prompt} to {self.to_version}"


class ExampleSet(models.Model):
    """Values of variables to try a prompt with, by their names. It belongs to no version: variables come and go."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="example_sets")
    name = models.CharField(max_length=100)
    values = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["prompt", "name"],
                name="example_set_name_is_taken_once",
                violation_error_message="This prompt has an example set of this name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
