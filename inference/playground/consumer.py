"""The socket of a playground: all of its panels stream over it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.sessions.services import note_activity
from audit.text import replace_unstorable
from inference.chat.forms import TEXT_LIMIT
from inference.chat.run_socket import NOT_FOUND, TRY_AGAIN, Handler, Message, RunSocket, uuid_of
from inference.playground import fragments
from inference.playground.fragments import AnswerPainter
from inference.playground.models import Playground
from inference.playground.rounds import (
    ResultsRefused,
    Round,
    answer_tools,
    running_answers,
    running_of,
    start_round,
)
from inference.runs.database import in_thread
from inference.runs.finish import request_stop
from inference.runs.limits import note_limit_hit

MOST_IDS = 8


class PlaygroundConsumer(RunSocket):
    """One page on one playground."""

    def handlers(self) -> Mapping[str, Handler]:
        return {"watch": self._watch_all, "run": self._run, "results": self._answer_tools, "stop": self._stop}

    async def find(self, user: User) -> bool:
        self._playground_id: UUID = self.scope["url_route"]["kwargs"]["pk"]
        return await self.is_visible(user)

    async def is_visible(self, user: User) -> bool:
        return await in_thread(Playground.objects.visible_to(user).filter(pk=self._playground_id).exists)()

    async def paint(self, generation_id: UUID, answer_id: int, user: User) -> None:
        painter = AnswerPainter(answer_id)
        async with aclosing(self.runs.watch(generation_id)) as batches:
            async for batch in batches:
                await self.send(painter.paint(batch))
        await self.send(await in_thread(fragments.render_ended)(answer_id, viewer=user))

    async def _watch_all(self, user: User, message: Message) -> None:
        if not await self.is_visible(user):
            return await self.close(NOT_FOUND)
        for generation_id, answer_id in await in_thread(running_answers)(self._playground_id):
            self.watch(generation_id, answer_id, user)

    async def _run(self, user: User, message: Message) -> None:
        """``panels`` are the ids of those to run, ``round`` the id by which the page knows what it has sent."""
        round_id, panel_ids = uuid_of(message.get("round")), _ids(message.get("panels"))
        if self.runs.is_draining or round_id is None:
            return await self.close(TRY_AGAIN, "AISTRALE is restarting.")
        start = partial(
            start_round, user=user, playground_id=self._playground_id, panel_ids=panel_ids, round_id=round_id
        )
        await self._begin(user, start, panel_ids)

    async def _answer_tools(self, user: User, message: Message) -> None:
        """``results``: by the id of the call what its tool says, for the answer ``answer`` of the panel ``panel``."""
        results = message.get("results")
        sent = {str(name): str(text) for name, text in results.items()} if isinstance(results, dict) else {}
        texts = replace_unstorable(sent)
        panel_ids, answer_ids = _ids([message.get("panel")]), _ids([message.get("answer")])
        if self.runs.is_draining or not (panel_ids and answer_ids) or sum(map(len, texts.values())) > TEXT_LIMIT:
            return await self.close(TRY_AGAIN)
        start = partial(
            answer_tools, user=user, playground_id=self._playground_id, answer_id=answer_ids[0], results=texts
        )
        try:
            await self._begin(user, start, panel_ids)
        except ResultsRefused as refusal:
            await self.send(fragments.render_refused_results(answer_ids[0], str(refusal)))

    async def _begin(self, user: User, start: Callable[[], Round], panel_ids: Collection[int]) -> None:
        """Start, let the calls leave, and then show what was started."""
        try:
            async with self.runs.starting:
                begun = await in_thread(start)()
        except Playground.DoesNotExist:
            return await self.close(NOT_FOUND)
        for _, order in begun.started:
            self.runs.launch(order)
        if begun.limit:
            await in_thread(note_limit_hit)(user, begun.limit)
        page = in_thread(fragments.render_round)
        await self.send(await page(self._playground_id, begun.refused, panel_ids, viewer=user))
        for answer, order in begun.started:
            self.watch(order.generation_id, answer.pk, user)
        await in_thread(note_activity)(session_key=self.session_key)

    async def _stop(self, user: User, message: Message) -> None:
        running = await in_thread(running_of)(user, self._playground_id, _ids(message.get("panels")))
        for generation_id in running:
            if await in_thread(request_stop)(user=user, generation_id=generation_id):
                await self.runs.stop(generation_id)


def _ids(found: Any) -> list[int]:
    """What can be ids of panels; anything else counts as not sent."""
    listed = found if isinstance(found, list) else []
    return [one for one in listed[:MOST_IDS] if isinstance(one, int) and 0 < one < 2**63]
