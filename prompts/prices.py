"""What the input of a model costs. Prices are in another app: whoever knows both sets ``input_cost`` at the start."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol


class InputCost(Protocol):
    """In USD; None where no price is known."""

    def __call__(self, tokens: int, *, provider: str, model: str) -> Decimal | None: ...


def _unknown(tokens: int, *, provider: str, model: str) -> Decimal | None:
    return None


input_cost: InputCost = _unknown
