"""The provider's own figures against ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from telemetry.models import Generation
from telemetry.pricing import TokenCounts

Make = Callable[..., Generation]
DAY = datetime.now(UTC).date()
NOON = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
OPENAI = "start_time,end_time,model,num_model_requests,input_tokens,input_cached_tokens,output_tokens"
ANTHROPIC = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count"
)


def compare(tmp_path: Path, *lines: str, **options: float) -> tuple[int, str]:
    """Exit code and what is printed."""
    file = tmp_path / "usage.csv"
    file.write_text("\n".join(lines) + "\n")
    told = StringIO()
    try:
        call_command("reconcile", str(file), stdout=told, **options)
    except CommandError as error:
        return error.returncode, told.getvalue() + str(error)
    return 0, told.getvalue()


@pytest.fixture
def used(start: Make, finish: Make, alice: User) -> None:
    finish(start(user=alice, model="gpt-4o"), tokens=TokenCounts(1000, 200, 0, 50, 10))
    finish(start(user=alice, model="gpt-4o-2024-08-06"), tokens=TokenCounts(100))
    claude = start(user=alice, provider="anthropic", model="claude-sonnet-4-5")
    finish(claude, tokens=TokenCounts(10, 20, 30, 40, 5), response_model="claude-sonnet-4-5-20250929")
    finish(start(user=alice, model="gpt-4o", base_url="https://llm.example.com/v1"), tokens=TokenCounts(9))


@pytest.mark.usefixtures("used")
def test_equal_figures_of_openai_are_no_difference(tmp_path: Path) -> None:
    code, told = compare(tmp_path, OPENAI, f"{NOON},{NOON + 86400},gpt-4o-2024-08-06,2,1300,200,60")
    assert (code, told) == (0, "openai: 1 rows by day and model on 1 days compared.\n")


@pytest.mark.usefixtures("used")
def test_equal_figures_of_anthropic_are_no_difference(tmp_path: Path) -> None:
    code, _ = compare(
        tmp_path,
        ANTHROPIC,
        f"{DAY},claude-sonnet-4-5-20250929,a,Default,standard,,4,10,5,20,15,0",
        f"{DAY},claude-sonnet-4-5-20250929,b,Default,standard,,6,10,5,0,30,0",
    )
    assert code == 0


@pytest.mark.usefixtures("used")
def test_each_difference_is_named(tmp_path: Path) -> None:
    code, told = compare(tmp_path, OPENAI, f"{NOON},0,gpt-4o,3,1400,200,60", f"{NOON},0,o3,1,7,0,0")
    assert code == 1
    assert f"{DAY} gpt-4o: 3 requests there, 2 here, -1\n" in told
    assert f"{DAY} gpt-4o: 1,200 input tokens there, 1,100 here, -100\n" in told
    assert f"{DAY} o3: 7 input tokens there, 0 here, -7 (not called through AISTRALE)" in told
    assert "4 differences." in told


@pytest.mark.usefixtures("used")
def test_what_only_we_have_recorded_is_named_and_estimates_too(
    tmp_path: Path, start: Make, finish: Make, alice: User
) -> None:
    finish(start(user=alice, model="o3"), tokens=TokenCounts(5))
    finish(start(user=alice, model="gpt-4o"), tokens=TokenCounts(5), tokens_are_estimated=True)
    _, told = compare(tmp_path, OPENAI, f"{NOON},0,gpt-4o,2,1300,200,60")
    assert f"{DAY} o3: 0 input tokens there, 5 here, +5 (only recorded here)" in told
    assert f"{DAY} gpt-4o: 1,100 input tokens there, 1,105 here, +5 (1 estimated here)" in told


@pytest.mark.usefixtures("used")
def test_small_differences_can_be_left_out(tmp_path: Path) -> None:
    row = f"{NOON},0,gpt-4o,2,1310,200,60"
    assert compare(tmp_path, OPENAI, row)[0] == 1
    assert compare(tmp_path, OPENAI, row, tolerance=2)[0] == 0


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "lines", [["a,b", "1,2"], [""], [OPENAI, "x,0,gpt-4o,1,1,1,1"], [OPENAI, "0,0,gpt-4o,1,many,1,1"], [OPENAI, "0"]]
)
def test_what_is_no_export_is_refused(tmp_path: Path, lines: list[str]) -> None:
    assert compare(tmp_path, *lines)[0] == 2


@pytest.mark.usefixtures("db")
def test_an_export_without_rows_has_no_differences(tmp_path: Path) -> None:
    assert compare(tmp_path, OPENAI)[0] == 0
