from __future__ import annotations

import base64
import os
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.envelope import (
    Damaged,
    DataKey,
    MasterKey,
    MasterKeysInvalid,
    UnknownKey,
    UnsupportedFormat,
    context_bytes,
    key_id_of,
    new_data_key,
    new_master_key,
    open_sealed,
    parse_master_keys,
    seal,
    unwrap,
    wrap,
)

KEY = new_data_key(uuid4())
CONTEXT = context_bytes("tokens_providertoken", "row-1", "secret", "openai")
SECRET = "sk-test-0123456789"


def key_for(key_id: UUID) -> DataKey:
    if key_id != KEY.id:
        raise UnknownKey(f"There is no data key {key_id}.")
    return KEY


def entry(key_id: str, material: bytes) -> str:
    return f"{key_id}:{base64.b64encode(material).decode()}"


@given(st.text())
def test_it_opens_what_it_sealed(secret: str) -> None:
    assert open_sealed(seal(secret, key=KEY, context=CONTEXT), key_for=key_for, context=CONTEXT) == secret


def test_it_never_seals_the_same_way_twice() -> None:
    assert len({seal(SECRET, key=KEY, context=CONTEXT) for _ in range(10_000)}) == 10_000


def test_it_does_not_contain_the_secret() -> None:
    assert SECRET.encode() not in seal(SECRET, key=KEY, context=CONTEXT)


def test_it_refuses_every_flipped_bit() -> None:
    sealed = seal(SECRET, key=KEY, context=CONTEXT)
    for position in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises((Damaged, UnknownKey, UnsupportedFormat)):
            open_sealed(bytes(altered), key_for=key_for, context=CONTEXT)


def test_it_refuses_every_shorter_value() -> None:
    sealed = seal(SECRET, key=KEY, context=CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(Damaged):
            open_sealed(sealed[:length], key_for=key_for, context=CONTEXT)


def test_it_does_not_open_in_another_context() -> None:
    sealed = seal(SECRET, key=KEY, context=CONTEXT)
    with pytest.raises(Damaged):
        open_sealed(sealed, key_for=key_for, context=context_bytes("tokens_providertoken", "row-2", "secret", "openai"))


def test_it_keeps_parts_of_the_context_apart() -> None:
    assert context_bytes("ab", "c") != context_bytes("a", "bc")


def test_it_names_an_unknown_key() -> None:
    other = new_data_key(uuid4())
    with pytest.raises(UnknownKey, match=str(other.id)):
        open_sealed(seal(SECRET, key=other, context=CONTEXT), key_for=key_for, context=CONTEXT)


def test_it_does_not_open_with_another_key_of_the_same_id() -> None:
    sealed = seal(SECRET, key=DataKey(id=KEY.id, material=os.urandom(32)), context=CONTEXT)
    with pytest.raises(Damaged):
        open_sealed(sealed, key_for=key_for, context=CONTEXT)


def test_it_names_an_unknown_format() -> None:
    with pytest.raises(UnsupportedFormat, match="format 2"):
        key_id_of(b"\x02" + seal(SECRET, key=KEY, context=CONTEXT)[1:])


def test_it_tells_the_key_id_of_a_sealed_value() -> None:
    assert key_id_of(seal(SECRET, key=KEY, context=CONTEXT)) == KEY.id


def test_it_unwraps_what_it_wrapped() -> None:
    (master,) = parse_master_keys(new_master_key())
    assert unwrap(wrap(KEY, master=master), key_id=KEY.id, master=master).material == KEY.material


def test_it_does_not_unwrap_the_key_of_another_row() -> None:
    (master,) = parse_master_keys(new_master_key())
    with pytest.raises(Damaged):
        unwrap(wrap(KEY, master=master), key_id=uuid4(), master=master)


def test_it_names_the_master_key_whose_bytes_are_wrong() -> None:
    wrapped = wrap(KEY, master=MasterKey("mk-1", os.urandom(32)))
    with pytest.raises(Damaged, match="'mk-1'"):
        unwrap(wrapped, key_id=KEY.id, master=MasterKey("mk-1", os.urandom(32)))


@pytest.mark.parametrize("length", [0, 1, 12, 40])
def test_it_refuses_a_wrapped_key_that_is_cut_short(length: int) -> None:
    (master,) = parse_master_keys(new_master_key())
    with pytest.raises(Damaged):
        unwrap(wrap(KEY, master=master)[:length], key_id=KEY.id, master=master)


def test_it_shows_no_key_material_in_a_repr() -> None:
    master = MasterKey("mk-1", b"m" * 32)
    key = DataKey(id=uuid4(), material=b"d" * 32)
    assert "m" * 32 not in repr(master) and "d" * 32 not in repr(key)


def test_it_fingerprints_the_same_secret_alike_under_one_key_only() -> None:
    other = new_data_key(uuid4())
    assert KEY.fingerprint(SECRET) == KEY.fingerprint(SECRET) != other.fingerprint(SECRET)


@pytest.mark.parametrize("separator", [",", "\n", " ,\n\n# the old one\n"])
def test_it_reads_master_keys_in_order(separator: str) -> None:
    text = separator.join([entry("new", os.urandom(32)), entry("old", os.urandom(32))])
    assert [key.id for key in parse_master_keys(text)] == ["new", "old"]


def test_it_reads_no_master_keys_from_nothing() -> None:
    assert parse_master_keys(" \n") == ()


RANDOM = os.urandom(32)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (base64.b64encode(RANDOM).decode(), "1 is not written as"),
        (entry("a b", RANDOM), "1 is not written as"),
        ("mk-1:not base64!", "'mk-1' is not valid base64"),
        (entry("mk-1", RANDOM[:16]), "'mk-1' has 16 bytes"),
        (entry("mk-1", bytes(32)), "'mk-1' is an example"),
        (entry("mk-1", b"change-me-change-me-change-me-ok"), "'mk-1' is an example"),
        (f"{entry('mk-1', RANDOM)},{entry('mk-1', RANDOM[::-1])}", "same id"),
        (f"{entry('mk-1', RANDOM)},{entry('mk-2', RANDOM)}", "same bytes"),
    ],
    # The texts are random, and parallel test processes have to agree on the names of the tests.
    ids=["no id", "space in id", "not base64", "short", "zeros", "example", "same id", "same bytes"],
)
def test_it_refuses_unusable_master_keys(text: str, message: str) -> None:
    with pytest.raises(MasterKeysInvalid, match=message):
        parse_master_keys(text)


def test_it_does_not_repeat_a_master_key_it_cannot_read() -> None:
    bare = base64.b64encode(RANDOM).decode()
    with pytest.raises(MasterKeysInvalid) as caught:
        parse_master_keys(bare)
    assert bare not in str(caught.value)
