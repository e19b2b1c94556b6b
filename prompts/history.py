"""The moves and rollouts of a prompt as a chart."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min, Q
from django.utils import timezone

from prompts.lanes import Chart, Move, Period, Trial, draw, period_of
from prompts.models import PRODUCTION, LabelMove, Prompt, Rollout, RolloutState
from prompts.reading import labels_at

# Of a period, the newest.
MOST_MOVES = 500


def chart_of(prompt: Prompt, *, label: str = "", moment: datetime | None = None) -> Chart | None:
    """Of one label or of all, around ``moment`` (aware) or up to now; None where no label has ever been set."""
    of_label = Q(label=label) if label else Q()
    all_moves = LabelMove.objects.filter(of_label, prompt=prompt)
    first = all_moves.aggregate(first=Min("at"))["first"]
    if first is None:
        return None
    period = period_of(first=first, now=timezone.now(), moment=moment)
    newest = all_moves.filter(at__gt=period.start, at__lte=period.end)[:MOST_MOVES]
    moves = [Move(move.label, move.to_version, move.at) for move in reversed(newest)]
    if len(moves) == MOST_MOVES:
        period, moves = Period(moves[0].at, period.end), moves[1:]
    before = labels_at(prompt, period.start)
    if label:
        before = {name: number for name, number in before.items() if name == label}
    trials = [_trial(rollout) for rollout in prompt.rollouts.filter(of_label, started_at__lt=period.end)[:MOST_MOVES]]
    return draw(period, before, moves, trials, moment=moment, first=PRODUCTION)


def _trial(rollout: Rollout) -> Trial:
    return Trial(
        rollout.label,
        rollout.to_version,
        rollout.percent,
        rollout.started_at,
        rollout.ended_at,
        rollout.state == RolloutState.STOPPED,
    )
