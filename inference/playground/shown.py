"""A playground as its page shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import UUID

from inference.chat.composer import ParameterInput, parameter_inputs
from inference.models import StoredFile
from inference.playground.diffing import compare
from inference.playground.forms import PanelForm, ValuesForm
from inference.playground.models import Panel, PanelAnswer, Playground
from inference.playground.requests import used_names
from inference.runs.estimates import estimate_text_tokens
from prompts.drafts import ROLES, Draft
from prompts.models import ExampleSet, Prompt
from prompts.pages.editor import Editor, editor_of
from telemetry.models import Generation, Status
from telemetry.ratings import add_ratings
from tokens.models import ProviderToken

if TYPE_CHECKING:
    from accounts.models import User

LOW, HIGH = min, max
# What differs by less is as good as equal.
NOTABLE = Decimal("1.1")


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a panel: the median of its answers, with the least and the greatest where there are several.

    ``is_best`` among the panels that have ended.
    """

    values: list[Any]
    is_best: bool = False

    @property
    def value(self) -> Any:
        return median(self.values) if self.values else None

    @property
    def has_spread(self) -> bool:
        return len(self.values) > 1 and Decimal(max(self.values)) > Decimal(min(self.values)) * NOTABLE


@dataclass(frozen=True)
class ShownPanel:
    """``best`` names the metrics in which no other panel is better. ``prompt_is_gone``: deleted, or not to be seen."""

    panel: Panel
    answers: list[PanelAnswer]
    editor: Editor
    form: PanelForm
    may_edit: bool
    number: int
    best: frozenset[str] = frozenset()
    problem: str = ""
    endpoint_name: str = ""
    prompt_is_gone: bool = False
    roles: tuple[str, ...] = ROLES

    @property
    def inputs(self) -> list[ParameterInput]:
        return parameter_inputs(self.panel.provider, self.panel.model, self.panel.parameters)

    @property
    def messages_count(self) -> int:
        return len(self.editor.messages)

    @property
    def input_tokens(self) -> int:
        return sum(map(estimate_text_tokens, Draft(self.panel.body).texts))

    @property
    def is_running(self) -> bool:
        return any(answer.is_running for answer in self.answers)

    @property
    def numbers(self) -> list[list[PanelAnswer]]:
        """The steps of each answer."""
        return [list(steps) for _, steps in groupby(self.answers, lambda answer: answer.number)]

    @property
    def last_steps(self) -> list[PanelAnswer]:
        return [steps[-1] for steps in self.numbers]

    @property
    def state(self) -> tuple[str, str]:
        """Tone and words."""
        ended = [answer.generation.status for answer in self.answers if not answer.is_running]
        if self.is_running:
            done = f", {len(ended)} of {len(self.answers)} done" if len(self.answers) > 1 else ""
            return "busy", f"Streaming{done}"
        if any(status in (Status.FAILED, Status.INTERRUPTED) for status in ended):
            return "bad", "Failed"
        if Status.STOPPED in ended:
            return "caution", "Stopped"
        if any(answer.wanted_results for answer in self.last_steps):
            return "caution", "Waiting for tool results"
        return ("good", "Done") if ended else ("", "Not run yet")

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        return {name: Metric(values, name in self.best) for name, values in figures(self.answers).items()}


# What each figure of a call is, and which is better: the lower or the higher one.
FIGURES: dict[str, tuple[Callable[[Generation], float | int | Decimal | None], Any]] = {
    "first": (lambda call: call.seconds_to_first_token, LOW),
    "seconds": (lambda call: call.seconds, LOW),
    "tokens": (lambda call: call.total_output_tokens, None),
    "speed": (lambda call: call.output_tokens_per_second, HIGH),
    "cost": (lambda call: call.cost_usd, LOW),
}


def figures(answers: Iterable[PanelAnswer]) -> dict[str, list[Any]]:
    """By name, of the answers that have ended and have it."""
    calls = [answer.generation for answer in answers if not answer.is_running]
    return {name: [value for value in map(read, calls) if value is not None] for name, (read, _) in FIGURES.items()}


def best_of(panels: Sequence[Sequence[PanelAnswer]]) -> list[frozenset[str]]:
    """By panel, the figures in which it is the best of several; only of panels whose answers have all succeeded."""
    done = [bool(answers) and all(a.generation.status == Status.SUCCEEDED for a in answers) for answers in panels]
    found: list[set[str]] = [set() for _ in panels]
    if sum(done) < 2:
        return [frozenset() for _ in panels]
    all_figures = [figures(answers) for answers in panels]
    for name, (_, better) in FIGURES.items():
        medians = {
            place: median(all_figures[place][name])
            for place, is_done in enumerate(done)
            if is_done and all_figures[place][name]
        }
        ranked = sorted(map(Decimal, medians.values()), reverse=better is HIGH)
        if better and len(ranked) > 1 and max(ranked[:2]) > min(ranked[:2]) * NOTABLE:
            found[better(medians, key=medians.__getitem__)].add(name)
    return [frozenset(names) for names in found]


@dataclass(frozen=True)
class ShownPlayground:
    playground: Playground
    panels: list[ShownPanel]
    values: ValuesForm
    may_edit: bool
    as_diff: bool = False
    files: Sequence[StoredFile] = ()
    example_sets: Sequence[ExampleSet] = ()

    @property
    def has_prompt(self) -> bool:
        return any(panel.panel.prompt_id for panel in self.panels)


def shown(playground: Playground, viewer: User, *, as_diff: bool = False, base: int | None = None) -> ShownPlayground:
    """``as_diff``: answers as they differ from the answer ``base``, or else from the first one."""
    panels = list(playground.panels.all())
    may_edit = playground.owner_id == viewer.pk
    answers = answers_of(panels)
    attached = playground.files.select_related("file").defer("file__content", "file__thumbnail")
    files = [row.file for row in attached]
    if as_diff:
        compare([answers[panel.pk] for panel in panels], base)
    add_ratings([one.generation for panel in panels for one in answers[panel.pk] if not one.is_running], viewer)
    best = best_of([answers[panel.pk] for panel in panels])
    names, gone = endpoint_names(panels, viewer), with_prompt_gone(panels, viewer)
    shown_panels = [
        ShownPanel(
            panel,
            answers[panel.pk],
            editor_of(panel.draft),
            PanelForm(None, panel=panel),
            may_edit,
            number,
            best_in,
            endpoint_name=names[panel.pk],
            prompt_is_gone=panel.pk in gone,
        )
        for number, (panel, best_in) in enumerate(zip(panels, best, strict=True), start=1)
    ]
    return ShownPlayground(
        playground,
        shown_panels,
        values_form(playground, panels, viewer),
        may_edit,
        as_diff,
        files,
        example_sets_of(panels, viewer),
    )


def with_prompt_gone(panels: Sequence[Panel], reader: User) -> set[int]:
    """The panels whose prompt was deleted, or is not shared with the reader."""
    wanted = {panel.pk: panel.prompt_id for panel in panels if panel.prompt_id}
    if not wanted:
        return set()
    seen = set(Prompt.objects.visible_to(reader).filter(pk__in=wanted.values()).values_list("pk", flat=True))
    return {pk for pk, prompt_id in wanted.items() if prompt_id not in seen}


def endpoint_names(panels: Sequence[Panel], viewer: User) -> dict[int, str]:
    """By panel: the name of a server with a base URL of its own, as far as the viewer may use it; else the provider."""
    tokens = ProviderToken.objects.visible_to(viewer).in_bulk([panel.token_id for panel in panels if panel.token_id])
    return {panel.pk: _endpoint_name(panel, tokens, viewer) for panel in panels}


def _endpoint_name(panel: Panel, tokens: Mapping[UUID, ProviderToken], viewer: User) -> str:
    token = tokens.get(panel.token_id) if panel.token_id else None
    if token is None:
        is_gone = panel.token_id and panel.playground.owner_id == viewer.pk
        return "Endpoint is gone" if is_gone else panel.provider_label
    return token.label if token.base_url else panel.provider_label


def values_form(playground: Playground, panels: Sequence[Panel], viewer: User, data: Any = None) -> ValuesForm:
    variables, placeholders = used_names(panels, viewer)
    return ValuesForm(data, playground=playground, variables=variables, placeholders=placeholders)


def example_sets_of(panels: Sequence[Panel], reader: User) -> list[ExampleSet]:
    """Of the prompts that the panels were made from, as far as the reader may see them."""
    prompts = Prompt.objects.visible_to(reader).filter(pk__in=[panel.prompt_id for panel in panels if panel.prompt_id])
    return list(ExampleSet.objects.filter(prompt__in=prompts).select_related("prompt").order_by("prompt__name", "name"))


def answers_of(panels: Sequence[Panel]) -> dict[int, list[PanelAnswer]]:
    """By panel, those of its last round, with their calls."""
    found: dict[int, list[PanelAnswer]] = {panel.pk: [] for panel in panels}
    rounds = [panel.round for panel in panels if panel.round]
    rows = PanelAnswer.objects.filter(panel__in=panels, round__in=rounds)
    rows = rows.select_related("panel", "generation__content")
    current = {panel.pk: panel.round for panel in panels}
    for answer in rows:
        if answer.round == current[answer.panel_id]:
            found[answer.panel_id].append(answer)
    return found
