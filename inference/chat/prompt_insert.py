"""A version of a prompt as a chat takes it: a system prompt, a message, and the model that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accounts.providers import PROVIDERS, label_of
from inference.chat.picker.defaults import disabled_reason
from prompts.drafts import Body, Draft, Variable
from prompts.models import LATEST, PRODUCTION, Prompt, PromptVersion
from prompts.reading import VersionNotFound, resolved, version_of
from prompts.rollouts import labels_served
from prompts.templating import fill
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User

SYSTEM_ROLES = ("system", "developer")
# As many as a list of choices can be read through; all others have a page.
VERSIONS_OFFERED = 50
LABEL, VERSION = "label:", "version:"
Offered = list[tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Insertion:
    """``system`` is None where the prompt has none; ``left_out`` names what a chat has no place for."""

    system: str | None
    text: str
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """The model of a version. ``reason`` says why the user cannot use it."""

    provider: str
    model: str
    parameters: Mapping[str, Any]
    reason: str

    @property
    def label(self) -> str:
        return f"{label_of(self.provider)} {self.model}"


class PromptFilling:
    """A version, with everything that it includes, as far as its user may see it.

    Raises IncludeRefused or TemplateError where it includes what there is not.
    """

    def __init__(self, version: PromptVersion, user: User) -> None:
        self.version = version
        self._user = user
        self._body: Body = resolved(version, reader=user).body

    @cached_property
    def variables(self) -> list[Variable]:
        """All that are used. Those of included prompts are plain text."""
        described = {row.name: row for row in self.version.draft.variables}
        return [described.get(name, Variable(name)) for name in Draft(self._body).used_variables]

    @cached_property
    def model(self) -> ModelOffer | None:
        provider, model = self.version.provider, self.version.model
        if not model or provider not in PROVIDERS:
            return None
        reason = disabled_reason(provider, pick_token(user=self._user, provider=provider))
        return ModelOffer(provider, model, self.version.parameters, reason)

    @property
    def left_out(self) -> list[str]:
        return self.filled({}).left_out

    @property
    def has_system(self) -> bool:
        return self.filled({}).system is not None

    def filled(self, values: Mapping[str, str]) -> Insertion:
        beside = [name for name, there in self._beside() if there]
        if isinstance(self._body, str):
            return Insertion(None, fill(self._body, values), beside)
        system = _place(self._body, SYSTEM_ROLES)
        last = _place(list(reversed(self._body)), ("user",))
        text = None if last is None else len(self._body) - 1 - last
        left_out = [_title(place, message) for place, message in enumerate(self._body) if place not in (system, text)]
        said = None if system is None else fill(self._body[system]["content"], values)
        asked = "" if text is None else fill(self._body[text]["content"], values)
        return Insertion(said, asked, [*left_out, *beside])

    def _beside(self) -> Iterator[tuple[str, bool]]:
        yield "Tools", bool(self.version.tools)
        yield "Response schema", self.version.response_schema is not None


def _place(body: Sequence[Mapping[str, Any]], roles: Sequence[str]) -> int | None:
    """Of the first message with one of the roles."""
    return next((place for place, message in enumerate(body) if message.get("role") in roles), None)


def _title(place: int, message: Mapping[str, Any]) -> str:
    if message.get("type") == "placeholder":
        return f"Placeholder “{message['name']}”"
    return f"Message {place + 1} ({message['role']})"


def versions_offered(prompt: Prompt, user: User) -> Offered:
    """Choices in groups: labels with the versions that the user is served, then the newest versions."""
    versions = list(prompt.versions.values_list("number", "message")[:VERSIONS_OFFERED])
    labels = list(labels_served(prompt, user).items())
    labels.sort(key=lambda label: (label[0] != PRODUCTION, label[0]))
    if versions:
        labels.append((LATEST, versions[0][0]))
    return [
        ("Labels", [(f"{LABEL}{name}", f"{name} (v{number})") for name, number in labels]),
        ("Versions", [(f"{VERSION}{number}", f"v{number} {message}".strip()) for number, message in versions]),
    ]


def offered_version(prompt: Prompt, user: User, wanted: str, offered: Offered) -> PromptVersion:
    """Raises VersionNotFound for a choice that is not offered, or whose version has gone meanwhile."""
    if all(wanted != value for _, choices in offered for value, _ in choices):
        raise VersionNotFound(f"The prompt “{prompt}” has no such version.")
    if wanted == f"{LABEL}{LATEST}":
        return version_of(prompt, label=LATEST)
    if wanted.startswith(LABEL):
        return version_of(prompt, version=labels_served(prompt, user).get(wanted.removeprefix(LABEL)))
    return version_of(prompt, version=int(wanted.removeprefix(VERSION)))
