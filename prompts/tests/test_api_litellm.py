from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from prompts import services
from prompts.drafts import Draft
from prompts.tests.conftest import Program

pytestmark = pytest.mark.django_db
PATH = "/beta/litellm_prompt_management"


def create(owner: User, body: Any, **values: Any) -> None:
    kind = "text" if isinstance(body, str) else "chat"
    draft = Draft(body, **values)
    services.create_prompt(owner=owner, name="a/b", type=kind, draft=draft, labels=["production"])


def test_it_gives_messages_with_variables_in_one_brace(program: Program, alice: User) -> None:
    placeholder = {"type": "placeholder", "name": "history"}
    message = {"type": "chatmessage", "role": "user", "content": "Hi {{ name }}, {{city}} { x }"}
    create(alice, [message, placeholder])
    assert program.get(PATH, prompt_id="a/b").json() == {
        "prompt_id": "a/b",
        "prompt_template": [{"role": "user", "content": "Hi {name}, {city} { x }"}],
        "prompt_template_model": None,
        "prompt_template_optional_params": None,
    }


def test_a_text_is_a_system_message(program: Program, alice: User) -> None:
    create(alice, "Hi")
    assert program.get(PATH, prompt_id="a/b").json()["prompt_template"] == [{"role": "system", "content": "Hi"}]


def test_it_gives_the_model_and_its_parameters(program: Program, alice: User) -> None:
    tool = {"type": "function", "function": {"name": "search"}}
    schema = {"type": "object"}
    own: dict[str, Any] = {"provider": "openai", "model": "gpt-5", "parameters": {"temperature": 0.5}}
    create(alice, "Hi", tools=(tool,), response_schema=schema, **own)
    found = program.get(PATH, prompt_id="a/b").json()
    json_schema = {"name": "response", "schema": schema}
    parameters = {"temperature": 0.5, "tools": [tool]}
    parameters["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    assert (found["prompt_template_model"], found["prompt_template_optional_params"]) == ("openai/gpt-5", parameters)


def test_it_answers_as_the_rest_of_the_api(program: Program, alice: User) -> None:
    create(alice, "Hi")
    assert program.get(PATH, prompt_id="a/b", label="staging").status_code == 404
    assert program.get(PATH).status_code == 422
    assert Client().get(PATH, {"prompt_id": "a/b"}).status_code == 401
