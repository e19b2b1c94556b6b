from __future__ import annotations

import asyncio

import pytest

from inference.turns import LARGE, PIECE, pieces, turn


async def rounds_of(size: int, *, count: int) -> list[int]:
    """In which round of the event loop each of ``count`` pieces was worked on, all of them ready at once."""
    done: list[int] = []
    current = 0

    async def work() -> None:
        await turn(size)
        done.append(current)

    tasks = [asyncio.create_task(work()) for _ in range(count)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        current += 1
    return done


async def test_large_pieces_are_worked_on_in_different_rounds() -> None:
    rounds = await rounds_of(LARGE, count=10)

    assert len(set(rounds)) == len(rounds) == 10


async def test_small_pieces_wait_for_nobody() -> None:
    assert set(await rounds_of(LARGE - 1, count=10)) == {0}


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_are_bounded_and_lose_nothing(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    cut = list(pieces(data))

    assert b"".join(cut) == data
    assert cut and max(map(len, cut)) <= PIECE and (size == 0 or all(cut))
