from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from redis.exceptions import ResponseError

from accounts.models import User
from aistrale import urls

ClientOf = Callable[[User], Client]
FAULTS: dict[str, type[Exception]] = {
    "400": SuspiciousOperation,
    "403": PermissionDenied,
    "404": Http404,
    "413": RequestDataTooBig,
    "500": ZeroDivisionError,
    "503": OperationalError,
}


def fail(request: HttpRequest, status: str) -> HttpResponse:
    raise FAULTS[status]("an inner detail")


def fail_as_redis(request: HttpRequest) -> HttpResponse:
    """As redis-py does where the disk of Redis is full."""
    raise ResponseError("MISCONF Errors writing to the AOF file: No space left on device")


urlpatterns = [path("fail/full-redis/", fail_as_redis), path("fail/<status>/", fail), *urls.urlpatterns]
handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
handler429, handler500 = urls.handler429, urls.handler500


@pytest.fixture
def client(client_of: ClientOf, alice: User) -> Client:
    client = client_of(alice)
    client.raise_request_exception = False
    return client


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("status", FAULTS)
def test_it_explains_without_inner_details(client: Client, status: str) -> None:
    response = client.get(f"/fail/{status}/")
    page = response.content.decode()
    assert response.status_code == int(status)
    assert f"Error {status}" in page
    assert "inner detail" not in page


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("status", FAULTS)
def test_it_answers_htmx_with_a_toast(client: Client, status: str) -> None:
    response = client.get(f"/fail/{status}/", headers={"HX-Request": "true"})
    assert response.status_code == int(status)
    assert (response.headers["HX-Retarget"], response.headers["HX-Reswap"]) == ("#toasts", "beforeend")
    assert b"<html" not in response.content


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("status", FAULTS)
def test_it_answers_programs_in_a_line(client: Client, status: str) -> None:
    response = client.get(f"/fail/{status}/", headers={"Authorization": "Bearer ais_unknown"})
    assert response.status_code == int(status) and response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode().count("\n") == 1 and b"inner detail" not in response.content


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("status", FAULTS)
def test_it_protects_error_pages_too(client: Client, status: str) -> None:
    headers = client.get(f"/fail/{status}/").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def request_id() -> Iterator[str]:
    with structlog.contextvars.bound_contextvars(request_id="4f1c"):
        yield "4f1c"


def test_it_shows_the_request_id(request_id: str) -> None:
    from aistrale.errors import not_found

    response = not_found(RequestFactory().get("/"), Http404())
    assert f"<code>{request_id}</code>" in response.content.decode()


@pytest.mark.urls(__name__)
def test_it_says_when_to_come_back_after_an_outage_of_the_database(client: Client) -> None:
    assert client.get("/fail/503/").headers["Retry-After"] == "5"


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_it_takes_a_redis_whose_disk_is_full_for_an_outage(client: Client) -> None:
    assert client.get("/fail/full-redis/").status_code == 503


def test_it_explains_a_form_without_a_csrf_token() -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"login": "a", "password": "b"})
    assert response.status_code == 403
    assert b"no longer valid" in response.content
