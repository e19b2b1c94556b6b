"""Recording calls. Every function here runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count, Max, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from audit.services import record
from audit.text import replace_unstorable
from telemetry.actions import TelemetryAction
from telemetry.context import SentMessage, chain, head_of, period_of
from telemetry.models import (
    ContextMessage,
    Generation,
    GenerationContent,
    GenerationQuerySet,
    PriceOverride,
    Spend,
    Status,
    UsageSource,
)
from telemetry.pricing import FEES, PARTS, Receipt, TokenCounts, price
from telemetry.prompt_use import PromptUse, UserCalls, VersionFigures, prompt_columns

LARGEST_COUNT = 2**31 - 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a call ended. Times are aware datetimes, ``attempts`` one mapping per attempt, ``tool_calls`` one per call.

    ``usage_parts``: what of the tokens is billed apart, and what is billed by the piece, by the names of
    ``pricing.PARTS`` and ``FEES``; ``service_tier`` as the provider names it; ``usage_note`` says what a reader of the
    receipt should know about the figures. ``thought_ms`` is how long the reasoning took.
    """

    status: Status
    text: str = ""
    reasoning: str = ""
    thought_ms: int | None = None
    tool_calls: Sequence[Mapping[str, str]] = ()
    tokens: TokenCounts | None = None
    tokens_are_estimated: bool = False
    usage_parts: Mapping[str, int] = field(default_factory=dict)
    service_tier: str = ""
    usage_note: str = ""
    reported_cost_usd: str | None = None
    finish_reason: str = ""
    response_model: str = ""
    response_id: str = ""
    provider_request_id: str = ""
    error_type: str = ""
    error_message: str = ""
    error_status: int | None = None
    first_token_at: datetime | None = None
    attempts: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """A call that is about to be made.

    ``base_url`` is where the provider's dialect is spoken by another server than the provider's own. ``end_user``,
    ``session_id`` and ``tags`` are what the application says of it.
    """

    provider: str
    model: str
    parameters: Mapping[str, Any]
    sent: Sequence[SentMessage]
    process_id: int
    conversation_id: UUID | None = None
    token_id: UUID | None = None
    token_label: str = ""
    base_url: str = ""
    prompt: PromptUse | None = None
    end_user: str = ""
    session_id: str = ""
    tags: Sequence[str] = ()


def start_generation(*, user: User, call: NewCall) -> Generation:
    return start_generations(user=user, calls=[call])[0]


def start_generations(*, user: User, calls: Sequence[NewCall]) -> list[Generation]:
    """In the order of the calls, in as many statements for many as for one."""
    now = timezone.now()
    period = period_of(now)
    generations = [_new_generation(user, call, now) for call in calls]
    Generation.objects.bulk_create(generations)
    heads = store_contexts([call.sent for call in calls], user=user, period=period)
    GenerationContent.objects.bulk_create(
        GenerationContent(generation=generation, period=period, head=head)
        for generation, head in zip(generations, heads, strict=True)
    )
    return generations


def _new_generation(user: User, call: NewCall, started_at: datetime) -> Generation:
    return Generation(
        user=user,
        conversation_id=call.conversation_id,
        token_id=call.token_id,
        token_label=call.token_label,
        provider=call.provider,
        base_url=call.base_url,
        request_model=call.model,
        parameters=dict(call.parameters),
        started_at=started_at,
        process_id=call.process_id,
        end_user=call.end_user,
        session_id=call.session_id,
        tags=list(call.tags),
        **prompt_columns(call.prompt),
    )


def store_contexts(contexts: Sequence[Sequence[SentMessage]], *, user: User, period: date) -> list[bytes]:
    """Store what is not stored yet of what calls send; of each the digest that stands for all of it."""
    chains = [chain(messages) for messages in contexts]
    entries = {entry.digest: entry for one in chains for entry in one}
    stored = ContextMessage.objects.stored(entries.values(), user_id=user.pk, period=period)
    missing = [
        ContextMessage(user=user, period=period, digest=digest, parent=entry.parent, **entry.message._asdict())
        for digest, entry in entries.items()
        if digest not in stored
    ]
    # Another call of the same user may store the same at this moment.
    ContextMessage.objects.bulk_create(missing, ignore_conflicts=True)
    return [head_of(one) for one in chains]


def mark_alive(*, generation_ids: Collection[UUID]) -> None:
    """Note that whoever runs these calls still does, so that nobody takes them for interrupted."""
    Generation.objects.running().filter(pk__in=generation_ids).update(heartbeat_at=Now())


def finish_generation(*, generation_id: UUID, outcome: CallOutcome, ended_at: datetime | None = None) -> bool:
    """Store the result of a call and what it cost, once: False means that it had ended before, or was erased.

    A call that was taken for interrupted has not ended: its result replaces all that was stored instead.
    ``ended_at`` is when the result came, by default now. What providers send is cut and cleaned to fit, so that no
    answer of theirs can keep a call from ending.
    """
    return _finish(Generation.objects.open_to_result(), generation_id, outcome, ended_at or timezone.now())


def abandon_generation(*, generation_id: UUID, outcome: CallOutcome) -> bool:
    """The same for a call that is recorded as running, by a process that does not make it."""
    return _finish(Generation.objects.running(), generation_id, outcome, timezone.now())


def _finish(calls: GenerationQuerySet, generation_id: UUID, outcome: CallOutcome, ended_at: datetime) -> bool:
    call = calls.filter(pk=generation_id)
    generation = call.select_for_update().only("provider", "base_url", "request_model", "started_at").first()
    if generation is None:
        return False
    call.update(**result_of(generation, outcome, ended_at=ended_at))
    GenerationContent.objects.filter(generation=generation_id).update(
        response_text=replace_unstorable(outcome.text),
        reasoning_text=replace_unstorable(outcome.reasoning),
        tool_calls=replace_unstorable(outcome.tool_calls),
    )
    return True


def result_of(generation: Generation, outcome: CallOutcome, *, ended_at: datetime) -> dict[str, Any]:
    """What a call's record is to say once it has ended, by the names of its fields.

    Of ``generation``, only what never changes is looked at: provider, base_url, request_model and started_at.
    """
    tokens = _plausible(outcome.tokens, generation.pk)
    receipt = _receipt(generation, outcome, tokens) if tokens else None
    return {
        "status": outcome.status,
        "ended_at": max(ended_at, generation.started_at),
        "first_token_at": outcome.first_token_at,
        "attempts": replace_unstorable(outcome.attempts),
        "error_status": outcome.error_status,
        "usage_details": _details(outcome) if tokens else {},
        "cost_usd": receipt.total if receipt else None,
        "receipt": receipt.as_json() if receipt else None,
        **_texts(outcome),
        **_usage(tokens, are_estimated=outcome.tokens_are_estimated),
    }


@transaction.atomic
def note_content_read(*, generation: Generation, actor: User) -> None:
    """An administrator may read what others have said, and everybody may see that it was done."""
    if generation.user_id != actor.pk:
        record(action=TelemetryAction.CONTENT_READ, actor=actor, target=generation)


@transaction.atomic
def note_export(*, actor: User, file_format: str, filters: str) -> None:
    after = {"format": file_format}
    record(action=TelemetryAction.CALLS_EXPORT, actor=actor, after=after, details={"filters": filters})


def spent_by_token(token_ids: Collection[UUID], *, since: datetime) -> Mapping[UUID, Spend]:
    """For the tokens page, which may not know of calls (``tokens.spending``)."""
    return Generation.objects.spent_by_token(token_ids, since=since)


def figures_by_version(prompt_id: UUID, versions: Collection[int], *, since: datetime) -> Mapping[int, VersionFigures]:
    """For the pages of prompts, which may not know of calls (``prompts.figures``). Of the calls of all users."""
    return Generation.objects.figures_of_prompt(prompt_id, versions, since=since)


def users_of_prompt(prompt_id: UUID, *, since: datetime, most: int) -> Sequence[UserCalls]:
    """For the pages of prompts (``prompts.callers``): the last who used it. None of accounts that were deleted."""
    calls = Generation.objects.filter(prompt_id=prompt_id, started_at__gte=since, user__isnull=False)
    newest = calls.filter(user=OuterRef("user")).order_by("-started_at").values("prompt_version")[:1]
    by_user = calls.order_by().values("user").annotate(uses=Count("pk"), last_at=Max("started_at"))
    rows = list(by_user.annotate(version=Subquery(newest)).order_by("-last_at", "user")[:most])
    users = User.objects.in_bulk([row["user"] for row in rows])
    return [UserCalls(users[row["user"]], row["uses"], row["version"], row["last_at"]) for row in rows]


def input_cost(tokens: int, *, provider: str, model: str) -> Decimal | None:
    """In USD, at today's prices of the provider itself; None where no price is known."""
    return cost_of(TokenCounts(input=tokens), provider=provider, model=model)


def cost_of(tokens: TokenCounts, *, provider: str, model: str, base_url: str = "") -> Decimal | None:
    """Of a call that was made now, in USD; None where no price is known."""
    name = replace_unstorable(model)
    overrides = PriceOverride.objects.of(provider, name)
    at = timezone.now()
    receipt = price(tokens, provider=provider, model=name, at=at, overrides=overrides, base_url=base_url)
    return receipt.total if receipt else None


def _plausible(tokens: TokenCounts | None, generation_id: UUID) -> TokenCounts | None:
    """A provider's figures, unless they cannot be true."""
    if tokens is None or all(0 <= count <= LARGEST_COUNT for count in asdict(tokens).values()):
        return tokens
    log.warning("implausible_usage", generation=str(generation_id), **asdict(tokens))
    return None


def _receipt(generation: Generation, outcome: CallOutcome, tokens: TokenCounts) -> Receipt | None:
    """Priced by the name that was asked for, or else by the name that the provider answered with."""
    names = dict.fromkeys(filter(None, (generation.request_model, outcome.response_model)))
    overrides = PriceOverride.objects.of(generation.provider, *map(replace_unstorable, names))
    receipts = (
        price(
            tokens,
            provider=generation.provider,
            model=name,
            base_url=generation.base_url,
            at=generation.started_at,
            overrides=overrides,
            reported_cost_usd=outcome.reported_cost_usd,
            parts=outcome.usage_parts,
            service_tier=outcome.service_tier,
        )
        for name in names
    )
    return next((receipt for receipt in receipts if receipt is not None), None)


def _details(outcome: CallOutcome) -> dict[str, Any]:
    """What a price is made of beside the tokens by class; as much of it as can be true."""
    known = {*FEES, *(name for names in PARTS.values() for name in names)}
    parts = {name: count for name, count in outcome.usage_parts.items() if name in known and count <= LARGEST_COUNT}
    tier: dict[str, Any] = (
        {"service_tier": replace_unstorable(outcome.service_tier)[:40]} if outcome.service_tier else {}
    )
    return parts | tier


def _texts(outcome: CallOutcome) -> dict[str, str]:
    texts = {
        "finish_reason": outcome.finish_reason,
        "response_model": outcome.response_model,
        "response_id": outcome.response_id,
        "provider_request_id": outcome.provider_request_id,
        "error_type": outcome.error_type,
        "error_message": outcome.error_message,
        "usage_note": outcome.usage_note,
    }
    longest = {field.name: field.max_length for field in Generation._meta.fields}
    return {name: replace_unstorable(text, longest=longest[name]) for name, text in texts.items()}


def _usage(tokens: TokenCounts | None, *, are_estimated: bool) -> dict[str, Any]:
    """All columns, so that nothing of an estimate is left when a result replaces it."""
    source = UsageSource.ESTIMATED if are_estimated else UsageSource.REPORTED
    counts = asdict(tokens) if tokens else dict.fromkeys(field.name for field in fields(TokenCounts))
    return {**{f"{name}_tokens": count for name, count in counts.items()}, "usage_source": source if tokens else ""}
