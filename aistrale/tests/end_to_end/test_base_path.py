"""A site below a path of its host."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from django.conf import settings
from websockets.sync.client import connect
from websockets.typing import Origin

from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, add_administrator, running_site
from aistrale.tests.end_to_end.site_runs import STARTED, ask, ended

pytestmark = pytest.mark.slow

BASE = "/tools/aistrale"
LINKS = re.compile(r'(?:href|src|action|formaction|poster|hx-(?:get|post|delete)|ws-connect|data-[\w-]+)="(/[^"]*)"')
# Of what is below the path; the rest of an address is the same page.
FOLLOWED = re.compile(rf'(?:href|hx-get)="({BASE}/[^"#?]*)"')
# They end the session, or are long.
LEFT_OUT = re.compile(r"/(logout|static|export|docs/openapi)|\.(jsonl|csv|json|parquet)$")
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its address has the path."""
    variables = {"AISTRALE_METRICS_ADDRESSES": "127.0.0.1"}
    with running_site(tmp_path_factory.mktemp("site"), base_path=BASE, **variables) as site:
        assert site.setup_link and site.setup_link.startswith(f"{site.url}/account/setup/")
        add_administrator(site)
        yield site


@pytest.fixture(scope="module")
def cookies(site: Site) -> dict[str, str]:
    return log_in(site)


def log_in(site: Site) -> dict[str, str]:
    origin = site.url.removesuffix(BASE)
    with httpx2.Client(headers={"Origin": origin}) as client:
        page = client.get(f"{site.url}/login/").text
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', page))
        answer = client.post(f"{site.url}/login/", data=fields | {"login": ADMIN, "password": PASSWORD})
        assert answer.headers["Location"] == f"{BASE}/"
        return dict(client.cookies)


def test_whoever_is_not_logged_in_is_led_back_afterwards(site: Site) -> None:
    answer = httpx2.get(f"{site.url}/chat/")
    assert answer.headers["Location"] == f"{BASE}/login/?next={BASE}/chat/"


def test_all_that_any_page_leads_to_is_below_the_path(site: Site, cookies: dict[str, str]) -> None:
    waiting, seen, outside = [f"{BASE}/", f"{BASE}/admin/"], set(), set()
    with httpx2.Client(base_url=site.url.removesuffix(BASE), cookies=cookies, timeout=30) as client:
        while waiting:
            page = waiting.pop()
            if IDS.sub("id", page) in seen or LEFT_OUT.search(page):
                continue
            seen.add(IDS.sub("id", page))
            answer = client.get(page)
            assert answer.status_code < 500, page
            found = LINKS.findall(answer.text) if "text/html" in answer.headers.get("Content-Type", "") else []
            found += [answer.headers["Location"]] if "Location" in answer.headers else []
            outside |= {(page, address) for address in found if not f"{address}/".startswith((f"{BASE}/", "http"))}
            waiting += FOLLOWED.findall(answer.text)
    assert outside == set()
    assert len(seen) > 60


def test_no_script_or_style_has_an_address_of_its_own() -> None:
    """They are not rendered: what they ask for, pages tell them."""
    files = [path for path in (settings.BASE_DIR / "static").rglob("*") if path.suffix in (".js", ".css")]
    address = re.compile(r"""(?:fetch|open|assign|import|url|href\s*=|WebSocket)\(?\s*["'`(]/(?!/)""")
    own = [path for path in files if "vendor" not in path.parts]
    assert own and [path.name for path in own if address.search(path.read_text())] == []


def test_styles_and_scripts_are_served(site: Site) -> None:
    page = httpx2.get(f"{site.url}/login/").text
    found = re.findall(r'(?:href|src)="([^"]*\.(?:css|js))"', page)
    assert found
    assert {httpx2.get(f"{site.url.removesuffix(BASE)}{address}").status_code for address in found} == {200}


def test_a_chat_is_answered(site: Site, cookies: dict[str, str]) -> None:
    found = re.search(r'ws-connect="([^"]+)"', httpx2.get(f"{site.url}/chat/", cookies=cookies).text)
    assert found
    origin = site.url.removesuffix(BASE)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    address = f"{origin.replace('http', 'ws', 1)}{found[1]}"
    with connect(address, additional_headers={"Cookie": cookie}, origin=Origin(origin)) as socket:
        ask(socket, until_text=STARTED, length=5)
        assert ended(site)[0] == "succeeded"


def test_the_path_alone_leads_to_the_dashboard(site: Site, cookies: dict[str, str]) -> None:
    assert httpx2.get(site.url, cookies=cookies).status_code == 200


def test_programs_get_json_there(site: Site) -> None:
    answer = httpx2.get(f"{site.url}/api/public/v2/prompts")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/json")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_what_monitoring_asks_is_answered_with_and_without_the_path(site: Site, path: str) -> None:
    for start in (site.url, site.url.removesuffix(BASE)):
        assert httpx2.get(f"{start}{path}").status_code == 200
