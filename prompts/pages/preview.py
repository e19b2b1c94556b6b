"""How the messages of a prompt read: with variables and includes marked, or filled in with samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from prompts.composition import IncludeRefused, resolve
from prompts.drafts import Body, Variable
from prompts.models import PromptVersion
from prompts.reading import included_version, target_of
from prompts.templating import Include, Part, TemplateError, parts_of

# English text of the common tokenisers; good enough for a figure that is always shown with "≈".
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a shown text. ``value`` is what fills a variable, ``target`` the version that an include means."""

    part: Part
    value: str = ""
    target: PromptVersion | None = None


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """``role`` is '' for the text of a text prompt. A placeholder has a ``placeholder`` and no pieces."""

    role: str
    pieces: list[Piece]
    source: str = ""
    placeholder: str = ""

    @property
    def title(self) -> str:
        return self.role.capitalize() or "Text"

    @property
    def variables(self) -> list[str]:
        return [piece.part.variable for piece in self.pieces if piece.part.variable]

    @property
    def token_estimate(self) -> int:
        characters = sum(len(piece.value or piece.part.text) for piece in self.pieces)
        return -(-characters // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Preview:
    """``problem`` says why includes are shown as they are written."""

    messages: list[ShownMessage]
    missing: list[str]
    problem: str = ""

    @property
    def token_estimate(self) -> int:
        return sum(message.token_estimate for message in self.messages)


def read_view(body: Body, *, reader: User) -> list[ShownMessage]:
    """As it is written, with the versions that its includes mean for the reader."""
    targets: dict[Include, PromptVersion | None] = {}

    def shown(part: Part) -> Piece:
        if part.include is None:
            return Piece(part)
        if part.include not in targets:
            targets[part.include] = included_version(part.include, reader=reader)
        return Piece(part, target=targets[part.include])

    return [_message(role, text, [shown(part) for part in parts_of(text)]) for role, text in _texts(body)]


def preview(
    name: str,
    body: Body,
    variables: Sequence[Variable],
    *,
    reader: User,
    examples: Mapping[str, str] | None = None,
) -> Preview:
    """With includes resolved and ``examples`` or samples, or else defaults, in the place of variables."""
    values = {row.name: row.default if examples is not None else row.sample or row.default for row in variables}
    values |= examples or {}
    problem = ""
    try:
        body = resolve(name, body, lambda include: target_of(include, reader)).body
    except (IncludeRefused, TemplateError) as error:
        problem = str(error)
    messages = [_message(role, text, _filled(text, values)) for role, text in _texts(body)]
    used = dict.fromkeys(name for message in messages for name in message.variables)
    return Preview(messages, [name for name in used if not values.get(name)], problem)


def _filled(text: str, values: Mapping[str, str]) -> list[Piece]:
    return [Piece(part, value=values.get(part.variable, "")) for part in parts_of(text)]


def _texts(body: Body) -> list[tuple[str, str]]:
    """Role and text; of a placeholder 'placeholder' and its name."""
    if isinstance(body, str):
        return [("", body)]
    return [
        ("placeholder", message["name"])
        if message.get("type") == "placeholder"
        else (message["role"], message["content"])
        for message in body
    ]


def _message(role: str, text: str, pieces: list[Piece]) -> ShownMessage:
    if role == "placeholder":
        return ShownMessage(role, [], placeholder=text)
    return ShownMessage(role, pieces, source=text)
