"""Rounds: the answers of some panels, asked for at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, transaction

from audit.services import batch
from inference.attachments.abilities import problem_with
from inference.attachments.listed import abilities_with
from inference.attachments.services import FilesMissing, own_files
from inference.models import StoredFile
from inference.playground.models import Panel, PanelAnswer, Playground
from inference.playground.requests import PanelIncomplete, request_of
from inference.providers.base import Attachment, ChatMessage
from inference.runs.calls import WantedCall, accesses, start_calls
from inference.runs.database import storage_problem
from inference.runs.prompt_lookup import prompt_use
from inference.runs.sent_requests import request_of_sent
from inference.runs.start import Access, LimitReached, PreparedRun, RunRefused
from inference.runs.tool_calls import from_stored
from prompts.models import PromptVersion
from telemetry.models import Generation, Status
from telemetry.prompt_use import PromptUse, prompt_of_call

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Round:
    """``started``: answers with the calls that are to be launched. ``refused``: by panel, why it was not run."""

    started: Sequence[tuple[PanelAnswer, PreparedRun]] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    limit: str = ""


def start_round(*, user: User, playground_id: UUID, panel_ids: Collection[int], round_id: UUID) -> Round:
    """Start every panel that can be run; what one lacks keeps none of the others.

    A round that was started before is not started again. Raises Playground.DoesNotExist where it is not the user's.
    """
    playground = Playground.objects.editable_by(user).get(pk=playground_id)
    panels = list(playground.panels.filter(pk__in=panel_ids))
    wanted, refused = _wanted(panels, playground, user)
    if not wanted:
        return Round(refused=refused)
    try:
        return Round(_start(user, playground, wanted, round_id), refused)
    except LimitReached as limit:
        return Round(refused=dict.fromkeys(panel_ids, limit.message), limit=limit.kind)
    except DatabaseError as error:
        if problem := storage_problem(error):
            return Round(refused=dict.fromkeys(panel_ids, f"{problem} Tell an administrator, and run it again later."))
        raise


def _wanted(
    panels: Sequence[Panel], playground: Playground, user: User
) -> tuple[list[tuple[Panel, WantedCall, Access]], dict[int, str]]:
    by_endpoint = accesses(user, [(panel.provider, panel.token_id) for panel in panels if panel.model])
    rows = list(playground.files.select_related("file").defer("file__content", "file__thumbnail"))
    files = [row.file for row in rows]
    attachments = [Attachment(row.file.digest, row.name, row.file.media_type, b"") for row in rows]
    wanted, refused = [], {}
    for panel in panels:
        try:
            request = request_of(panel, playground.values, reader=user, files=attachments)
            access = by_endpoint[panel.provider, panel.token_id]
            if isinstance(access, RunRefused):
                raise access
            _check_files(files, panel, access)
        except (PanelIncomplete, RunRefused) as problem:
            refused[panel.pk] = str(problem)
        else:
            wanted.append((panel, WantedCall(panel.provider, request, _prompt_of(panel, user), files), access))
    return wanted, refused


def _check_files(files: Sequence[StoredFile], panel: Panel, access: Access) -> None:
    """Raises PanelIncomplete where the model or its provider does not take them."""
    if not files:
        return
    abilities = abilities_with(panel.provider, panel.model, access.token)
    sizes = [(file.media_type, file.size) for file in files]
    if problem := problem_with(sizes, abilities, provider=panel.provider, model=panel.model):
        raise PanelIncomplete(problem)


@transaction.atomic
@batch()
def _start(
    user: User, playground: Playground, wanted: Sequence[tuple[Panel, WantedCall, Access]], round_id: UUID
) -> list[tuple[PanelAnswer, PreparedRun]]:
    # Of a form that arrives twice at once, the second waits here for the first.
    locked = Playground.objects.select_for_update(no_key=True).filter(pk=playground.pk).only("pk")
    if not locked or PanelAnswer.objects.filter(panel__playground=playground, round=round_id).exists():
        return []
    places = [
        (panel, number, call, access) for panel, call, access in wanted for number in range(1, panel.repetitions + 1)
    ]
    orders = start_calls(user, [(call, access) for _, _, call, access in places])
    answers = PanelAnswer.objects.bulk_create(
        PanelAnswer(panel=panel, round=round_id, number=number, generation_id=order.generation_id)
        for (panel, number, _, _), order in zip(places, orders, strict=True)
    )
    Panel.objects.filter(pk__in=[panel.pk for panel, _, _ in wanted]).update(round=round_id)
    return list(zip(answers, orders, strict=True))


class ResultsRefused(Exception):
    """Results of tools that cannot be sent, and why."""


def answer_tools(*, user: User, playground_id: UUID, answer_id: int, results: Mapping[str, str]) -> Round:
    """Go on with an answer that wants calls of tools, by what the tools have said, by the id of the call.

    Results that were sent before are not sent again. Raises ResultsRefused, Playground.DoesNotExist.
    """
    playground = Playground.objects.editable_by(user).get(pk=playground_id)
    answers = PanelAnswer.objects.filter(panel__playground=playground).select_related("panel", "generation__content")
    answer = answers.filter(pk=answer_id).first()
    if answer is None or answer.round != answer.panel.round:
        raise ResultsRefused("This answer has been replaced by a newer one.")
    call = answer.generation
    said = ChatMessage("assistant", call.content.response_text, tool_calls=from_stored(call.content.tool_calls))
    if call.status == Status.RUNNING or not said.tool_calls:
        raise ResultsRefused("This answer has no tool call.")
    if missing := [one.name for one in said.tool_calls if not results.get(one.id, "").strip()]:
        raise ResultsRefused(f"Enter the result of {', '.join(missing)} first.")
    asked = request_of_sent(call.content.sent(), model=call.request_model, parameters=call.parameters)
    turn = [ChatMessage("tool", results[one.id], tool_call_id=one.id, tool_name=one.name) for one in said.tool_calls]
    request = replace(asked, messages=(*asked.messages, said, *turn))
    endpoint = (call.provider, answer.panel.token_id if answer.panel.provider == call.provider else None)
    access = accesses(user, [endpoint])[endpoint]
    if isinstance(access, RunRefused):
        return Round(refused={answer.panel_id: str(access)})
    digests = [file.digest for message in request.messages for file in message.attachments]
    try:
        files = own_files(user, digests)
    except FilesMissing as error:
        raise ResultsRefused("A file that was sent with the message is no longer stored.") from error
    wanted = WantedCall(call.provider, request, prompt_of_call(call), files)
    try:
        return Round(_go_on(user, answer, (wanted, access), results))
    except LimitReached as limit:
        return Round(refused={answer.panel_id: limit.message}, limit=limit.kind)


@transaction.atomic
@batch()
def _go_on(
    user: User, answer: PanelAnswer, wanted: tuple[WantedCall, Access], results: Mapping[str, str]
) -> list[tuple[PanelAnswer, PreparedRun]]:
    Panel.objects.select_for_update(no_key=True).get(pk=answer.panel_id)
    place = {"panel_id": answer.panel_id, "round": answer.round, "number": answer.number, "step": answer.step + 1}
    if PanelAnswer.objects.filter(**place).exists():
        return []
    (order,) = start_calls(user, [wanted])
    return [(PanelAnswer.objects.create(**place, results=dict(results), generation_id=order.generation_id), order)]


def _prompt_of(panel: Panel, user: User) -> PromptUse | None:
    """The version that the panel asks, as long as its messages are those of the version."""
    if panel.prompt_id is None or panel.prompt_version is None:
        return None
    version = PromptVersion.objects.filter(prompt=panel.prompt_id, number=panel.prompt_version).first()
    if version is None or _as_body(version) != panel.body:
        return None
    try:
        return prompt_use(user=user, prompt_id=panel.prompt_id, version=panel.prompt_version)
    except RunRefused:
        return None


def _as_body(version: PromptVersion) -> object:
    alike = Panel()
    alike.take(version.draft)
    return alike.body


def running_answers(playground_id: UUID) -> list[tuple[UUID, int]]:
    """Calls that go on, with their answers."""
    running = Generation.objects.running().filter(panel_answer__panel__playground=playground_id)
    return list(running.values_list("pk", "panel_answer__pk"))


def running_of(user: User, playground_id: UUID, panel_ids: Collection[int]) -> list[UUID]:
    """The calls of some panels that go on and that the user has asked for."""
    running = Generation.objects.running().filter(user=user, panel_answer__panel__playground=playground_id)
    return list(running.filter(panel_answer__panel__in=panel_ids).values_list("pk", flat=True))
