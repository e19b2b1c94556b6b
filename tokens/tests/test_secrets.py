from __future__ import annotations

import pytest

from tokens.secrets import SecretRefused, clean_secret, hint_of


def test_it_drops_the_white_space_of_pasting() -> None:
    assert clean_secret(" sk-abc\r\n") == "sk-abc"


@pytest.mark.parametrize(
    "text",
    [
        "Bearer sk-abc",
        "bearer  sk-abc",
        '"sk-abc"',
        "'sk-abc',",
        "“sk-abc”",
        "`sk-abc`",
        "OPENAI_API_KEY=sk-abc",
        "GROQ = sk-abc",
        'export OPENAI_API_KEY="sk-abc"',
        '$env:OPENAI_API_KEY="sk-abc"',
        "api_key='sk-abc'",
        '"api_key": "sk-abc",',
        "Authorization: Bearer sk-abc",
        "x-api-key: sk-abc",
        "\ufeffsk-abc\u200b",
    ],
)
def test_it_finds_the_secret_in_what_is_pasted_around_it(text: str) -> None:
    assert clean_secret(text) == "sk-abc"


@pytest.mark.parametrize(
    "secret", ["sk-ABC_key=", "QUJDREVG==", "ABCDEF=", "id:secret", "a=b", "keyring-1:2", "Bearer"]
)
def test_it_leaves_a_secret_alone_that_looks_like_a_wrapping(secret: str) -> None:
    assert clean_secret(secret) == secret


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
