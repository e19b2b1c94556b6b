"""The page on which a version is written: its text, its forms, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError

from accounts.models import User
from prompts import prices
from prompts.diffs import Section, compare
from prompts.drafts import ROLES, VARIABLE_TYPES, Draft, DraftRefused, Variable
from prompts.models import ExampleSet, Prompt, PromptVersion
from prompts.pages.editor import Editor
from prompts.pages.forms import PromptForm, VersionForm
from prompts.pages.include_picker import include_targets
from prompts.pages.preview import Preview, preview

TYPES = {name: name.replace("_", " ").capitalize() for name in VARIABLE_TYPES}


@dataclass(frozen=True, slots=True)
class VariableRow:
    variable: Variable
    is_unused: bool
    is_new: bool
    is_clashing: bool

    @property
    def choices(self) -> str:
        return "\n".join(self.variable.choices)

    @property
    def state(self) -> str:
        return "caution" if self.is_unused or self.is_clashing else ""


@dataclass
class EditorPage:
    """``details`` are there for a new prompt. ``base`` is the version that is edited, ``newest_seen`` the newest one
    that its user knew of, ``theirs`` one that was saved meanwhile, ``example_set`` what the preview is filled with.
    """

    user: User
    editor: Editor
    form: VersionForm
    details: PromptForm | None = None
    prompt: Prompt | None = None
    base: PromptVersion | None = None
    newest_seen: int | None = None
    theirs: PromptVersion | None = None
    example_set: ExampleSet | None = None
    body_errors: list[str] = field(default_factory=list)
    variable_errors: list[str] = field(default_factory=list)

    roles = ROLES
    types = TYPES

    def __post_init__(self) -> None:
        self.editor.follow_text()

    def is_valid(self) -> bool:
        # Both, so that all errors are told at once.
        are_valid = [form.is_valid() for form in (self.details, self.form) if form]
        return all(are_valid)

    @cached_property
    def draft(self) -> Draft:
        """Of a valid form."""
        return Draft(self.editor.body, tuple(self.editor.variables), **self.form.values())

    @property
    def commit_message(self) -> str:
        return str(self.form.cleaned_data["message"])

    @property
    def details_values(self) -> dict[str, Any]:
        return self.details.cleaned_data if self.details else {}

    def refuse(self, error: DraftRefused | ValidationError) -> None:
        """Tells what could not be saved, at the fields."""
        for name, text in error.errors if isinstance(error, DraftRefused) else _errors(error):
            if name in ("body", "variables"):
                (self.body_errors if name == "body" else self.variable_errors).append(text)
            elif self.details and name in self.details.fields:
                self.details.add_error(name, text)
            else:
                self.form.add_error(name if name in self.form.fields else None, text)

    @property
    def has_errors(self) -> bool:
        return bool(
            self.body_errors
            or self.variable_errors
            or (self.form.is_bound and self.form.errors)
            or (self.details and self.details.is_bound and self.details.errors)
        )

    @property
    def status(self) -> int:
        return 409 if self.theirs else 422 if self.has_errors else 200

    @property
    def next_number(self) -> int:
        newest = self.theirs.number if self.theirs else self.prompt.last_number if self.prompt else 0
        return newest + 1

    @cached_property
    def preview(self) -> Preview:
        name = self.prompt.name if self.prompt else "this prompt"
        examples = self.example_set.values if self.example_set else None
        return preview(name, self.editor.body, self.editor.variables, reader=self.user, examples=examples)

    @cached_property
    def include_targets(self) -> list[tuple[Prompt, list[tuple[str, str]]]]:
        return include_targets(self.user, but=self.prompt)

    @cached_property
    def example_sets(self) -> list[ExampleSet]:
        return list(self.prompt.example_sets.all()) if self.prompt else []

    @cached_property
    def chosen_model(self) -> str:
        """'' until provider and model are chosen."""
        return str(self.form["model"].value() or "") if self.form["provider"].value() else ""

    @cached_property
    def input_cost(self) -> Decimal | None:
        """Of the preview, in USD; None where no price is known."""
        provider = str(self.form["provider"].value())
        return prices.input_cost(self.preview.token_estimate, provider=provider, model=self.chosen_model)

    @property
    def sections(self) -> list[Section]:
        """What differs between the version that was saved meanwhile and the one on the page."""
        return compare(self.theirs.draft, self.draft) if self.theirs else []

    @property
    def rows(self) -> Iterator[VariableRow]:
        used, clashing = self.editor.used, self.editor.clashing
        for variable in self.editor.variables:
            is_new = bool(self.base) and variable.name not in self.editor.known
            yield VariableRow(variable, variable.name not in used, is_new, variable.name in clashing)


def _errors(error: ValidationError) -> Iterator[tuple[str, str]]:
    for name, texts in error.message_dict.items():
        yield from ((name, text) for text in texts)
