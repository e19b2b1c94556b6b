"""A request as a program of its own, in curl, Python and JavaScript, with the key left to the environment. Pure.

What is shown is what the adapter sends, but for the streaming, which would need a longer program.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from inference.providers.transport import WireRequest

# What a request is made with instead of a key, to be found again in its headers.
KEY = "THE-KEY"
_SHOWN_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "anthropic-version")
_STREAMING = ("stream", "stream_options")


@dataclass(frozen=True, slots=True)
class Programs:
    curl: str
    python: str
    javascript: str

    @property
    def named(self) -> list[tuple[str, str]]:
        return [("curl", self.curl), ("Python", self.python), ("JavaScript", self.javascript)]


def programs(request: WireRequest, *, variable: str) -> Programs:
    """``variable``: the one of the environment that holds the key. ``request`` was made with KEY."""
    url = request.url.replace(":streamGenerateContent?alt=sse", ":generateContent")
    headers = {name: request.headers[name] for name in _SHOWN_HEADERS if name in request.headers}
    body = {name: value for name, value in json.loads(request.content).items() if name not in _STREAMING}
    return Programs(
        _curl(url, headers, body, variable),
        _python(url, headers, body, variable),
        _javascript(url, headers, body, variable),
    )


def _curl(url: str, headers: Mapping[str, str], body: Any, variable: str) -> str:
    shown = [f'-H "{name}: {value.replace(KEY, f"${variable}")}"' for name, value in headers.items()]
    lines = [
        f"curl {shlex.quote(url)}",
        *shown,
        '-H "content-type: application/json"',
        f"-d {shlex.quote(_json(body))}",
    ]
    return " \\\n  ".join(lines) + "\n"


def _python(url: str, headers: Mapping[str, str], body: Any, variable: str) -> str:
    shown = "".join(f"    {name!r}: {_formatted(value, variable)},\n" for name, value in headers.items())
    return (
        "import json\nimport os\nimport urllib.request\n\n"
        f"body = {pformat(body, width=100, sort_dicts=False)}\n"
        f"headers = {{\n{shown}    'content-type': 'application/json',\n}}\n"
        f"request = urllib.request.Request({url!r}, json.dumps(body).encode(), headers)\n"
        "with urllib.request.urlopen(request) as response:\n"
        "    print(json.dumps(json.load(response), indent=2))\n"
    )


def _formatted(value: str, variable: str) -> str:
    if KEY not in value:
        return repr(value)
    return f"""f"{value.replace(KEY, f"{{os.environ['{variable}']}}")}\""""


def _javascript(url: str, headers: Mapping[str, str], body: Any, variable: str) -> str:
    shown = "".join(
        f"    {json.dumps(name)}: `{value.replace(KEY, f'${{process.env.{variable}}}')}`,\n"
        for name, value in headers.items()
    )
    return (
        f"const body = {_json(body)};\n"
        f"const response = await fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{\n{shown}    "content-type": "application/json",\n  }},\n'
        "  body: JSON.stringify(body),\n"
        "});\n"
        "console.log(JSON.stringify(await response.json(), null, 2));\n"
    )


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)
