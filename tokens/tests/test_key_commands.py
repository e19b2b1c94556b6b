from __future__ import annotations

import io
import json
import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from tokens.models import EncryptionKey, KeyState, ProviderToken, Rotation
from tokens.tests.conftest import SECRET, elsewhere

Make = Callable[..., ProviderToken]

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> tuple[int, str]:
    """Exit code, and what was printed or why it was refused."""
    out = io.StringIO()
    try:
        call_command(*words, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def run_json(*words: str) -> Any:
    code, out = run(*words, "--json")
    assert code in (0, 1)
    return json.loads(out)


def damage(token: ProviderToken) -> None:
    ProviderToken.objects.filter(pk=token.pk).update(secret=bytes(token.secret)[:-1] + b"?")


def state() -> list[Any]:
    tables = ProviderToken.objects.order_by("pk").values(), EncryptionKey.objects.order_by("pk").values()
    return [{**row} for table in tables for row in table] + [Rotation.objects.count()]


def test_it_rotates_with_plain_lines(token: ProviderToken) -> None:
    code, out = run("rotate_keys")
    assert code == 0
    assert "Secrets re-encrypted: 1 of 1 rows after" in out
    assert "1 rows re-encrypted with" in out and "0 could not be decrypted." in out and SECRET not in out


def test_it_reports_a_rotation_as_json(token: ProviderToken) -> None:
    report = run_json("rotate_keys")
    assert (report["resealed"], report["failures"], report["secrets_to_replace"]) == (1, [], [])
    assert report["rows_after"] == {report["new_key"]: 1}


def test_it_exits_1_and_names_a_row_that_cannot_be_opened(token: ProviderToken) -> None:
    damage(token)
    code, out = run("rotate_keys")
    assert code == 1 and f"NOT DECRYPTED tokens_providertoken.secret id {token.pk}" in out


def test_it_exits_2_while_another_rotation_runs(token: ProviderToken) -> None:
    with elsewhere() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x746F6B, 2])
        before = state()
        for command in ("rotate_keys", "rotate_master_key"):
            code, reason = run(command)
            assert code == 2 and "Another rotation of keys is running" in reason
    assert state() == before


def test_it_exits_2_without_a_master_key(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = ""
    for command in ("rotate_keys", "rotate_master_key"):
        code, reason = run(command)
        assert code == 2 and "There is no master key" in reason


def test_it_exits_2_with_a_master_key_that_is_an_example(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = f"m-test:{b64encode(bytes(32)).decode()}"
    for command in ("rotate_keys", "rotate_master_key", "keys"):
        code, reason = run(command)
        assert code == 2 and "is an example" in reason


@pytest.mark.parametrize("words", [["--batch-size", "0"], ["--compromised", str(UUID(int=1))]])
def test_it_exits_2_for(words: list[str], token: ProviderToken) -> None:
    assert run("rotate_keys", *words)[0] == 2


def test_it_counts_and_changes_nothing_in_a_dry_run(token: ProviderToken) -> None:
    before = state()
    code, out = run("rotate_keys", "--dry-run")
    assert code == 0 and "re-encrypt 1 rows. Nothing was changed." in out
    assert state() == before


def test_it_verifies_and_changes_nothing(token_of: Make, alice: User) -> None:
    token_of(alice)
    assert run("rotate_keys", "--verify")[0] == 0
    damage(token_of(alice))
    before = state()
    code, out = run("rotate_keys", "--verify")
    assert code == 1 and "2 rows, 1 could not be decrypted" in out
    assert state() == before


def test_it_lists_the_tokens_that_a_compromise_exposed(token: ProviderToken) -> None:
    key = EncryptionKey.objects.get()
    code, out = run("rotate_keys", "--compromised", str(key.pk))
    key.refresh_from_db()
    assert code == 0 and key.state == KeyState.RETIRED
    assert (
        f"REPLACE provider token: OpenAI: Main of alice@example.org (sk-c…0pR2), id {token.pk}" in out
        and SECRET not in out
    )


def test_it_lists_them_for_a_key_that_is_retired_already(token: ProviderToken) -> None:
    key = EncryptionKey.objects.get()
    run("rotate_keys")
    before = Rotation.objects.count()
    report = run_json("rotate_keys", "--compromised", str(key.pk))
    assert [item["id"] for item in report["secrets_to_replace"]] == [str(token.pk)]
    assert Rotation.objects.count() == before


def test_it_rotates_the_master_key(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = f"m-new:{b64encode(os.urandom(32)).decode()}\n{settings.MASTER_KEYS}"
    code, out = run("rotate_master_key")
    assert code == 0 and "m-test is unused: it can be removed." in out
    assert "1 data keys re-encrypted with m-new." in out


def test_it_names_a_data_key_that_cannot_be_unwrapped(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = f"m-new:{b64encode(os.urandom(32)).decode()}"
    code, out = run("rotate_master_key")
    assert code == 1 and f"NOT DECRYPTED {EncryptionKey.objects.get().pk}" in out


def test_it_lists_all_keys(token: ProviderToken) -> None:
    run("rotate_keys")
    code, out = run("keys")
    assert code == 0 and "1 master keys, 2 data keys, 0 warnings." in out
    report = run_json("keys")
    assert [(key["state"], key["rows"]) for key in report["data_keys"]] == [("primary", 1), ("retired", 0)]
    assert [(key["id"], key["state"], key["data_keys"]) for key in report["master_keys"]] == [("m-test", "primary", 1)]


def test_it_declares_a_master_key_lost(token: ProviderToken, settings: Settings) -> None:
    assert run("keys", "--lost", "m-test")[0] == 2
    settings.MASTER_KEYS = ""
    code, out = run("keys", "--lost", "m-test")
    assert code == 0 and "lost" in out and "0 warnings" in out


def test_it_lists_a_missing_master_key(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = f"m-new:{b64encode(os.urandom(32)).decode()}"
    report = run_json("keys")
    assert [(key["id"], key["state"]) for key in report["master_keys"]] == [("m-new", "primary"), ("m-test", "missing")]
    assert "'m-test'" in report["warnings"][0]
