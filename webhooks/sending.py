"""The request to a receiver: to public or trusted addresses only, no redirects, within a few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from yarl import URL

from audit.text import replace_unstorable
from tokens.outgoing import AddressRefused, PublicResolver, close_tunnels, proxy_for, tls, trust_in_setting
from webhooks.models import LONGEST_RESPONSE

# For everything, from the look-up of the name to the answer.
TOTAL_SECONDS = 10.0
TRUST = trust_in_setting("WEBHOOK_HOSTS")


def _keep_nothing(text: str) -> str:
    return ""


# What of an answer may be kept. Set as the server starts, by the app that knows what secrets look like.
redact: Callable[[str], str] = _keep_nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is None where there was no answer, ``error`` '' where all is well. ``body`` is its beginning."""

    status: int | None
    body: str
    error: str
    seconds: float


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Raises nothing for what can go wrong between two servers."""
    began = time.monotonic()
    status, content, error = None, b"", ""
    try:
        status, content = asyncio.run(_post(URL(url), body, headers))
        error = _objection(status)
    except AddressRefused as refused:
        error = str(refused)
    except TimeoutError:
        error = f"No answer within {TOTAL_SECONDS:.0f} s."
    except (aiohttp.ClientError, OSError, ValueError) as failure:
        error = f"The request failed: {_words_for(failure)}."
    text = replace_unstorable(redact(content.decode(errors="replace")))
    return Answer(status, text[:LONGEST_RESPONSE], error[:300], time.monotonic() - began)


async def _post(url: URL, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    resolver = PublicResolver(TRUST)
    await resolver.check(url)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, ssl=tls(), force_close=True),
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
    proxy = proxy_for(url)
    request = session.post(url, data=body, headers=headers, allow_redirects=False, proxy=proxy)
    try:
        async with session, request as answer:
            return answer.status, await _begin_of(answer)
    finally:
        if proxy:
            await close_tunnels()


async def _begin_of(answer: aiohttp.ClientResponse) -> bytes:
    """What came of the body: the status alone decides, whatever becomes of the rest."""
    content = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        while len(content) < LONGEST_RESPONSE and (part := await answer.content.read(LONGEST_RESPONSE)):
            content += part
    answer.close()
    return bytes(content[:LONGEST_RESPONSE])


def _objection(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"The receiver answered {status}: redirects are not followed."
    return f"The receiver answered {status}."


def _words_for(failure: Exception) -> str:
    """Without the URL, which may hold a secret of the receiver."""
    if isinstance(failure, aiohttp.ClientConnectorDNSError):
        return "the host does not exist"
    if isinstance(failure, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "no secure connection, check the certificate"
    if isinstance(failure, aiohttp.ClientConnectorError):
        return "no connection"
    return "the connection was cut" if isinstance(failure, aiohttp.ClientError | OSError) else "the URL is not valid"
