"""How runs end: stopped by their user, finished by their provider, or interrupted with their process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from redis import Redis

from audit.services import record
from audit.text import replace_unstorable
from inference.actions import InferenceAction
from inference.models import Message
from inference.providers.errors import AuthenticationFailed
from inference.runs import metrics, relay
from inference.runs.estimates import estimate_tokens
from inference.runs.stream_buffer import Delta, text_of
from inference.runs.tool_calls import as_stored, tool_calls_of
from telemetry import services as telemetry
from telemetry.models import Generation, GenerationContent, Status
from tokens.checks import CheckResult, TokenState
from tokens.models import ProviderToken
from tokens.services import record_check

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def request_stop(*, user: User, generation_id: UUID) -> bool:
    """Record that the user wants the run to end; False where the user has no such run going on."""
    generation = Generation.objects.running().filter(pk=generation_id, user=user).first()
    if generation is None:
        return False
    record(action=InferenceAction.RUN_STOP, actor=user, target=generation)
    return True


@dataclass(frozen=True, slots=True)
class Partial:
    """What has come of an answer so far."""

    generation_id: UUID
    text: str
    reasoning: str
    tool_calls: Sequence[Mapping[str, str]] = ()

    @classmethod
    def of(cls, generation_id: UUID, deltas: Sequence[Delta]) -> Partial:
        calls = as_stored(tool_calls_of(deltas))
        return cls(generation_id, text_of(deltas, "text"), text_of(deltas, "reasoning"), calls)


@transaction.atomic
def save_partials(*, partials: Sequence[Partial], alive: Sequence[UUID]) -> None:
    """Store what has come of runs that are going on, and that the runs ``alive`` are. An answer never shrinks."""
    # First the calls, then their contents, as finish_run does it: the other way round they would wait for each other.
    telemetry.mark_alive(generation_ids=alive)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE telemetry_generationcontent AS stored
            SET response_text = news.text, reasoning_text = news.reasoning, tool_calls = news.tool_calls
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[]) AS news (id, text, reasoning, tool_calls)
            WHERE stored.generation_id = news.id
              AND length(stored.response_text) + length(stored.reasoning_text) + length(stored.tool_calls::text)
              < length(news.text) + length(news.reasoning) + length(news.tool_calls::text)
            """,
            [
                [partial.generation_id for partial in partials],
                [partial.text for partial in partials],
                [partial.reasoning for partial in partials],
                [json.dumps(partial.tool_calls) for partial in partials],
            ],
        )


# The conditions of ``GenerationQuerySet.open_to_result``. One statement is atomic by itself, and one round trip.
_FINISH = """
WITH ended AS (
    UPDATE telemetry_generation SET {columns}
    WHERE id = %(generation)s AND (status = 'running' OR status = 'interrupted' AND user_id IS NOT NULL)
    RETURNING id
), content AS (
    UPDATE telemetry_generationcontent AS content
    SET response_text = %(text)s, reasoning_text = %(reasoning)s, tool_calls = %(tool_calls)s::jsonb
    FROM ended WHERE content.generation_id = ended.id
), answer AS (
    UPDATE inference_message AS answer
    SET text = %(text)s, reasoning = %(reasoning)s, tool_calls = %(tool_calls)s::jsonb, thought_ms = %(thought_ms)s
    FROM ended WHERE answer.generation_id = ended.id
)
SELECT count(*) FROM ended
"""


def finish_run(*, generation_id: UUID, outcome: telemetry.CallOutcome, ended_at: datetime) -> bool:
    """Store the result of a run, once: False means that it had ended before, and nothing was changed.

    What it has shown of its key, that the provider takes or refuses it, is stored with it where that is news.
    """
    key = ProviderToken.objects.filter(pk=OuterRef("token_id"), secret_set_at__lte=OuterRef("started_at"))
    runs = QuerySet(Generation).annotate(key_state=Subquery(key.values("state")))
    run = runs.filter(pk=generation_id).first()
    if run is None:
        return False
    result = telemetry.result_of(run, outcome, ended_at=ended_at)
    check = _check_shown_by(outcome)
    if check is None or run.key_state in (None, check.state):
        has_ended = _finish(run, outcome, result)
    else:
        has_ended = _finish_with_check(run, outcome, result, check)
    if has_ended:
        metrics.observe_call(run, outcome, ended_at=ended_at, cost_usd=result["cost_usd"])
    return has_ended


@transaction.atomic
def _finish_with_check(
    run: Generation, outcome: telemetry.CallOutcome, result: Mapping[str, Any], check: CheckResult
) -> bool:
    has_ended = _finish(run, outcome, result)
    for token in ProviderToken.objects.filter(pk__in=[run.token_id]) if has_ended else ():
        record_check(token=token, actor=run.user, result=check)
    return has_ended


def _finish(run: Generation, outcome: telemetry.CallOutcome, result: Mapping[str, Any]) -> bool:
    fields = [field for field in Generation._meta.concrete_fields if field.name in result]
    values = {field.name: field.get_db_prep_save(result[field.name], connection) for field in fields}
    statement = _FINISH.format(columns=", ".join(f"{field.column} = %({field.name})s" for field in fields))
    values |= {"text": replace_unstorable(outcome.text), "reasoning": replace_unstorable(outcome.reasoning)}
    values["thought_ms"] = outcome.thought_ms
    values["tool_calls"] = json.dumps(replace_unstorable(outcome.tool_calls))
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "generation": run.pk})
        return bool(cursor.fetchone()[0])


def _check_shown_by(outcome: telemetry.CallOutcome) -> CheckResult | None:
    if outcome.status == Status.SUCCEEDED:
        return CheckResult(TokenState.WORKING, "", 0)
    if outcome.error_type == AuthenticationFailed.kind:
        return CheckResult(TokenState.REFUSED, outcome.error_message, 0)
    return None


def stop_runs_of(*, user: User) -> list[UUID]:
    """End every run of a person in the records, with what has been stored of it; returns which. The calls go on."""
    running = list(Generation.objects.running().filter(user=user))
    for generation in running:
        _abandon(generation, Status.STOPPED)
    return [generation.pk for generation in running]


def interrupt_runs(runs: Iterable[Generation]) -> int:
    """End runs whose process has died, with all text that came of them; returns how many of them went on till now.

    Raises RedisError where Redis, which has the newest text, does not answer.
    """
    with Redis.from_url(settings.REDIS_URL, socket_timeout=4, socket_connect_timeout=2) as redis:
        return sum(_interrupt(run, relay.copied_deltas(redis, run.pk)) for run in runs)


def _interrupt(run: Generation, copied: Sequence[Delta]) -> bool:
    save_partials(partials=[Partial.of(run.pk, copied)], alive=[])
    return _abandon(run, Status.INTERRUPTED, "interrupted", "The server restarted during this answer.")


def _abandon(run: Generation, status: Status, error_type: str = "", error_message: str = "") -> bool:
    content = GenerationContent.objects.get(generation=run)
    text, reasoning, calls = content.response_text, content.reasoning_text, content.tool_calls
    said = "".join([text, *(call["arguments"] for call in calls)])
    outcome = telemetry.CallOutcome(
        status=status,
        text=text,
        reasoning=reasoning,
        tool_calls=calls,
        tokens=estimate_tokens(content.sent(), said, reasoning),
        tokens_are_estimated=True,
        error_type=error_type,
        error_message=error_message,
    )
    with transaction.atomic():
        has_ended = telemetry.abandon_generation(generation_id=run.pk, outcome=outcome)
        if has_ended:
            Message.objects.filter(generation=run).update(text=text, reasoning=reasoning, tool_calls=calls)
    if has_ended:
        metrics.observe_abandoned(run, outcome)
    return has_ended
