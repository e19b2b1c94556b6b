"""Texts as terms, queries, pieces and snippets."""

from __future__ import annotations

import pytest
from django.db import connection

from inference.search import query_text
from inference.search.analysis import as_vector, terms_of, wanted_terms
from inference.search.chunking import OVERLAP, SIZE, chunks_of
from inference.search.ranking import fused
from inference.search.snippets import snippet_of


def terms(text: str) -> list[str]:
    return [term.text for term in terms_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crêpes CAFÉ cafe\u0301", ["crepe", "cafe", "cafe"]),
        ("policies, cases, classes, status", ["policy", "case", "classe", "status"]),
        ("snake_case don't", ["snake", "case", "don"]),
        ("天気予報", ["天気", "気予", "予報", "報"]),
        ("がか", ["がか", "か"]),
        ("한국어", ["한국", "국어", "어"]),
        ("ภาษา", ["ภา", "าษ", "ษา", "า"]),
        ("GPT模型v2", ["gpt", "模型", "型", "v2"]),
        ("שָׁלוֹם عَرَبِي", ["שלום", "عربي"]),
        ("ﬁne Straße", ["fine", "strasse"]),
        ("😀 … --", []),
    ],
)
def test_it_folds_words_and_pairs_characters_of_unspaced_scripts(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_it_says_where_each_term_stands() -> None:
    assert [text[term.start : term.end] for text in ["a 天気 b"] for term in terms_of(text)] == ["a", "天気", "気", "b"]


def test_it_asks_for_stop_words_only_where_there_is_nothing_else() -> None:
    assert wanted_terms("what is the refund") == ("refund",)
    assert wanted_terms("what is the") == ("what", "is", "the")


@pytest.mark.parametrize("text", ["a b A", "Crêpes don't", "天気 天気 v2", "ก " * 600, "'\\ it's \\' -"])
def test_it_writes_vectors_that_postgresql_reads_as_they_are_meant(text: str, db: None) -> None:
    literal, count = as_vector(text)
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(lexeme ORDER BY lexeme) FROM unnest(%s::tsvector)", [literal])
        assert cursor.fetchone() == (sorted({*terms(text)}, key=str.encode),)
    assert count == len(terms(text))


def test_it_takes_quoted_texts_literally() -> None:
    query = query_text.read('refund "Error: 42%" “not found”')
    assert query.literals == ("Error: 42%", "not found")


@pytest.mark.parametrize("typed", ["", "   ", "\0", "😀", '""', "()&|!", "\ud800"])
def test_it_finds_nothing_to_search_for_in_such_texts(typed: str) -> None:
    assert query_text.read(typed).is_empty


def test_it_cuts_what_is_too_long() -> None:
    query = query_text.read("word " * 20_000)
    assert query.cut
    assert len(query.text) <= query_text.LONGEST


def test_it_cuts_long_texts_where_sentences_end_and_loses_no_phrase() -> None:
    text = " ".join(f"Sentence number {number} ends here." for number in range(200))
    pieces = list(chunks_of(text))
    assert all(len(piece) <= SIZE for piece in pieces)
    assert all(any(text[at : at + OVERLAP - 10] in piece for piece in pieces) for at in range(0, len(text) - 200, 7))


def test_it_marks_what_was_found_within_a_short_part() -> None:
    snippet = snippet_of("x " * 300 + "The Crêpes were refunded. " + "y " * 300, {"crepe"}, ["refund"])
    assert [piece.text for piece in snippet.pieces if piece.marked] == ["Crêpes", "refund"]
    assert len(snippet.text) < 240


def test_it_ranks_first_what_several_rankings_agree_on() -> None:
    assert fused({"a": ["x", "y", "z"], "b": ["y", "w"]}, {"a": 1, "b": 1})[0] == "y"
