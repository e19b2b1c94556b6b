"""What the API takes and gives. Names are those of Langfuse's public API; what it does not know is marked as ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict

from prompts.drafts import ROLES
from prompts.models import LABEL_NAME, NAME


def _text_of_a_time(value: object) -> object:
    """Not a number, which would be taken for seconds since 1970."""
    if isinstance(value, str) and "-" in value.lstrip("-"):
        return value
    raise ValueError("Use a time such as 2026-11-01T00:00Z.")


def _in_utc(value: datetime) -> datetime:
    """The database takes no offset of 16 hours or more."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("This time lies before the year 1 or after the year 9999.") from error


def _matching(pattern: str) -> dict[str, Any]:
    """For the description: what is wrong is told in words, where it is stored."""
    return {"pattern": pattern.replace(r"\A", "^").replace(r"\Z", "$")}


# The database counts no further.
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Moment = Annotated[AwareDatetime, BeforeValidator(_text_of_a_time), AfterValidator(_in_utc)]
Name = Annotated[str, Field(max_length=200, json_schema_extra=_matching(str(NAME.regex.pattern)))]
LabelName = Annotated[str, Field(json_schema_extra=_matching(str(LABEL_NAME.regex.pattern)))]
Role = Annotated[str, Field(json_schema_extra={"enum": list(ROLES)})]
Text = Annotated[str, Field(json_schema_extra={"pattern": r"\S"})]
MOST_LABELS = 50


class ChatMessage(Schema):
    """More than these fields is kept and given back."""

    model_config = ConfigDict(extra="allow")

    type: Literal["chatmessage"] = "chatmessage"
    role: Role
    content: str


class Placeholder(Schema):
    """Stands for messages that the application puts in."""

    type: Literal["placeholder"]
    name: str


Messages = list[Placeholder | ChatMessage]


class Variable(Schema):
    name: str
    type: Literal["text", "long_text", "number", "choice"] = "text"
    default: str = ""
    sample: str = ""
    choices: list[str] = []


class Own(Schema):
    """Ours: what else belongs to a version."""

    provider: str = ""
    model: str = ""
    parameters: dict[str, Any] = {}
    tools: list[dict[str, Any]] = []
    responseSchema: dict[str, Any] | None = None
    variables: list[Variable] = []


class Dependency(Schema):
    name: str
    version: int


class ResolutionGraph(Schema):
    """``dependencies``: what each prompt includes, by the name of that prompt."""

    root: Dependency
    dependencies: dict[str, list[Dependency]]


class PromptOut(Own):
    id: str
    type: Literal["text", "chat"]
    name: str
    version: int
    prompt: str | Messages
    config: dict[str, Any]
    labels: list[str]
    tags: list[str]
    commitMessage: str | None
    resolutionGraph: ResolutionGraph | None
    createdAt: datetime


class PromptMeta(Schema):
    name: str
    type: Literal["text", "chat"]
    versions: list[int]
    labels: list[str]
    tags: list[str]
    lastUpdatedAt: datetime
    lastConfig: dict[str, Any]


class PageMeta(Schema):
    page: int
    limit: int
    totalItems: int
    totalPages: int


class PromptPage(Schema):
    data: list[PromptMeta]
    meta: PageMeta


class NewVersion(Schema):
    """Of a new prompt, or the next one of a prompt that exists.

    What is ours and is left out stays as it was in the version before.
    """

    name: Name
    type: Literal["text", "chat"] | None = Field(None, description="Without it, what the prompt is: text or messages.")
    prompt: Text | Annotated[Messages, Field(json_schema_extra={"minItems": 1})]
    config: dict[str, Any] | None = None
    labels: list[LabelName] | None = Field(None, max_length=MOST_LABELS, description="They move to this version.")
    tags: list[str] | None = Field(None, max_length=MOST_LABELS, description="They replace those of the prompt.")
    commitMessage: str | None = Field(None, max_length=500)
    provider: str | None = Field(None, max_length=30, description="Ours.")
    model: str | None = Field(None, max_length=200, description="Ours.")
    parameters: dict[str, Any] | None = Field(None, description="Ours.")
    tools: list[dict[str, Any]] | None = Field(None, description="Ours.")
    responseSchema: dict[str, Any] | None = Field(None, description="Ours.")
    variables: list[Variable] | None = Field(None, description="Ours.")
    sharedWith: str = Field(
        "private", description="Ours, for new prompts: `private`, `everyone`, or the name of one of your teams."
    )


class NewLabels(Schema):
    newLabels: list[LabelName] = Field(max_length=MOST_LABELS)
    requestApproval: bool = Field(False, description="Ours: requests approval for labels that are protected.")
    reason: str = Field("", max_length=500, description="Ours, for the label history.")


class Proposal(Schema):
    """A move of a protected label that waits for approval. ``url`` is the page on which it is decided."""

    id: UUID
    label: str
    fromVersion: int | None
    toVersion: int | None
    state: str
    url: str


class Proposals(Schema):
    proposals: list[Proposal]


class VersionQuery(Schema):
    version: Number | None = Field(None, description="A version by its number.")
    label: str | None = Field(None, max_length=50, description="A version by a label. Without both: `production`.")


class ServedQuery(VersionQuery):
    user: str = Field(
        "",
        max_length=200,
        description="Ours: who is served. The same user is always served the same while a label is rolled out.",
    )


class PromptQuery(ServedQuery):
    resolve: bool = Field(True, description="Whether included prompts are put in.")
    at: Moment | None = Field(None, description="Ours: what the label named at this time, such as `2026-11-01T00:00Z`.")


class ListQuery(Schema):
    name: str | None = Field(None, max_length=200)
    label: str | None = Field(None, max_length=50)
    tag: str | None = Field(None, max_length=50)
    page: int = Field(1, ge=1, le=1_000_000)
    limit: int = Field(50, ge=1, le=100)
    fromUpdatedAt: Moment | None = None
    toUpdatedAt: Moment | None = None
