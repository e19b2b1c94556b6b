"""When a failed attempt is worth another one. The only layer that retries: the SDKs are told not to."""

from __future__ import annotations

import random
from dataclasses import dataclass

from inference.providers.errors import ProviderError

_jitter = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most ``attempts`` tries; waits in seconds, each at most ``longest_wait``."""

    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 20.0

    def wait_after(self, error: ProviderError, *, attempt: int) -> float | None:
        """Seconds to wait before the next try, or None to give up; ``attempt`` counts from 1.

        A provider that asks for more patience than ``longest_wait`` is not tried again: its word is shown instead.
        """
        if not error.retryable or attempt >= self.attempts:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest_wait else None
        ceiling = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return _jitter.uniform(ceiling / 2, ceiling)
