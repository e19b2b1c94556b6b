from __future__ import annotations

from decimal import Decimal
from math import sqrt

import pytest

from prompts.rollout_rules import Figures, Guards, checks, draw, objection

GUARDS = Guards(20, 5.0, 2.0, Decimal("0.01"))


def test_a_caller_draws_the_same_each_time() -> None:
    assert len({draw("support/triage", "production", "user-7") for _ in range(50)}) == 1


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
@pytest.mark.parametrize("known", [True, False])
def test_the_part_is_within_binomial_bounds(percent: int, known: bool) -> None:
    callers = 20_000
    included = sum(draw("p", "production", f"user-{n}" if known else "") < percent for n in range(callers))
    share = percent / 100
    # Six standard deviations: by chance once in a billion runs.
    assert abs(included - callers * share) < 6 * sqrt(callers * share * (1 - share))


def test_other_labels_and_prompts_have_other_first_callers() -> None:
    callers = [f"user-{n}" for n in range(200)]
    drawn = [[draw(prompt, label, each) for each in callers] for prompt, label in [("a", "x"), ("a", "y"), ("b", "x")]]
    assert drawn[0] != drawn[1] and drawn[0] != drawn[2]


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (Figures(19, 19, 9.0, Decimal(1)), ""),
        (Figures(20, 1, 2.0, Decimal("0.01")), ""),
        (Figures(20, 2, 2.0, Decimal("0.01")), "Error rate was 10%, limit 5%, on 20 calls."),
        (Figures(1200, 0, 2.01, Decimal("0.01")), "p95 duration was 2.01 s, limit 2 s, on 1,200 calls."),
        (
            Figures(20, 0, 1.0, Decimal("0.0125")),
            "Cost per call was $0.012500, limit $0.010000, on 20 calls.",
        ),
        (Figures(20, 0, None, None), ""),
    ],
)
def test_a_guard_objects_from_its_smallest_sample_on(figures: Figures, reason: str) -> None:
    assert objection(GUARDS, figures) == reason


def test_guards_without_a_limit_are_not_checked() -> None:
    figures = Figures(100, 100, 1e6, Decimal(1000))
    assert (list(checks(Guards(1), figures)), objection(Guards(1), figures)) == ([], "")
