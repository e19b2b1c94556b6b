from __future__ import annotations

import base64
from typing import SupportsIndex
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.known_secrets import MOST, SHORTEST, KnownSecrets

SECRET = "Zx7'q\\Kw/9 pL"


@pytest.fixture
def known() -> KnownSecrets:
    return KnownSecrets()


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "abcd", "key=", "\n", "é"])
@pytest.mark.parametrize(
    "form", [SECRET, repr(SECRET)[1:-1], quote(SECRET, safe="")], ids=["plain", "literal", "address"]
)
def test_it_finds_a_secret_at_any_place(known: KnownSecrets, before: str, form: str) -> None:
    known.remember(SECRET)
    assert known.replace(f"{before}{form}, twice: {form}", "***") == f"{before}***, twice: ***"


def test_it_finds_bytes_as_they_are_written_down(known: KnownSecrets) -> None:
    key = bytes(range(200, 232))
    known.remember(key)
    written = f"{key!r} {key.hex()} {base64.b64encode(key).decode()} {base64.urlsafe_b64encode(key).decode()}"
    assert known.replace(written, "***") == "b'***' *** *** ***"


def test_it_leaves_nothing_of_a_secret_within_another(known: KnownSecrets) -> None:
    known.remember("0123456789", "0123456789abcdefghij", "efghijklmnop")
    assert known.replace("<0123456789abcdefghijklmnop>", "***") == "<***>"


def test_it_takes_secrets_with_the_same_beginning_apart(known: KnownSecrets) -> None:
    known.remember("sk-proj-first-one", "sk-proj-second")
    assert known.replace("sk-proj-third-one sk-proj-second", "***") == "sk-proj-third-one ***"


def test_it_leaves_words_alone_that_are_too_short_to_be_secrets(known: KnownSecrets) -> None:
    known.remember("a" * (SHORTEST - 1))
    assert known.replace("a" * SHORTEST, "***") == "a" * SHORTEST


@given(st.text(), st.text(min_size=SHORTEST), st.text())
def test_it_takes_any_text(before: str, secret: str, after: str) -> None:
    known = KnownSecrets()
    known.remember(secret)
    assert secret not in known.replace(f"{before}\0{secret}\0{after}", "")


def test_it_remembers_so_many_and_no_more() -> None:
    known, most = KnownSecrets(most=100), 100
    secrets = [f"secret-{number:08}" for number in range(1000)]
    known.remember(*secrets)
    kept = [secret for secret in secrets if secret not in known.replace(secret, "***")]
    assert set(secrets[-most:]) <= set(kept)
    assert len(kept) <= 2 * most


def test_it_keeps_what_is_in_use() -> None:
    known = KnownSecrets(most=100)
    for number in range(1000):
        known.remember("always in use", f"secret-{number:08}")
    assert known.replace("always in use", "***") == "***"


def test_a_text_costs_the_same_however_many_are_known() -> None:
    class Text(str):
        pieces = 0

        def __getitem__(self, place: SupportsIndex | slice) -> str:
            Text.pieces += 1
            return super().__getitem__(place)

    cost = []
    for amount in (1, MOST):
        known, Text.pieces = KnownSecrets(), 0
        known.remember(*(f"{number:08}-of-many" for number in range(amount)))
        known.replace(Text("GET /chat/ 200 by somebody at 127.0.0.1"), "***")
        cost.append(Text.pieces)
    assert cost[0] == cost[1] > 0
