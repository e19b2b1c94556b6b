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


# As they were seen in real files, with other figures.
OPENAI_USAGE = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,"
    "service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens,input_text_tokens,"
    "output_text_tokens,input_cached_text_tokens,input_audio_tokens,input_cached_audio_tokens,output_audio_tokens,"
    "input_image_tokens,input_cached_image_tokens,output_image_tokens"
)
OPENAI_COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,"
    "organization_id,organization_name"
)
CLAUDE_USAGE = f"{ANTHROPIC},inference_geo,speed"
CLAUDE_COSTS = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
    "inference_geo,speed,api_key_id,api_key_status"
)
API_USAGE = (
    "starting_at,ending_at,uncached_input_tokens,cache_creation.ephemeral_1h_input_tokens,"
    "cache_creation.ephemeral_5m_input_tokens,cache_read_input_tokens,output_tokens,model,service_tier"
)
API_COSTS = "starting_at,ending_at,currency,amount,workspace_id,description,cost_type,model,token_type"


@pytest.mark.usefixtures("used")
def test_the_usage_page_of_openai_has_points_and_days_without_usage(tmp_path: Path) -> None:
    day = f"{NOON},{NOON + 86400},{DAY}T00:00:00+00:00,{DAY}T00:00:00+00:00,proj_a"
    rest = "user-a,key_a,gpt-4o-2024-08-06,FALSE,default"
    row = f"{day},2.0,{rest},1300.0,60.0,200.0,1100.0,1100.0,60.0,200.0,0.0,0.0,0.0,0.0,0.0,0.0"
    empty = f"{NOON - 86400},{NOON},{DAY}T00:00:00+00:00,{DAY}T00:00:00+00:00{',' * 20}"
    assert compare(tmp_path, OPENAI_USAGE, row, empty)[0] == 0
    assert compare(tmp_path, *(line.replace(",", "\t") for line in (OPENAI_USAGE, row, empty)))[0] == 0


@pytest.mark.usefixtures("used")
def test_the_costs_of_openai_are_compared_by_model_or_in_all(tmp_path: Path) -> None:
    def row(usd: str, item: str) -> str:
        return f'{NOON},{NOON + 86400},{DAY}T00:00:00+00:00,,{usd},usd,"{item}",proj_a,org-a,Ours'

    ours = Generation.objects.filter(provider="openai", base_url="").values_list("cost_usd", flat=True)
    total = sum(cost for cost in ours if cost)
    items = [row(str(total - 1), "gpt-4o-2024-08-06, input"), row("1", "gpt-4o-2024-08-06 text, cached input")]
    assert compare(tmp_path, OPENAI_COSTS, *items) == (0, "openai: 1 rows by day and model on 1 days compared.\n")
    assert compare(tmp_path, OPENAI_COSTS.replace("amount_value", "amount.value"), row(str(total), ""))[0] == 0
    code, told = compare(tmp_path, OPENAI_COSTS, row(str(total + 1), ""))
    assert code == 1 and f"{DAY} all models: ${total + 1:,.6f} there, ${total:,.6f} here, -$1.000000" in told
    code, told = compare(tmp_path, OPENAI_COSTS, *items, row("2", "web search tool calls"))
    assert code == 1 and "web search tool calls: $2.000000 there, $0.000000 here" in told
    assert compare(tmp_path, OPENAI_COSTS, row("1", "").replace("usd", "eur"))[0] == 2


@pytest.mark.usefixtures("used")
def test_the_usage_of_anthropic_comes_from_its_console_and_its_api(tmp_path: Path) -> None:
    model = "claude-sonnet-4-5-20250929"
    rows = {
        CLAUDE_USAGE: f"{DAY},{model},a,Default,standard,≤ 200k,10,20,10,20,45,0,global,",
        CLAUDE_USAGE.replace("_cache_write_5m,usage_input_tokens_cache_write_1h", "_cache_write"): (
            f"{DAY},{model},a,Default,standard,≤ 200k,10,30,20,45,0,global,"
        ),
        API_USAGE: f"{DAY}T00:00:00Z,{DAY}T23:59:59Z,10,10,20,20,45,{model},standard",
    }
    for head, row in rows.items():
        assert compare(tmp_path, head, row)[0] == 0
        assert compare(tmp_path, head, row.replace("45", "46"))[0] == 1


@pytest.mark.usefixtures("used")
def test_the_costs_of_anthropic_are_rounded_or_in_cents(tmp_path: Path) -> None:
    call = Generation.objects.get(provider="anthropic")
    Generation.objects.filter(pk=call.pk).update(cost_usd="1.0049")
    console = f"{DAY},Claude Sonnet 4.5,Default,a,message,≤ 200k,output,1.00,1.00,token,global,,apikey_a,active"
    assert compare(tmp_path, CLAUDE_COSTS, console)[0] == 0
    assert "$1.004900 here, +$0.054900" in compare(tmp_path, CLAUDE_COSTS, console.replace("1.00,", "0.95,"))[1]
    api = f"{DAY}T00:00:00Z,{DAY}T23:59:59Z,USD,100.49,,Claude,tokens,claude-sonnet-4-5-20250929,output_tokens"
    assert compare(tmp_path, API_COSTS, api)[0] == 0


@pytest.mark.usefixtures("used")
def test_calls_without_a_price_explain_a_difference_of_costs(tmp_path: Path) -> None:
    Generation.objects.filter(provider="anthropic").update(cost_usd=None)
    row = f"{DAY},Claude Sonnet 4.5,Default,a,message,,output,1.00,1.00,token,global,,apikey_a,active"
    assert "(1 without a price here)" in compare(tmp_path, CLAUDE_COSTS, row)[1]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("head", "told"),
    [
        (f"{OPENAI},input_video_tokens", "Unknown columns of the usage of OpenAI: input_video_tokens"),
        (OPENAI.replace("output_tokens", "completion"), "Missing for the usage of OpenAI: output_tokens"),
        (CLAUDE_USAGE.replace("usage_date_utc", "date"), "Missing for the usage of the Claude Console: usage_date_utc"),
        ("a,b", "Found: a, b."),
    ],
)
def test_columns_that_nobody_knows_are_named(tmp_path: Path, head: str, told: str) -> None:
    code, message = compare(tmp_path, head, "1,2")
    assert code == 2 and told in message


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "lines",
    [["a,b", "1,2"], [""], [OPENAI, "x,0,gpt-4o,1,1,1,1"], [OPENAI, "0,0,gpt-4o,1,many,1,1"], [OPENAI, "0"]]
    + [[OPENAI, "0,0,gpt-4o,1,NaN,1,1"], [OPENAI, "0,0,gpt-4o,1,1e99,1,1"], [OPENAI, "0,0,,1,1,1,1"]]
    + [[OPENAI, f"{10**20},0,gpt-4o,1,1,1,1"], [OPENAI, "0,0,gpt-4o,1,1,1,1,1"]],
)
def test_what_is_no_export_is_refused(tmp_path: Path, lines: list[str]) -> None:
    assert compare(tmp_path, *lines)[0] == 2


@pytest.mark.usefixtures("db")
def test_an_export_without_rows_has_no_differences(tmp_path: Path) -> None:
    assert compare(tmp_path, OPENAI)[0] == 0
