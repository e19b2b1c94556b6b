"""Figures in all countings in use, each token in one class."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.providers.anthropic import MessageParser
from inference.providers.base import Usage
from inference.providers.chat_completions import ChatCompletionParser
from inference.providers.counting import MOST_TOKENS, count_of
from inference.providers.gemini import CandidateParser
from inference.providers.stream_parser import StreamParser


def counted(parser: StreamParser, *reports: Any) -> Usage:
    list(parser.count(*reports))
    return parser.usage()


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"prompt_tokens": "10", "completion_tokens": 2.0, "total_tokens": "12.0"}, Usage(input=10, output=2)),
        ({"input_tokens": 10, "output_tokens": 2}, Usage(input=10, output=2)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 5,
                "prompt_cache_hit_tokens": 60,
                "prompt_cache_miss_tokens": 40,
            },
            Usage(input=40, cache_read=60, output=5),
        ),
        (
            {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 1005, "cached_tokens": 900},
            Usage(input=100, cache_read=900, output=5),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 30, "total_tokens": 80, "reasoning_tokens": 20},
            Usage(input=50, output=10, reasoning=20),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 30, "total_tokens": 100, "reasoning_tokens": 20},
            Usage(input=50, output=30, reasoning=20),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 10, "reasoning_tokens": 20},
            Usage(input=50, output=10, reasoning=20),
        ),
        ({"prompt_tokens": 50, "total_tokens": 60}, Usage(input=50, output=10)),
        (
            {
                "prompt_tokens": 50,
                "completion_tokens": 1,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_1h_input_tokens": 30},
            },
            Usage(input=20, output=1, cache_write=30, parts={"cache_write_1h": 30}),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 1, "tokens_per_second": 12.5, "cost": "0.5"},
            Usage(5, output=1, cost_usd="0.5"),
        ),
        ({"prompt_tokens": 5, "cost_in_usd_ticks": 37_756_000}, Usage(5, cost_usd="0.0037756")),
        ({"prompt_tokens": 5, "estimated_cost": 2e-06}, Usage(5, cost_usd="0.000002")),
        (
            {"prompt_tokens": 5, "cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}},
            Usage(5, cost_usd="0.21"),
        ),
        ({"prompt_tokens": 5, "cost": float("nan")}, Usage(5)),
        ({"prompt_tokens": 5, "cost": -1}, Usage(5)),
        ({"prompt_tokens": -5, "completion_tokens": 1e99, "total_tokens": True}, Usage()),
        ({"prompt_tokens": 2**31, "completion_tokens": "many"}, Usage()),
    ],
)
def test_it_reads_chat_completions(report: Any, expected: Usage) -> None:
    assert counted(ChatCompletionParser(), report) == expected


@pytest.mark.parametrize("report", ["n/a", [1], 5, {"prompt_tokens": {"a": 1}}, {"prompt_tokens_details": 5}])
def test_it_takes_nonsense_for_not_reported(report: Any) -> None:
    assert counted(ChatCompletionParser(), report) == Usage()


def test_it_believes_the_parts_where_the_total_contradicts_them_and_says_so() -> None:
    found = counted(ChatCompletionParser(), {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 7})
    assert (found.input, found.output) == (50, 10)
    assert (
        found.note == "The provider's total of 7 tokens contradicts its parts, which make 60: the parts were believed."
    )


def test_it_counts_as_reasoning_what_only_the_total_names_and_says_so() -> None:
    found = counted(ChatCompletionParser(), {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623})
    assert (found.input, found.output, found.reasoning) == (20, 198, 405)
    assert "405 more tokens" in found.note


def test_it_never_lets_a_figure_shrink() -> None:
    parser = MessageParser()
    first = {"input_tokens": 120, "cache_read_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 4}}
    assert counted(parser, first, {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 6}) == Usage(
        input=120, cache_read=9, cache_write=4, parts={"cache_write_1h": 4}, output=6
    )


def test_it_reads_gemini_with_thoughts_beside_the_answer() -> None:
    report = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 145,
    }
    assert counted(CandidateParser(), report) == Usage(input=45, cache_read=60, output=10, reasoning=30)


_ANY_FIGURE = st.integers(0, MOST_TOKENS) | st.floats() | st.text(max_size=12) | st.none() | st.booleans()


@given(
    st.dictionaries(
        st.sampled_from(sorted({n for names in ChatCompletionParser.figures.values() for n in names})), _ANY_FIGURE
    )
)
def test_it_never_counts_below_zero_nor_stumbles(flat: dict[str, Any]) -> None:
    report: dict[str, Any] = {}
    for name, value in flat.items():
        outer, _, inner = name.partition(".")
        if inner:
            report[outer] = {**report.get(outer, {}), inner: value}
        else:
            report[outer] = value
    found = counted(ChatCompletionParser(), report)
    classes = (found.input, found.cache_read, found.cache_write, found.output, found.reasoning)
    assert all(count >= 0 for count in classes)
    if count_of(report.get("total_tokens")) == sum(classes):
        assert found.note == "" or "reasoning" in found.note
