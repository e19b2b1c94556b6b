"""What is counted of calls, by one statement that everything goes through: jobs, pages and recounts."""

from __future__ import annotations

# What a call was made with, by its type: there are many of each, and most figures are of all of them.
CALLER = {"user_id": "bigint", "token_id": "uuid", "prompt_id": "uuid", "prompt_version": "integer"}
COMMON = ("provider", "base_url", "request_model", "status", "error_type")
DIMENSIONS = (*COMMON, *CALLER)
SUMS = (
    "calls",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
    "unpriced",
)
HISTOGRAMS = ("seconds", "first_token")
COLUMNS = ", ".join((*DIMENSIONS, *SUMS, *HISTOGRAMS))


def counted(start: str, condition: str, *, by_caller: bool) -> str:
    """Rows with ``start`` (SQL, constant or by call), ``COLUMNS``: the calls for which ``condition`` holds.

    Unless ``by_caller``, those of all callers are in one row, in which ``CALLER`` are NULL.
    """
    caller = [name if by_caller else f"NULL::{kind} AS {name}" for name, kind in CALLER.items()]
    return f"""
SELECT {start} AS start, {", ".join((*COMMON, *caller))}, count(*) AS calls,
  coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,
  coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
  coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens, coalesce(sum(cost_usd), 0) AS cost_usd,
  count(*) FILTER (WHERE cost_usd IS NULL AND input_tokens IS NOT NULL) AS unpriced,
  sum(telemetry_in_bin(telemetry_bin(ended_at - started_at)))::sparsevec AS seconds,
  sum(telemetry_in_bin(telemetry_bin(first_token_at - started_at)))::sparsevec AS first_token
FROM telemetry_generation WHERE {condition}
GROUP BY 1, {", ".join(DIMENSIONS if by_caller else COMMON)}
"""  # noqa: S608 (our own columns)
