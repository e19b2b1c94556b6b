import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import chain
from audit.chain import GENESIS, ChainEntry, VerificationResult

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
numbers = st.integers(-chain.MAX_INTEGER, chain.MAX_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=6)


def chain_of(count: int, *, erased_by: int | None = None) -> list[ChainEntry]:
    """A right chain in which everybody is "p"; entry ``erased_by``, if any, records the erasure of "p"."""
    made: list[ChainEntry] = []
    previous = GENESIS
    for sequence in range(1, count + 1):
        salt, content = f"{sequence:032x}", chain.canonical({"address": f"192.0.2.{sequence}"})
        body = chain.canonical(
            {
                "action": chain.ERASURE if sequence == erased_by else "tests:thing:do",
                "actor": None,
                "owner": "p",
                "details_digest": chain.details_digest(salt, content),
            }
        )
        digest = chain.entry_hash(sequence, previous, body)
        made.append(ChainEntry(sequence, previous, digest, body, salt, content))
        previous = digest
    return made


def violation(entries: list[ChainEntry], heads: dict[int, str] | None = None) -> str:
    return str(chain.verify(entries, heads=heads).violation)


@given(objects)
def test_it_writes_each_object_in_one_way(value: dict[str, object]) -> None:
    text = chain.canonical(value)
    shuffled = dict(sorted(json.loads(text).items(), reverse=True))
    assert chain.canonical(shuffled) == text


@given(objects)
def test_it_writes_what_reads_back_the_same(value: dict[str, object]) -> None:
    assert json.loads(chain.canonical(value).encode()) == value


def test_it_writes_the_documented_bytes() -> None:
    value = {"é": "\U0001f512\u2028/\x7f", "a": ['"\\\n\x1f', True, None, -7], "Z": {}}
    assert chain.canonical(value) == '{"Z":{},"a":["\\"\\\\\\n\\u001f",true,null,-7],"é":"🔒\u2028/\x7f"}'


@pytest.mark.parametrize("value", [1.5, 2**53, "\0", "\ud800", b"x", {1: 2}, ("a",), float("nan")])
def test_it_refuses_what_has_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError, match="audit"):
        chain.canonical({"value": value})


def test_it_hashes_the_documented_lines() -> None:
    lines = "aistrale-audit-1\n7\n" + "ab" * 32 + '\n{"a":"é"}'
    assert chain.entry_hash(7, "ab" * 32, '{"a":"é"}') == hashlib.sha256(lines.encode()).hexdigest()


def test_it_accepts_a_right_chain() -> None:
    made = chain_of(5)
    assert chain.verify(made, heads={3: made[2].hash}) == VerificationResult(sequence=5, hash=made[-1].hash, entries=5)


def test_it_goes_on_from_an_entry_already_verified() -> None:
    made = chain_of(5)
    result = chain.verify(made[2:], sequence=2, previous_hash=made[1].hash)
    assert (result.violation, result.sequence, result.entries) == (None, 5, 3)


@given(st.integers(0, 4), st.data())
def test_it_finds_any_changed_character(index: int, data: st.DataObject) -> None:
    made = chain_of(5)
    body = made[index].body
    position = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.characters(exclude_characters=body[position], exclude_categories=["Cs"]))
    made[index] = made[index]._replace(body=body[:position] + other + body[position + 1 :])
    assert f"entry {index + 1}: its content does not match" in violation(made)


@pytest.mark.parametrize("index", [0, 2, 3])
def test_it_finds_a_deleted_entry(index: int) -> None:
    made = chain_of(5)
    del made[index]
    assert violation(made) == f"entry {index + 1}: it is missing"


def test_it_finds_several_deleted_entries() -> None:
    made = chain_of(6)
    del made[1:4]
    assert violation(made) == "entry 2: it and all up to 4 are missing"


def test_it_finds_a_cut_tail_by_a_checkpoint() -> None:
    made = chain_of(5)
    assert violation(made[:3], {5: made[4].hash}) == "entry 4: it is missing: a signed checkpoint knows 5 entries"


def test_it_finds_an_emptied_log_by_a_checkpoint() -> None:
    assert violation([], {5: chain_of(5)[4].hash}) == "entry 1: it is missing: a signed checkpoint knows 5 entries"


def test_it_finds_an_entry_that_occurs_twice() -> None:
    made = chain_of(5)
    made.insert(3, made[2])
    assert violation(made) == "entry 3: it occurs twice or out of order"


def test_it_finds_two_swapped_bodies() -> None:
    made = chain_of(5, erased_by=4)
    made[1], made[3] = made[1]._replace(body=made[3].body), made[3]._replace(body=made[1].body)
    assert violation(made).startswith("entry 2: its content does not match")


def test_it_finds_an_entry_put_in_the_place_of_another() -> None:
    made = chain_of(5)
    body = made[2].body.replace("do", "undo")
    made[2] = made[2]._replace(body=body, hash=chain.entry_hash(3, made[2].previous_hash, body))
    assert violation(made).startswith("entry 4: it does not follow")


def test_it_finds_a_chain_computed_anew_by_a_checkpoint() -> None:
    assert violation(chain_of(5, erased_by=2), {4: chain_of(5)[3].hash}).startswith(
        "entry 4: it differs from the signed"
    )


@pytest.mark.parametrize(("salt", "address"), [(0, 4), (4, 9)])
def test_it_finds_changed_details(salt: int, address: int) -> None:
    made = chain_of(5)
    made[3] = made[3]._replace(salt=f"{salt:032x}", content=f'{{"address":"192.0.2.{address}"}}')
    assert violation(made) == "entry 4: its personal details do not match their digest"


def test_it_finds_details_that_vanished_without_an_erasure() -> None:
    made = chain_of(5)
    made[3] = made[3]._replace(salt=None, content=None)
    assert violation(made) == "entry 4: its personal details are gone, and no entry records their erasure"


def test_it_accepts_details_that_were_erased() -> None:
    made = chain_of(5, erased_by=5)
    made[1] = made[1]._replace(salt=None, content=None)
    result = chain.verify(made)
    assert (result.violation, result.erased) == (None, 1)
