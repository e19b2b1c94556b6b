"""A price list of genai-prices, as small as one can be."""

from __future__ import annotations

import json

PRICE_LIST_FILE = json.dumps(
    [
        {
            "id": "openai",
            "name": "OpenAI",
            "api_pattern": "https://api\\.openai\\.com",
            "models": [
                {
                    "id": "gpt-4o",
                    "match": {"equals": "gpt-4o"},
                    "prices": {"input_mtok": 7, "output_mtok": 9},
                }
            ],
        }
    ]
).encode()
