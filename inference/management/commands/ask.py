"""Ask a model one question from the command line, along the same path as a chat page."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from contextlib import aclosing
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from audit.context import Source, bind
from inference.chat.forms import RunForm
from inference.runs.active import Runs
from inference.runs.limits import note_limit_hit
from inference.runs.start import LimitReached, RunRefused, StartedRun, start_run
from telemetry.models import Generation, Status


class Command(BaseCommand):
    help = (
        "Stream a model's answer to standard output, then one line of usage on standard error. "
        'Example: manage.py ask --user me@example.org --provider openai --model gpt-4o "Why is the sky blue?"'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", help="the message")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the user, whose provider key is used")
        parser.add_argument("--provider", required=True, help="for example openai, or echo for the sandbox")
        parser.add_argument("--model", required=True)
        parser.add_argument("--system", default="", metavar="TEXT", help="system prompt")

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        user = User.objects.filter(email=options["user"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']}.")
        names = ("text", "provider", "model", "system")
        form = RunForm({"client_id": str(uuid4()), **{name: options[name] for name in names}})
        if not form.is_valid():
            raise CommandError(
                "; ".join(f"{name}: {error}" for name, errors in form.errors.items() for error in errors)
            )
        try:
            started = start_run(user=user, conversation_id=uuid4(), is_new=True, form=form.to_request())
        except RunRefused as refusal:
            if isinstance(refusal, LimitReached):
                note_limit_hit(user, refusal.kind)
            raise CommandError(refusal.message) from refusal
        if started is not None and started.order is not None:
            asyncio.run(self._stream(started))
        if started is not None:
            self._report(Generation.objects.get(message=started.answer_id))

    async def _stream(self, started: StartedRun) -> None:
        if started.order is None:
            return
        runs = Runs()
        await runs.open()
        generation_id = started.order.generation_id
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: loop.create_task(runs.stop(generation_id)))
        runs.launch(started.order)
        async with aclosing(runs.watch(generation_id)) as batches:
            async for batch in batches:
                self._print("".join(delta.text for delta in batch if delta.kind == "text"))
        await runs.close()

    def _print(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def _report(self, generation: Generation) -> None:
        self.stdout.write("")
        if generation.status == Status.FAILED:
            raise CommandError(f"{generation.error_type}: {generation.error_message}")
        self.stderr.write(usage_line(generation), self.style.NOTICE)
        if generation.status != Status.SUCCEEDED:
            raise CommandError(f"{generation.get_status_display()}. {generation.error_message}".strip())


def usage_line(generation: Generation) -> str:
    """For example ``openai gpt-4o · 0.41 s to first token · 12 in, 48 out · 61.3 tokens/s · $0.00051``."""
    about = "≈" if generation.usage_source == "estimated" else ""
    parts = [f"{generation.provider} {generation.request_model}"]
    if generation.seconds_to_first_token is not None:
        parts.append(f"{generation.seconds_to_first_token:.2f} s to first token")
    if generation.total_output_tokens is not None:
        parts.append(f"{about}{generation.total_input_tokens:,} in, {about}{generation.total_output_tokens:,} out")
    if generation.output_tokens_per_second is not None:
        parts.append(f"{about}{generation.output_tokens_per_second:.1f} tokens/s")
    parts.append(f"${generation.cost_usd.normalize():f}" if generation.cost_usd is not None else "unpriced")
    return " · ".join(parts)
