"""Making one call: attempts, accounting, and the outcome whatever happens."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import structlog

from audit.text import replace_unstorable
from inference.attachments.services import FilesMissing, with_content
from inference.providers.base import (
    ChatRequest,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from inference.providers.connecting import Connecting, watched
from inference.providers.errors import ContentFiltered, ProviderError, Unsupported
from inference.providers.registry import load_adapter
from inference.runs import metrics, tracing
from inference.runs.database import in_thread
from inference.runs.estimates import estimate_tokens, estimate_uncounted
from inference.runs.start import PreparedRun, as_sent
from inference.runs.stream_buffer import Delta, LiveRun
from inference.runs.thoughts import Part, ThoughtSplitter
from inference.runs.tool_calls import CallWriter, as_stored, said_in, tool_calls_of
from inference.runs.waiting import Waiting, as_notice
from telemetry.models import Status
from telemetry.pricing import TokenCounts
from telemetry.services import CallOutcome

log = structlog.get_logger(__name__)

_jitter = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed attempt is worth another one. The only layer that retries: the SDKs are told not to.

    At most ``attempts`` attempts; waits in seconds, each at most ``longest_wait``.
    """

    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 20.0

    def wait_after(self, error: ProviderError, *, attempt: int) -> float | None:
        """Seconds to wait before the next attempt, or None to give up; ``attempt`` counts from 1.

        If the provider asks for a longer wait than ``longest_wait``, its error is shown instead.
        """
        if not error.retryable or attempt >= self.attempts:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest_wait else None
        ceiling = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return _jitter.uniform(ceiling / 2, ceiling)


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a run is ended from our side."""

    status: Status
    error_type: str = ""
    message: str = ""


STOPPED = StopReason(Status.STOPPED)
UNWATCHED = StopReason(Status.STOPPED, "unwatched", "Stopped because nobody was watching any more.")
_CUT = "The provider counted the input; the output is estimated, since the answer ended before it was counted."
SHUTDOWN = StopReason(Status.INTERRUPTED, "interrupted", "The server was shut down during this answer.")


@dataclass
class CallStats:
    """What has been learned of a call besides its text. ``observe_gap`` takes the seconds between two chunks."""

    observe_gap: Callable[[float], object]
    usage: Usage | None = None
    finished: Finished | None = None
    first_token_at: datetime | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    last_chunk: float | None = None
    thought_since: float | None = None
    thought_ms: int | None = None
    _calls: CallWriter = field(default_factory=CallWriter)
    _thoughts: ThoughtSplitter = field(default_factory=ThoughtSplitter)

    def take(self, event: StreamEvent, live: LiveRun) -> None:
        match event:
            case TextDelta(text):
                self._note_chunk()
                self._say(self._thoughts.feed(text), live)
            case ReasoningDelta(text):
                self._note_chunk()
                self._say([("reasoning", text)], live)
            case ToolCallDelta():
                self._note_chunk()
                self._note_thought()
                for delta in self._calls.deltas(event):
                    live.append(delta)
            case Usage():
                self.usage = event
            case Finished():
                self.finished = event

    def end(self, live: LiveRun) -> None:
        """No more events will come."""
        self._say(self._thoughts.finish(), live)

    def _say(self, parts: Iterable[Part], live: LiveRun) -> None:
        for kind, text in parts:
            if kind == "text":
                self._note_thought()
            elif self.thought_since is None:
                self.thought_since = self.last_chunk
            live.append(Delta(kind, replace_unstorable(text)))

    def _note_thought(self) -> None:
        """The reasoning ends with the first word of the answer."""
        if self.thought_since is not None and self.thought_ms is None:
            self.thought_ms = round((time.monotonic() - self.thought_since) * 1000)

    def _note_chunk(self) -> None:
        now = time.monotonic()
        if self.last_chunk is None:
            self.first_token_at = datetime.now(UTC)
        else:
            self.observe_gap(now - self.last_chunk)
        self.last_chunk = now


class Run:
    """One call going on. ``stop`` may be called at any time, by anybody in the event loop."""

    def __init__(self, order: PreparedRun, live: LiveRun, policy: RetryPolicy) -> None:
        self.order = order
        self.live = live
        self._policy = policy
        self._record = CallStats(self._observe_gap)
        self._stop_reason: StopReason | None = None
        self._call: asyncio.Task[None] | None = None
        self._connecting = Connecting()
        self._hurried = asyncio.Event()

    def stop(self, reason: StopReason) -> None:
        """End the call; the connection to the provider closes with it. The first reason given counts."""
        if self._stop_reason is None:
            self._stop_reason = reason
            if self._call is not None:
                self._call.cancel()

    def hurry(self) -> None:
        """Wait no longer for the next attempt."""
        self._hurried.set()

    async def outcome(self) -> CallOutcome:
        """Make the call and tell how it ended. Raises nothing that a provider can cause."""
        if self._stop_reason is not None:
            return self._ended(self._stop_reason)
        self._call = asyncio.create_task(self._attempts())
        try:
            await self._call
        except asyncio.CancelledError:
            self._call.cancel()
            return self._ended(self._stop_reason or SHUTDOWN)
        except ProviderError as error:
            return self._failed(error.kind, error.message, status=error.status, request_id=error.request_id)
        except FilesMissing as error:
            return self._failed("file_missing", str(error))
        except Exception:
            log.exception("run_failed", generation=str(self.order.generation_id))
            return self._failed("internal_error", "AISTRALE itself failed during this call.")
        return self._succeeded()

    def _observe_gap(self, seconds: float) -> None:
        order = self.order
        metrics.output_chunks(order.provider, order.request.model, order.base_url or "")(seconds)

    async def _attempts(self) -> None:
        request = self.order.request
        if any(message.attachments for message in request.messages):
            request = await in_thread(with_content)(request, user_id=self.order.user_id)
        for attempt in count(1):
            started_at, started = datetime.now(UTC), time.monotonic()
            self._connecting = Connecting()
            watched.set(self._connecting)
            try:
                await self._attempt(request)
            except asyncio.CancelledError:
                self._note_attempt(started_at, time.monotonic() - started)
                raise
            except ProviderError as error:
                wait = None if self._record.first_token_at else self._policy.wait_after(error, attempt=attempt)
                self._note_attempt(started_at, time.monotonic() - started, error=error, wait=wait)
                if wait is None:
                    raise
                until = time.time() + wait
                self._hurried.clear()
                waiting = Waiting(error.kind, error.message, until, attempt + 1, self._policy.attempts)
                self.live.append(Delta("notice", as_notice(waiting)))
                await self._wait(wait)
            else:
                self._note_attempt(started_at, time.monotonic() - started)
                return

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()

    async def _attempt(self, request: ChatRequest) -> None:
        order, record = self.order, self._record
        adapter = await load_adapter(order.provider)
        if missing := adapter.abilities(request.model).missing_for(request):
            raise Unsupported(missing)
        with tracing.attempt_span(order, record):
            events = adapter.stream(request, api_key=order.api_key, base_url=order.base_url)
            async with aclosing(events):
                try:
                    async for event in events:
                        record.take(event, self.live)
                finally:
                    record.end(self.live)
            tracing.note_content(self.live.text("text"))
        if record.finished and record.finished.reason == "content_filter" and not record.first_token_at:
            raise ContentFiltered("The provider withheld the whole answer.", request_id=record.finished.request_id)

    def _note_attempt(
        self, started_at: datetime, seconds: float, *, error: ProviderError | None = None, wait: float | None = None
    ) -> None:
        attempt: dict[str, Any] = {"started_at": started_at.isoformat(), "seconds": round(seconds, 3)}
        if self._connecting.seconds is not None:
            attempt["connect_seconds"] = round(self._connecting.seconds, 4)
        if error is not None:
            attempt |= {"error_type": error.kind, "status": error.status, "message": error.message}
            attempt |= {} if error.retry_after is None else {"retry_after": error.retry_after}
        if wait is not None:
            attempt["wait_seconds"] = round(wait, 3)
        self._record.attempts.append(attempt)

    def _succeeded(self) -> CallOutcome:
        return self._outcome(Status.SUCCEEDED)

    def _ended(self, reason: StopReason) -> CallOutcome:
        return self._outcome(reason.status, error_type=reason.error_type, error_message=reason.message)

    def _failed(self, kind: str, message: str, *, status: int | None = None, request_id: str = "") -> CallOutcome:
        return self._outcome(
            Status.FAILED,
            error_type=kind,
            error_message=message,
            error_status=status,
            provider_request_id=request_id,
        )

    def _outcome(self, status: Status, **error: Any) -> CallOutcome:
        record = self._record
        finished: dict[str, Any] = {}
        if record.finished is not None:
            finished = {
                "finish_reason": record.finished.reason.value,
                "response_model": record.finished.model,
                "response_id": record.finished.response_id,
                "provider_request_id": record.finished.request_id,
            }
        return CallOutcome(
            status=status,
            text=self.live.text("text"),
            reasoning=self.live.text("reasoning"),
            thought_ms=record.thought_ms,
            tool_calls=as_stored(tool_calls_of(self.live.deltas)),
            first_token_at=record.first_token_at,
            attempts=tuple(record.attempts),
            **self._usage(),
            **(finished | error),
        )

    def _usage(self) -> dict[str, Any]:
        """The provider's figures; an estimate where text came without them; nothing where nothing came at all."""
        usage = self._record.usage
        if usage is None and self._record.first_token_at is None:
            return {}
        said, thought = said_in(self.live.deltas), self.live.text("reasoning")
        if usage is None:
            sent = as_sent(self.order.request)
            return {
                "tokens": estimate_tokens(sent, said, thought, file_tokens=self.order.file_tokens),
                "tokens_are_estimated": True,
            }
        told: dict[str, Any] = {
            "tokens": TokenCounts(usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning),
            "usage_parts": usage.parts,
            "service_tier": usage.service_tier,
            "usage_note": usage.note,
            "reported_cost_usd": usage.cost_usd,
        }
        estimate = None if self._record.finished else estimate_uncounted(told["tokens"], said, thought)
        return told | (
            {} if estimate is None else {"tokens": estimate, "tokens_are_estimated": True, "usage_note": _CUT}
        )
