from __future__ import annotations

import pytest

from tokens.secrets import SecretRefused, clean_secret, hint_of


def test_it_drops_the_white_space_of_pasting() -> None:
    assert clean_secret(" sk-abc\r\n") == "sk-abc"


@pytest.mark.parametrize("text", ["", "  \n", "sk a", "sk\nX-Header: 1", "sk-ü", "sk\x00", "x" * 4097])
def test_it_refuses_what_is_no_secret(text: str) -> None:
    with pytest.raises(SecretRefused):
        clean_secret(text)


@pytest.mark.parametrize(
    ("secret", "hint"),
    [("sk-proj-0123456789abcdefgh", "sk-p…efgh"), ("0123456789ab", "…ab"), ("ollama", "…")],
)
def test_it_shows_less_of_a_shorter_secret(secret: str, hint: str) -> None:
    assert hint_of(secret) == hint
