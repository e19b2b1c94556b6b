"""Many people at once, and long conversations: ``python -m bench.pages [--json]``.

Starts throw-away databases and the server, and asks for pages as browsers do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles
from typing import TYPE_CHECKING

import httpx2

from bench.system import System, running_system

if TYPE_CHECKING:
    from accounts.models import User

PEOPLE, LOGINS, CONVERSATIONS, MESSAGES, LONG = 100, 50, 40, 20, 2000
PASSWORD = secrets.token_hex(20)
ANSWER = f"""Here is **what** you asked for, with `code` in it:

```python
def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
```

| n | value |
| - | ----- |
| 1 | one   |

1. First, *read* the question.
2. Then [look it up](https://example.org/).

{"A sentence of an answer, as long as they are. " * 20}"""


@dataclass(frozen=True)
class Row:
    """Seconds. ``statuses`` counts the answers."""

    name: str
    statuses: dict[int, int]
    p50: float
    p95: float


def seed() -> tuple[list[tuple[str, str]], str]:
    """The session of each of PEOPLE with the path of a conversation, and the path of the first one's long one."""
    from accounts.models import User

    people = [User(pk=1000 + number, email=f"person{number}@example.org") for number in range(PEOPLE)]
    people[0].set_password(PASSWORD)
    for person in people:
        person.password = people[0].password
    User.objects.bulk_create(people)
    for person in people:
        for _ in range(CONVERSATIONS - 1):
            converse(person, 0)
    return [(session_of(person), converse(person, MESSAGES)) for person in people], converse(people[0], LONG)


def session_of(person: User) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from accounts.sessions.store import SEEN, STARTED, SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session[STARTED] = session[SEEN] = time.time()
    session.create()
    return str(session.session_key)


def converse(owner: User, length: int) -> str:
    """The path of a new conversation with so many messages."""
    from django.utils import timezone

    from inference.models import Conversation, Message
    from telemetry.models import Generation

    conversation = Conversation.objects.create(owner=owner, title="About numbers", provider="echo", model="echo")
    now = timezone.now()
    call = {"user": owner, "provider": "echo", "request_model": "echo", "status": "succeeded"}
    moments = {"started_at": now, "heartbeat_at": now, "ended_at": now}
    calls = Generation.objects.bulk_create(Generation(**call, **moments) for _ in range(length // 2))
    turns = [
        Message(conversation=conversation, role="assistant", text=f"{ANSWER} {number}", generation=calls[number // 2])
        if number % 2
        else Message(conversation=conversation, role="user", text=f"What about {number}?")
        for number in range(length)
    ]
    Message.objects.bulk_create(turns)
    for parent, turn in pairwise(turns):
        turn.parent = parent
    Message.objects.bulk_update(turns, ["parent"], batch_size=500)
    return conversation.get_absolute_url()


async def timed(request: Awaitable[httpx2.Response]) -> tuple[int, float]:
    begun = time.perf_counter()
    response = await request
    return response.status_code, time.perf_counter() - begun


async def at_once(name: str, requests: Sequence[Awaitable[httpx2.Response]]) -> Row:
    answers = await asyncio.gather(*map(timed, requests))
    seconds = [seconds for _, seconds in answers]
    cuts = quantiles(seconds * 2, n=20, method="inclusive")
    return Row(name, dict(Counter(status for status, _ in answers)), cuts[9], cuts[18])


async def logging_in(client: Callable[[], httpx2.AsyncClient], email: str) -> Callable[[], Awaitable[httpx2.Response]]:
    """Opens the form; what is returned sends it."""
    browser = client()
    page = await browser.get("/login/")
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
    fields = {"csrfmiddlewaretoken": token, "login": email, "password": PASSWORD}
    return lambda: browser.post("/login/", data=fields)


async def measure(system: System, people: list[tuple[str, str]], long: str) -> list[Row]:
    url = f"http://127.0.0.1:{system.server_port}"

    def client(session: str = "") -> httpx2.AsyncClient:
        cookies = {"session": session} if session else {}
        return httpx2.AsyncClient(base_url=url, headers={"Origin": url}, cookies=cookies, timeout=120)

    browsers = [client(session) for session, _ in people]
    for browser, (_, path) in list(zip(browsers, people, strict=True))[:3]:
        await browser.get(path)
    rows = []
    for name in ("first", "second"):
        rows.append(await at_once(f"opening {LONG:,} messages, {name} time", [browsers[0].get(long)] * 1))
    pages = [browser.get(path) for browser, (_, path) in zip(browsers, people, strict=True)]
    rows.append(await at_once(f"{PEOPLE} chat pages at once", pages))
    forms = [await logging_in(client, f"person{number}@example.org") for number in range(LOGINS)]
    logins = asyncio.create_task(at_once(f"{LOGINS} log-ins at once", [send() for send in forms]))
    await asyncio.sleep(0.3)
    rows.append(
        await at_once("10 chat pages meanwhile", [b.get(p) for b, (_, p) in zip(browsers[:10], people, strict=False)])
    )
    rows.append(await logins)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    with running_system() as system:
        people, long = seed()
        rows = asyncio.run(measure(system, people, long))
    if arguments.json:
        json.dump({"cores": os.cpu_count(), "rows": [vars(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    print(f"{os.cpu_count()} cores, shared by the server, the databases and the browsers\n")
    for row in rows:
        statuses = ", ".join(f"{count} × {status}" for status, count in sorted(row.statuses.items()))
        print(f"{row.name:40}{statuses:20}{row.p50 * 1000:8,.0f} ms{row.p95 * 1000:8,.0f} ms")


if __name__ == "__main__":
    main()
