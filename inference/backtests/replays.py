"""The request of a replay: what a recorded call sent, with another version, model or parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from inference.attachments.abilities import problem_with
from inference.attachments.listed import abilities_with
from inference.attachments.services import FilesMissing, own_files
from inference.backtests.models import Backtest
from inference.backtests.recovery import SYSTEM_ROLES, NotRecovered, Recovered, recover
from inference.chat.forms import parameters_of
from inference.models import StoredFile
from inference.providers.base import ChatRequest
from inference.runs.sent_requests import message_of_sent, request_of_sent
from inference.structured import DefinitionsRefused, schema_from, tools_from
from prompts.composition import IncludeRefused
from prompts.models import PromptVersion
from prompts.reading import resolved
from prompts.templating import fill, variables_in
from telemetry.context import SentMessage
from telemetry.models import Generation

if TYPE_CHECKING:
    from accounts.models import User
    from tokens.models import ProviderToken

LIMIT_PARAMETERS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
# What an answer without a limit of its own may have: so many times the recorded one, and at least this.
LONGER, LEAST_OUTPUT = 4, 4_096


class NotReplayable(Exception):
    """One call that cannot be replayed, and why."""


@dataclass(frozen=True, slots=True)
class Replay:
    """``most_output``: tokens that the answer can have at most. ``token_id``: None for the default key."""

    provider: str
    request: ChatRequest
    files: Sequence[StoredFile]
    most_output: int
    token_id: UUID | None = None


def replay_of(call: Generation, backtest: Backtest, version: PromptVersion | None) -> Replay:
    """Raises NotReplayable."""
    content = getattr(call, "content", None)
    sent = content.sent() if content else []
    if not sent:
        raise NotReplayable("What this call sent is no longer kept.")
    provider, model, parameters, token_id = call.provider, call.request_model, call.parameters, call.token_id
    if backtest.model:
        provider, model, parameters = backtest.provider, backtest.model, backtest.parameters
        token_id = backtest.token_id
    known = {parameter.name: parameter for parameter in parameters_of(provider, model)}
    taken = {name: value for name, value in parameters.items() if name in known}
    request = request_of_sent(sent, model=model, parameters=taken)
    if version is not None:
        request = _with_version(request, sent, call, version, backtest.owner)
    most = max(LONGER * (call.total_output_tokens or 0), LEAST_OUTPUT)
    limit = next((known[name] for name in LIMIT_PARAMETERS if name in known), None)
    if limit is not None:
        most = int(request.parameters.get(limit.name) or min(most, limit.maximum or most))  # type: ignore[arg-type]
        request = replace(request, parameters={**request.parameters, limit.name: most})
    return Replay(provider, request, _files(request, backtest.owner), most, token_id)


def check_files(replay: Replay, token: ProviderToken | None) -> None:
    """Raises NotReplayable where the model does not take them."""
    if replay.files:
        kinds_and_sizes = [(file.media_type, file.size) for file in replay.files]
        model = replay.request.model
        abilities = abilities_with(replay.provider, model, token)
        if problem := problem_with(kinds_and_sizes, abilities, provider=replay.provider, model=model):
            raise NotReplayable(problem)


def _files(request: ChatRequest, owner: User) -> list[StoredFile]:
    digests = [file.digest for message in request.messages for file in message.attachments]
    try:
        return own_files(owner, digests) if digests else []
    except FilesMissing:
        raise NotReplayable("A file that this call sent is no longer stored.") from None


def _with_version(
    request: ChatRequest, sent: Sequence[SentMessage], call: Generation, version: PromptVersion, reader: User
) -> ChatRequest:
    """The conversation around the prompt stays; tools and schema are those of the version."""
    found = _recovered(sent, call, version, reader)
    body = _filled(version, found, reader)
    try:
        tools, schema = tools_from(version.tools), schema_from(version.response_schema)
    except DefinitionsRefused as error:
        raise NotReplayable(str(error)[:500]) from error
    said = [message for message in body if message.role not in SYSTEM_ROLES]
    system = [message.text for message in body if message.role in SYSTEM_ROLES]
    if not system and not found.has_system:
        system = [message.text for message in sent if message.role == "system"]
    around = [*found.before, *_with_files(said, found.own), *found.after]
    return replace(
        request,
        system="\n\n".join(system),
        messages=tuple(map(message_of_sent, around)),
        tools=tools,
        response_schema=schema,
    )


def _version_of(call: Generation) -> PromptVersion:
    found = None
    if call.prompt_id and call.prompt_version:
        versions = PromptVersion.objects.filter(prompt=call.prompt_id, number=call.prompt_version)
        found = versions.select_related("prompt").first()
    if found is None:
        raise NotReplayable(f"v{call.prompt_version} of “{call.prompt_name}”, which this call used, was deleted.")
    return found


def _recovered(sent: Sequence[SentMessage], call: Generation, version: PromptVersion, reader: User) -> Recovered:
    if call.prompt_id != version.prompt_id:
        raise NotReplayable(f"This call was not made from “{version.prompt}”.")
    try:
        return recover(resolved(_version_of(call), reader=reader).body, sent)
    except (NotRecovered, IncludeRefused) as error:
        raise NotReplayable(str(error)[:500]) from error


def _filled(version: PromptVersion, found: Recovered, reader: User) -> list[SentMessage]:
    try:
        body = resolved(version, reader=reader).body
    except IncludeRefused as error:
        raise NotReplayable(str(error)[:500]) from error
    messages: Sequence[Mapping[str, Any]] = [{"role": "user", "content": body}] if isinstance(body, str) else body
    values = {**{row.name: row.default for row in version.draft.variables if row.default}, **found.values}
    return [message for one in messages for message in _filled_message(one, values, found, version)]


def _filled_message(
    message: Mapping[str, Any], values: Mapping[str, str], found: Recovered, version: PromptVersion
) -> Iterator[SentMessage]:
    if message.get("type") == "placeholder":
        yield from found.placeholders.get(message["name"], ())
        return
    if missing := [name for name in variables_in(message["content"]) if name not in values]:
        raise NotReplayable(f"v{version.number} needs {', '.join(missing)}, which this call had no value for."[:500])
    if message["content"].strip():
        yield SentMessage(message["role"], fill(message["content"], values))


def _with_files(said: Sequence[SentMessage], own: Sequence[SentMessage]) -> list[SentMessage]:
    """The files of the prompt's messages move to the last message of the user that takes their place."""
    extra = next((message.extra for message in reversed(own) if message.attachments), "")
    last = max((place for place, message in enumerate(said) if message.role == "user"), default=None)
    if last is None:
        raise NotReplayable("The version has no user message.")
    return [message._replace(extra=extra) if place == last else message for place, message in enumerate(said)]
