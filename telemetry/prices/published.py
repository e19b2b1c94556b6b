"""Days on which providers take models out of service, as they have published them. An administrator's entry wins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

# https://developers.openai.com/api/docs/deprecations (2026-11)
_GPT_5, _GPT_4 = date(2026, 12, 11), date(2027, 1, 14)
# https://platform.claude.com/docs/en/about-claude/model-deprecations, and the list in anthropic 0.116 (2026-11)
_CLAUDE_4, _CLAUDE_4_5 = date(2026, 6, 15), date(2026, 11, 30)

# By provider and model: the day, and the replacement where the provider names one.
PUBLISHED: Mapping[tuple[str, str], tuple[date, str]] = {
    **dict.fromkeys((("openai", "gpt-5"), ("openai", "gpt-5-2025-08-07")), (_GPT_5, "gpt-6.1-sol")),
    **dict.fromkeys((("openai", "gpt-5-mini"), ("openai", "gpt-5-mini-2025-08-07")), (_GPT_5, "gpt-6.1-terra")),
    **{("openai", name): (_GPT_5, "") for name in ("gpt-5-nano", "gpt-5-nano-2025-08-07", "gpt-5-pro", "o3", "o3-pro")},
    **{("openai", name): (_GPT_4, "gpt-6-luna") for name in ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20")},
    **{("openai", name): (_GPT_4, "gpt-6-luna") for name in ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")},
    **{("openai", name): (_GPT_4, "gpt-6-luna") for name in ("gpt-4.1", "gpt-4.1-2025-04-14")},
    **{("openai", name): (_GPT_4, "gpt-6-luna") for name in ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14")},
    **{("anthropic", name): (_CLAUDE_4, "") for name in ("claude-opus-4-0", "claude-opus-4-20250514")},
    **{("anthropic", name): (_CLAUDE_4, "") for name in ("claude-sonnet-4-0", "claude-sonnet-4-20250514")},
    **{("anthropic", name): (_CLAUDE_4_5, "") for name in ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929")},
}
