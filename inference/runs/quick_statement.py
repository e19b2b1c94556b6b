"""The one statement that starts a run: its rows and its conditions, made of the models themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from uuid import UUID

from django.db import connection, models
from psycopg import sql

from accounts.models import User
from inference.models import Conversation, Message, Role
from telemetry.models import Generation, GenerationContent
from tokens.services import by_preference

# The user's default key of a provider, one that was chosen, or none.
Pick = Literal["default", "chosen"] | None


@dataclass(frozen=True, slots=True)
class Statement:
    """As PostgreSQL reads it. ``names``: of the values for $1, $2 and so on."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Statement:
        """``text`` in the style of psycopg, which would translate it each time: it is too long for its cache."""
        names = tuple(dict.fromkeys(_VALUE.findall(text)))
        places = {name: f"${place}" for place, name in enumerate(names, start=1)}
        return cls(_VALUE.sub(lambda value: places[value[1]], text).replace("%%", "%"), names)


_VALUE = re.compile(r"%\((\w+)\)s")


@cache
def statement(is_new: bool, pick: Pick) -> Statement:
    """``permitted`` has one row or none, and every row that is written comes from it."""
    conversation = _insert("conversation", Conversation(), "permitted") + " ON CONFLICT DO NOTHING RETURNING id, title"
    if not is_new:
        conversation = _UPDATE_CONVERSATION
    return Statement.of(f"""
WITH permitted AS MATERIALIZED (
  SELECT WHERE {_USER} AND {_PLACE} {f"AND {pick_condition(pick)[0]}" if pick else ""}
    AND inference_below_limits(%(user)s, %(open)s, %(open_in_all)s, %(per_minute)s)
), conversation AS ({conversation}),
question AS ({_insert("question", Message(role=Role.USER), "conversation")} RETURNING id),
call AS ({_insert("call", Generation(), "question")} RETURNING id),
content AS ({_insert("content", GenerationContent(), "call")}),
context AS ({_CONTEXT}),
answer AS ({_insert("answer", Message(role=Role.ASSISTANT), "question, call", parent_id="question.id")} RETURNING id)
SELECT conversation.title, question.id, answer.id,
  (SELECT sequence FROM audit_append(ARRAY[%(body)s::text], ARRAY[%(salt)s::text], ARRAY[%(details)s::text]))
FROM conversation, question, answer
""")  # noqa: S608 (names of our own tables)


_USER = """EXISTS (
  SELECT FROM accounts_user WHERE id = %(user)s AND is_active AND role = %(role)s AND password = %(password)s
)"""
# The end of the branch is an answer that has ended, below which nothing stands yet; and the form is new.
_PLACE = """
(%(question_parent_id)s::bigint IS NULL OR EXISTS (
  SELECT FROM inference_message AS leaf LEFT JOIN telemetry_generation AS made_by ON made_by.id = leaf.generation_id
  WHERE leaf.id = %(question_parent_id)s AND leaf.conversation_id = %(conversation_id)s
    AND leaf.role = 'assistant' AND made_by.status IS DISTINCT FROM 'running'
)) AND NOT EXISTS (
  SELECT FROM inference_message WHERE conversation_id = %(conversation_id)s
    AND (client_id = %(question_client_id)s OR parent_id IS NOT DISTINCT FROM %(question_parent_id)s)
)"""
_UPDATE_CONVERSATION = """
UPDATE inference_conversation AS kept
SET provider = %(conversation_provider)s, model = %(conversation_model)s,
  token_id = %(conversation_token_id)s::uuid, system = %(conversation_system)s,
  parameters = %(conversation_parameters)s, updated_at = %(conversation_updated_at)s
FROM permitted WHERE kept.id = %(conversation_id)s AND kept.owner_id = %(user)s AND kept.deleted_at IS NULL
RETURNING kept.id, kept.title"""
# Another call of the same user may have stored some of it since.
_CONTEXT = """
INSERT INTO telemetry_contextmessage (user_id, period, digest, parent, role, text, extra)
SELECT %(user)s, %(content_period)s::date, entry.* FROM call,
  unnest(%(digests)s::bytea[], %(parents)s::bytea[], %(roles)s::text[], %(texts)s::text[], %(extras)s::text[]) AS entry
ON CONFLICT DO NOTHING"""
_ASKER, _PROVIDER, _CHOSEN = -1, "\0", UUID(int=0)


@cache
def pick_condition(pick: Pick) -> tuple[str, dict[str, object]]:
    """That the token is still the one that is picked, and has the same secret; and the values that this names."""
    tokens = by_preference(User(pk=_ASKER)).filter(provider=_PROVIDER)
    if pick == "chosen":
        tokens = tokens.filter(pk=_CHOSEN)
    question, values = tokens.values("pk", "secret")[:1].query.sql_with_params()
    known = {_ASKER: "%(user)s", _PROVIDER: "%(call_provider)s", _CHOSEN: "%(call_token_id)s"}
    own = {f"pick_{place}": value for place, value in enumerate(values) if value not in known}
    names = [known.get(value, f"%(pick_{place})s") for place, value in enumerate(values)]
    return f"(%(call_token_id)s::uuid, %(secret)s::bytea) = ({question % tuple(names)})", own


# What is sent for each row; all other columns have the values of a new row, which are part of the statement.
_SENT: Mapping[str, tuple[str, ...]] = {
    "conversation": (
        *("id", "owner", "title", "provider", "model", "token_id", "system", "parameters"),
        *("created_at", "updated_at"),
    ),
    "question": ("conversation", "parent", "text", "client_id", "created_at"),
    "call": (
        *("id", "user", "conversation_id", "token_id", "token_label", "base_url", "provider", "request_model"),
        *("parameters", "started_at", "process_id"),
        *("prompt_id", "prompt_name", "prompt_version", "prompt_labels"),
    ),
    "content": ("generation", "period", "head"),
    "answer": ("conversation", "generation", "created_at"),
}


def _insert(prefix: str, new: models.Model, source: str, **computed: str) -> str:
    """A row like ``new`` with what is sent, or ``computed`` from ``source``, which has one row or none."""
    values = {str(field.column): _value(prefix, new, field) for field in _filled(type(new))} | computed
    table, names = new._meta.db_table, ", ".join(values)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {source}"  # noqa: S608


def _filled(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """What the database does not fill by itself."""
    fields = model._meta.concrete_fields
    return [one for one in fields if not isinstance(one, models.AutoField) and one.db_default is models.NOT_PROVIDED]


def _value(prefix: str, new: models.Model, field: models.Field[Any, Any]) -> str:
    if field.name in _SENT[prefix]:
        return f"%({prefix}_{field.column})s::{_type(field)}"
    value = sql.Literal(field.get_db_prep_save(field.value_from_object(new), connection)).as_string()
    return f"{value.replace('%', '%%')}::{_type(field)}"


def values_of_row(prefix: str, row: models.Model) -> dict[str, object]:
    return {
        name: field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for name, field in _sent_fields(prefix, type(row))
    }


@cache
def _sent_fields(prefix: str, model: type[models.Model]) -> list[tuple[str, models.Field[Any, Any]]]:
    return [(f"{prefix}_{one.column}", one) for one in _filled(model) if one.name in _SENT[prefix]]


def _type(field: models.Field[Any, Any]) -> str:
    """Without its length, by which a cast would cut."""
    return re.sub(r"\(.*\)", "", str(field.db_type(connection)))
