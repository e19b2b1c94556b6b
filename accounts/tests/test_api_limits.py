"""Limits of API keys over several processes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts.api.limits import CountedAhead


@pytest.mark.parametrize("most", [1, 7, 250])
def test_processes_together_let_through_what_is_allowed(most: int) -> None:
    one, other, name = CountedAhead(), CountedAhead(), uuid4().hex
    taken = [process.take(name, minute=1, most=most) for _ in range(2 * most) for process in (one, other)]
    assert sum(taken) == most
    assert one.take(name, minute=2, most=most)


def test_what_a_process_has_counted_ahead_is_gone_with_the_minute() -> None:
    process, name = CountedAhead(), uuid4().hex
    assert process.take(name, minute=1, most=200)
    assert [process.take(name, minute=2, most=2) for _ in range(3)] == [True, True, False]
