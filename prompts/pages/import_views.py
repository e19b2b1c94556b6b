"""Files become prompts: first it is shown what would happen, then it happens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.requests import UserRequest
from prompts.files.document import FileRefused, PromptFile
from prompts.files.reading import SourceFile, read
from prompts.files.transfer import (
    ImportRefused,
    Options,
    Outcome,
    Result,
    import_files,
    preview_import,
    refusal_of,
)
from prompts.pages.import_forms import ConfirmForm, ImportForm, packed

MOST_IN_MESSAGE = 5
WORDS = {
    Outcome.CREATED: "new",
    Outcome.CHANGED: "updated",
    Outcome.UNCHANGED: "unchanged",
    Outcome.REFUSED: "refused",
}


@dataclass
class ImportPreview:
    """``refused`` are files that could not be opened at all."""

    user: User
    sources: list[SourceFile]
    options: Options
    refused: list[FileRefused] = field(default_factory=list)
    is_outdated: bool = False

    def __post_init__(self) -> None:
        files: list[PromptFile] = []
        unread = [refusal_of(error) for error in self.refused]
        for source in self.sources:
            try:
                files += read(source)
            except FileRefused as error:
                unread.append(refusal_of(error))
        self.results = [*unread, *preview_import(files=files, actor=self.user, options=self.options)]

    @property
    def accepted(self) -> list[PromptFile]:
        return [result.file for result in self.results if result.file and result.outcome is not Outcome.REFUSED]

    @property
    def form(self) -> ConfirmForm:
        initial = {"payload": packed(self.sources), "seen": self.seen, "moves_labels": self.options.moves_labels}
        return ConfirmForm(initial=initial)

    @property
    def seen(self) -> str:
        told = repr(
            [(result.path, result.name, result.outcome, result.version, result.details) for result in self.kept]
        )
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def kept(self) -> list[Result]:
        return [result for result in self.results if result.outcome is not Outcome.REFUSED]

    @property
    def counts(self) -> dict[str, int]:
        """In words, those that there are."""
        counts = {word: sum(result.outcome is one for result in self.results) for one, word in WORDS.items()}
        return {word: count for word, count in counts.items() if count}

    @property
    def changes_count(self) -> int:
        return sum(result.outcome in (Outcome.CREATED, Outcome.CHANGED) for result in self.results)


@require_http_methods(["GET", "POST"])
def prompt_import(request: UserRequest) -> HttpResponse:
    if request.POST.get("step") == "import":
        return _confirmed(request)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if not form.is_valid():
        return _render(request, {"form": form}, status=422 if form.is_bound else 200)
    options = Options(moves_labels=form.cleaned_data["moves_labels"])
    return _render(request, {"preview": ImportPreview(request.user, form.sources, options, form.refused)})


def _confirmed(request: UserRequest) -> HttpResponse:
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        again = ImportForm()
        again.full_clean()
        return _render(
            request, {"form": again, "problem": "The files are no longer available. Choose them again."}, status=422
        )
    options = Options(moves_labels=form.cleaned_data["moves_labels"])
    preview = ImportPreview(request.user, form.cleaned_data["payload"], options)
    if preview.seen == form.cleaned_data["seen"]:
        try:
            results = import_files(files=preview.accepted, actor=request.user, options=options)
        except ImportRefused:
            # Somebody has changed something since the line before.
            preview = ImportPreview(request.user, preview.sources, options)
        else:
            messages.success(request, _said(results))
            return redirect("prompts:prompt-list")
    preview.is_outdated = True
    return _render(request, {"preview": preview}, status=409)


def _said(results: Sequence[Result]) -> str:
    changed = [result.name for result in results if result.outcome is not Outcome.UNCHANGED]
    names = ", ".join(f"“{name}”" for name in dict.fromkeys(changed[:MOST_IN_MESSAGE]))
    return (
        f"Imported {names}{' and others' if len(changed) > MOST_IN_MESSAGE else ''}."
        if changed
        else "Nothing to import."
    )


def _render(request: UserRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    return render(request, "prompts/prompt_import.html", context, status=status)
