"""Answers of the sandbox that show what a page can show. The chat's first page asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    text: str
    reasoning: str = ""


_REASONING = (
    "Llama 3.1 70B: 80 layers, 64 query heads, 8 key/value heads, head size 128. BF16 is 2 bytes. "
    "Per token 2 × 80 × 8 × 128 × 2 = 327,680 bytes = 320 KiB. Times 131,072 tokens = 40 GiB. "
    "Without GQA all 64 heads would be stored: 8 times as much."
)

_EVERYTHING = r"""This is the sandbox, and this is what an answer can look like. The example: *how much memory does the
KV cache of Llama 3.1 70B need at 128K context?*

**40 GiB** in BF16. With full multi-head attention it would be 320 GiB, so grouped-query attention saves a factor of 8.

## The formula

Each layer stores one key and one value vector per token and KV head. For $L$ layers, $n_{\mathrm{kv}}$ heads of size
$d_h$, $b$ bytes per number and $T$ tokens:

$$M_{\mathrm{KV}} = 2 \cdot L \cdot n_{\mathrm{kv}} \cdot d_h \cdot b \cdot T$$

Only the KV heads count. The saving is the ratio $n_q / n_{\mathrm{kv}} = 64 / 8 = 8$.

## By model

| Model | Layers | KV heads | Per token (KiB) | 32K (GiB) | 128K (GiB) |
|:--|--:|--:|--:|--:|--:|
| Llama 3.1 8B | 32 | 8 | 128 | 4.00 | 16.00 |
| Llama 3.1 70B | 80 | 8 | 320 | 10.00 | 40.00 |
| Llama 3.1 70B, no GQA | 80 | 64 | 2,560 | 80.00 | 320.00 |
| Llama 3.1 405B | 126 | 8 | 504 | 15.75 | 63.00 |

## What to change first

1. **Quantise the cache.** `--kv-cache-dtype fp8` halves every figure above.
2. **Share prefixes.** `--enable-prefix-caching` stores a common system prompt once for all requests.
3. **Bound the window.** `--max-model-len 32768` keeps one request from claiming 40 GiB.

To check another model, read the values from its `config.json`:

```python
def kv_cache_gib(layers, kv_heads, head_dim, tokens, dtype_bytes=2):
    '''Size of the KV cache of one sequence, in GiB.'''
    per_token = 2 * layers * kv_heads * head_dim * dtype_bytes  # keys and values
    return per_token * tokens / 2**30


print(f"{kv_cache_gib(80, 8, 128, tokens=131_072):.1f} GiB")  # 40.0 GiB
```

- [x] Headings, a list, a table, a formula and code
- [x] Reasoning, above this answer
- [ ] A model of your own: add a provider key

> Tables and code are copied with one click, formulas as the LaTeX they were written in.
"""

_PARAGRAPH = (
    "This part of the answer is there to be watched. While it streams, **Stop** or `Esc` ends it, what has arrived is "
    "kept, and *Continue* asks for the rest. Scroll up and the page stays where you read; *Jump to latest* brings you "
    "back. A message that you send now is queued until the answer is complete."
)
_LONG = "# A long answer\n\n" + "\n\n".join(f"## Part {number}\n\n{_PARAGRAPH}" for number in range(1, 9)) + "\n"

SAMPLES: Mapping[str, Sample] = {
    "Show me what an answer can look like.": Sample(_EVERYTHING, _REASONING),
    "Write a long answer.": Sample(_LONG),
}
