"""Asking endpoints for their models, all at once; their answers are kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from asgiref.sync import async_to_sync
from django.core.cache import cache

from accounts.admission import release_slot
from inference.attachments.listed import Listing, Told, list_key
from inference.providers.base import ModelInfo
from inference.providers.errors import ProviderError
from inference.providers.registry import load_adapter
from tokens.models import ProviderToken
from tokens.services import open_token

if TYPE_CHECKING:
    from accounts.models import User

log = structlog.get_logger(__name__)

LIMIT_SECONDS = 10.0
KEPT_SECONDS = 3600
ERROR_KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Question:
    provider: str
    cache_key: str
    base_url: str | None
    api_key: str


def question_for(user: User, provider: str, token: ProviderToken | None) -> Question:
    """Raises TokenUnreadable."""
    api_key = open_token(token_id=token.pk, actor=user) if token else ""
    return Question(provider, list_key(provider, token), (token.base_url or None) if token else None, api_key)


def ask_all(questions: Sequence[Question]) -> dict[str, Listing]:
    """By the key of the cache, in which they are kept. Each endpoint is waited for at most 10 s."""
    if not questions:
        return {}
    with release_slot():
        answers = async_to_sync(_gather)(questions)
    for question, answer in zip(questions, answers, strict=True):
        cache.set(question.cache_key, answer, ERROR_KEPT_SECONDS if answer["error"] else KEPT_SECONDS)
    return {question.cache_key: answer for question, answer in zip(questions, answers, strict=True)}


async def _gather(questions: Sequence[Question]) -> list[Listing]:
    return await asyncio.gather(*map(_ask, questions))


async def _ask(question: Question) -> Listing:
    try:
        adapter = await load_adapter(question.provider)
        async with asyncio.timeout(LIMIT_SECONDS):
            models = await adapter.list_models(api_key=question.api_key, base_url=question.base_url)
    except TimeoutError:
        return _failed(f"No answer within {LIMIT_SECONDS:.0f} s.")
    except ProviderError as error:
        return _failed(error.message.replace(question.api_key or "\0", "•••"))
    except Exception:
        # One endpoint's list must not take the others from anybody.
        log.exception("models_not_listed", provider=question.provider)
        return _failed("AISTRALE itself failed to list these models; its log says why.")
    return Listing(
        models=[(model.id, model.context_tokens) for model in models],
        error="",
        inputs={model.id: sorted(model.inputs) for model in models if model.inputs is not None},
        told={model.id: _told(model) for model in models if (model.chats, model.tools, model.reasons) != (None,) * 3},
    )


def _told(model: ModelInfo) -> Told:
    return Told(chats=model.chats, tools=model.tools, reasons=model.reasons)


def _failed(error: str) -> Listing:
    return Listing(models=[], error=error, inputs={})
