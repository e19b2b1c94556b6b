"""What all of the API has in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.profile import api_keys

pytestmark = pytest.mark.django_db
PROMPTS = "/api/public/v2/prompts"


def bearer(user: User, *scopes: str) -> dict[str, str]:
    secret = api_keys.create(user=user, label="CI", expires_at=None, scopes=scopes or ["prompts:read"])[1]
    return {"Authorization": f"Bearer {secret}"}


def test_it_tells_anybody_that_it_is_well(client: Client) -> None:
    assert client.get("/api/public/health").json() == {"status": "OK", "version": "1"}


def test_it_names_one_project_to_whoever_has_a_key(client: Client, alice: User) -> None:
    [project] = client.get("/api/public/projects", headers=bearer(alice, "audit:read")).json()["data"]
    assert project["id"] and project["name"] and project["organization"]["name"] and project["metadata"] == {}
    assert client.get("/api/public/projects").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/public/nothing", 404, "not_found"),
        ("get", "/api/", 404, "not_found"),
        ("get", "/beta/nothing", 404, "not_found"),
        ("put", PROMPTS, 405, "method_not_allowed"),
        ("get", f"{PROMPTS}/a%00b", 400, "bad_request"),
        ("get", f"{PROMPTS}?name=%00", 400, "bad_request"),
        ("get", PROMPTS, 401, "invalid_key"),
    ],
)
def test_whatever_goes_wrong_is_told_in_json(client: Client, method: str, path: str, status: int, code: str) -> None:
    response = getattr(client, method)(path)
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert response["Cache-Control"] == "no-store"
    assert response.json().keys() == {"message", "error", "code"} and response.json()["code"] == code


def test_a_method_that_is_not_allowed_is_told_which_are(client: Client) -> None:
    assert client.put("/api/public/health")["Allow"] == "GET"


def test_an_outage_is_told_in_json(client: Client, alice: User, settings: Settings) -> None:
    headers = bearer(alice)
    default = settings.CACHES["default"]
    settings.CACHES = {"default": {**default, "LOCATION": "redis://127.0.0.1:1/0"}}
    client.raise_request_exception = False
    response = client.get(PROMPTS, headers=headers)
    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
    assert int(response["Retry-After"]) > 0


def test_the_document_is_openapi_and_names_every_status(client: Client) -> None:
    document = client.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    one = document["paths"]["/api/public/v2/prompts/{name}"]
    assert one.keys() == {"get", "delete"}
    assert {"200", "304", "400", "401", "403", "404", "409", "422", "429"} <= one["get"]["responses"].keys()
    assert "/api/public/v2/prompts/{name}/versions/{version}" in document["paths"]
    assert document["components"]["securitySchemes"].keys() == {"BasicKey", "BearerKey"}
    assert all(operation["description"] for path in document["paths"].values() for operation in path.values())


def test_the_page_shows_examples_and_every_operation(client_of: Callable[[User], Client], alice: User) -> None:
    page = client_of(alice).get("/api-docs/").content.decode()
    for part in ("curl -u", "from langfuse import", "@langfuse/client", "/beta/litellm_prompt_management", "DELETE"):
        assert part in page
    assert "{{mail}}" in page


def test_no_session_is_read_for_programs(client_of: Callable[[User], Client], alice: User) -> None:
    browser = client_of(alice)
    assert browser.get(PROMPTS).status_code == 401
    assert not browser.get("/api/public/health").cookies
