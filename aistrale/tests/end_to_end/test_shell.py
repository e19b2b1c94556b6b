from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import timezone

from accounts.models import User
from aistrale import urls
from aistrale.middleware import page_middleware
from aistrale.navigation import ADMIN, MAIN, SETTINGS_OF_USERS
from audit.rows import ICONS

ClientOf = Callable[[User], Client]
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
GENERATED = "code.css"  # the colours of Pygments
SPRITE = settings.BASE_DIR / "static/vendor/lucide/icons.svg"


def say(request: HttpRequest) -> HttpResponse:
    messages.success(request, "<b>Saved</b>")
    return HttpResponse("<p>fragment</p>", status=int(request.GET.get("status", "200")))


urlpatterns = [path("say/", say), *urls.urlpatterns]


def used_icons() -> set[str]:
    texts = [template.read_text() for template in TEMPLATES]
    texts += [script.read_text() for script in (settings.BASE_DIR / "static/js").glob("*.js")]
    navigation = {entry.icon for entry in (*MAIN, *ADMIN)} | set(ICONS.values())
    return navigation | {name for text in texts for name in re.findall(r'\{% icon "([^"]+)"', text)}


def drawn_icons() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()))


def test_it_draws_every_icon_that_is_used() -> None:
    assert used_icons() <= drawn_icons()


# A file that is downloaded has its style in itself.
PAGES = [template for template in TEMPLATES if template.name != "export.html"]


@pytest.mark.parametrize("template", PAGES, ids=lambda path: path.name)
def test_it_keeps_templates_free_of_what_the_csp_refuses(template: Path) -> None:
    assert not re.search(
        r"\sstyle=|\shx-on|\son[a-z]+=|javascript:|<style|<script(?![^>]*\ssrc=)", template.read_text()
    )


def test_it_marks_the_current_page(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).get("/").content.decode()
    assert set(re.findall(r'<a href="([^"]+)" aria-current="page"', page)) == {"/"}


@pytest.mark.parametrize(
    ("path", "title"),
    [("/tokens/add/", "Provider keys"), ("/tokens/keys/", "Encryption keys"), ("/account/teams/", "Teams")],
)
def test_it_knows_to_which_entry_a_page_belongs(client_of: ClientOf, admin: User, path: str, title: str) -> None:
    page = client_of(admin).get(path).content.decode()
    assert re.findall(r'aria-current="page"[^>]* title="([^"]+)"', page) == [title]


def test_it_offers_the_pages_of_settings_as_tabs(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).get("/account/sessions/").content.decode()
    tabs = page.partition('aria-label="Settings"')[2].partition("</nav>")[0]
    assert re.findall(r">([^<>]+)</a>", tabs) == [entry.title for entry in SETTINGS_OF_USERS]
    assert re.findall(r'aria-current="page">([^<]+)', tabs) == ["Sessions"]


def test_it_shows_administration_to_administrators_only(client_of: ClientOf, alice: User, admin: User) -> None:
    assert b'href="/people/"' in client_of(admin).get("/").content
    assert b'href="/people/"' not in client_of(alice).get("/").content


def test_it_puts_the_skip_link_first(client_of: ClientOf, alice: User) -> None:
    body = client_of(alice).get("/").content.decode().partition("<body")[2]
    first = re.search(r"<(?:a|button|input|select|textarea)\b[^>]*>", body)
    assert first and 'href="#content"' in first.group()


def test_it_draws_the_sidebar_folded_from_the_first_paint(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.cookies["sidebar"] = "folded"
    assert b'data-sidebar="folded"' in client.get("/").content


@pytest.mark.urls(__name__)
def test_it_appends_messages_to_fragments(client_of: ClientOf, alice: User) -> None:
    response = client_of(alice).get("/say/", headers={"HX-Request": "true"})
    assert b'<p>fragment</p><div hx-swap-oob="beforeend:#toasts">' in response.content
    assert b"&lt;b&gt;Saved&lt;/b&gt;" in response.content


@pytest.mark.urls(__name__)
def test_it_keeps_messages_for_the_next_page_when_nothing_is_swapped(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    assert client.get("/say/?status=204", headers={"HX-Request": "true"}).content == b""
    assert b"&lt;b&gt;Saved&lt;/b&gt;" in client.get("/").content


def test_it_shows_times_in_the_zone_of_the_user(rf: RequestFactory, alice: User) -> None:
    zones = []

    def view(request: HttpRequest) -> HttpResponse:
        zones.append(timezone.get_current_timezone_name())
        return HttpResponse()

    alice.time_zone = "Asia/Tokyo"
    request = rf.get("/")
    request.user = alice
    page_middleware(view)(request)
    assert zones == ["Asia/Tokyo"]


@pytest.mark.django_db
def test_it_sends_a_form_of_an_ended_session_back_to_its_page(client: Client) -> None:
    response = client.post("/account/theme/", headers={"Referer": "http://testserver/tokens/?state=working"})
    assert response.headers["Location"] == "/login/?next=/tokens/%3Fstate%3Dworking"


@pytest.mark.django_db
def test_it_does_not_swap_the_login_page_into_a_fragment(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/telemetry/"}
    response = client.get("/telemetry/", {"older": "1"}, headers=headers)
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/login/?next=/telemetry/")


def test_it_leads_on_from_a_form_that_htmx_sends_whole(client_of: ClientOf, alice: User) -> None:
    headers = {"HX-Request": "true", "X-Whole-Page": "1"}
    answer = client_of(alice).post("/account/profile/", {"time_zone": "UTC", "theme": "dark"}, headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/account/profile/")


@pytest.mark.django_db
@pytest.mark.parametrize("referer", ["https://evil.example", "https://evil.example/x", "//evil.example//evil.example"])
def test_it_comes_back_to_this_site_whatever_the_referer(client: Client, referer: str) -> None:
    location = client.post("/account/theme/", headers={"Referer": referer}).headers["Location"]
    assert location == "/login/?next=/"
