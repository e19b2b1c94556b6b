"""Whatever is searched for: an answer, and the right one."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote_from_bytes
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from accounts.profile import api_keys
from inference.search.tests.conftest import AddCall, Find

ClientOf = Callable[[User], Client]
TYPED = {
    "only quotes": '""""',
    "typographic quotes": "“”„«»",
    "quoted spaces": '"   "',
    "a quote that is not closed": '"refund',
    "a quote that is not opened": 'refund" “',
    "100 kB": "refund " * 15_000,
    "100 kB without a space": "x" * 100_000,
    "100 kB of quotes": '"' * 100_000,
    "100 kB in quotes": f'"{"y" * 100_000}"',
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 😀",
    "patterns": "%_\\ %% __ \\\\",
    "quoted patterns": '"%_\\" "%" "\\"',
    "operators": "a & b | !c <-> (d:* ) :AB <2> '",
    "quoted operators": "\"'a' & 'b'\"",
    "regular expression": "(a+)+$ [[:alpha:]] .*",
    "injection": "'; DROP TABLE search_place; --",
    "right to left": "كيف ألغي الطلب \u202e\u200f",
    "Hebrew with points": "שָׁלוֹם",
    "Chinese with spaces": "天 气 预 报",
    "Thai": "ช่วย เขียน",
    "Zalgo": "r̴̛̹e̵͓͝f̶̣̄u̵̲͊n̸̺̈́d̷̝̀" * 20,
    "lone marks": "\u0301\u0302 \u20dd",
    "controls": "\x01\x1b[31m\x7f\u2028\ufeff",
    "private use": "\ue000\U0010ffff",
    "only stop words": "what is the of and",
    "one letter": "x",
}
# Not UTF-8, or a NUL.
BYTES = {"surrogate": b"\xed\xa0\x80 refund", "half a letter": b"refund \xe5\xa4", "latin-1": b"caf\xe9"}


@pytest.fixture
def key(alice: User) -> str:
    _, secret = api_keys.create(expires_at=None, user=alice, label="Search", scopes=["search:read"])
    return secret


def test_it_is_answered_on_the_page_in_the_palette_and_by_the_api(
    alice: User, add_call: AddCall, index: Callable[[], int], client_of: ClientOf, key: str
) -> None:
    for text in TYPED.values():
        add_call(alice, f"refund the order {text[:3000]}")
    index()
    client, headers = client_of(alice), {"Authorization": f"Bearer {key}"}
    for name, text in TYPED.items():
        pages = [client.get(address, {"q": text}).status_code for address in ("/search/", "/search/palette/")]
        answer = Client().get("/api/search", {"q": text}, headers=headers).status_code
        assert (name, *pages, answer) == (name, 200, 200, 422 if len(text) > 100_000 else 200)


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_text_are_answered_too(name: str, alice: User, client_of: ClientOf, key: str) -> None:
    query = f"q={quote_from_bytes(BYTES[name])}"
    for address in ("/search/", "/search/palette/"):
        assert client_of(alice).get(f"{address}?{query}").status_code == 200
    assert Client().get(f"/api/search?{query}", headers={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.parametrize("address", ["/search/?q=%00", "/search/palette/?q=x%00", "/api/search?q=%00"])
def test_a_nul_is_refused(address: str, alice: User, client_of: ClientOf, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"} if address.startswith("/api") else {}
    client = Client() if headers else client_of(alice)
    assert client.get(address, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "query",
    [{"more": "-1"}, {"page": "-1"}, {"page": "x"}, {"limit": "-5"}, {"model": "x" * 5000}, {"endpoint": "\\'"}],
)
def test_other_parameters_may_be_anything(query: dict[str, str], alice: User, client_of: ClientOf) -> None:
    assert client_of(alice).get("/search/", {"q": "refund", **query}).status_code == 200


@pytest.mark.parametrize("limit", ["-1", "0", "101", "x", "1e3"])
def test_the_api_refuses_numbers_that_make_no_sense(limit: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert Client().get("/api/search", {"q": "x", "limit": limit}, headers=headers).status_code == 422


def test_patterns_in_quotes_are_only_characters(alice: User, add_call: AddCall, find: Find) -> None:
    add_call(alice, "refund of 100 per cent, a b c")
    wanted = add_call(alice, "refund of 100%_\\ done")
    for literal in ('"%_\\"', '"100%"', '"0%_"', '"\\ d"'):
        assert [hit.object_id for hit in find(alice, literal)] == [wanted.pk]


def test_spaces_in_scripts_without_spaces_change_nothing(alice: User, add_call: AddCall, find: Find) -> None:
    wanted = add_call(alice, "请问明天的天气预报怎么样")
    add_call(alice, "请帮我写一封退款邮件")
    for text in ("天气预报", "天气 预报", "天 气 预 报", "天气　预报"):
        assert find(alice, text)[0].object_id == wanted.pk


def test_a_quote_that_is_not_closed_is_a_word(alice: User, add_call: AddCall, find: Find) -> None:
    wanted = add_call(alice, "zirconium refund")
    add_call(alice, "something else")
    assert find(alice, '"zirconium')[0].object_id == wanted.pk


def test_a_filter_by_another_user_gives_nothing_of_theirs_away(
    alice: User, bob: User, add_call: AddCall, index: Callable[[], int], client_of: ClientOf
) -> None:
    add_call(bob, "The merger is called Bluebird.")
    index()
    client = client_of(alice)
    there, nowhere = (
        client.get("/search/", {"q": "Bluebird", "user": str(user)}).content.decode()
        for user in (bob.audit_id, uuid4())
    )
    assert "merger" not in there
    assert results(there) == results(nowhere)


def results(page: str) -> str:
    """Without the ids that were sent."""
    return re.sub(r"[0-9a-f-]{36}", "", page[page.index('id="list"') : page.index("</main>")])
