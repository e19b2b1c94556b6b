"""Files that are uploaded, and what is kept of them in the form until they are confirmed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from prompts.files.document import MOST_FILES, FileRefused
from prompts.files.reading import SourceFile, decoded, unpacked

Upload = UploadedFile[Any]
# Django takes 2.5 MB of a form, and this is sent again to confirm.
MOST_CHARACTERS = 2_000_000


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Cleans to a list of files."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:
        files = data if isinstance(data, list | tuple) else [data]
        if len(files) > MOST_FILES:
            raise ValidationError(f"Choose at most {MOST_FILES} files.")
        return [super(FilesField, self).clean(file, initial) for file in files or [None]]


class ImportForm(forms.Form):
    """``sources`` and ``refused`` are there once it is valid."""

    uploads = FilesField(
        label="Files",
        help_text="Markdown and JSON files, or zip archives of them: exports of AISTRALE, prompts of Langfuse's API, "
        "prompt objects of OpenAI. Up to 2 MB in all.",
        widget=FilesInput(attrs={"accept": ".md,.json,.zip"}),
    )
    moves_labels = forms.BooleanField(
        required=False,
        label="Move labels",
        help_text="Labels in the files are always set for new prompts. This also moves labels of existing prompts.",
    )

    sources: list[SourceFile]
    refused: list[FileRefused]

    def clean_uploads(self) -> list[Upload]:
        files: list[Upload] = self.cleaned_data["uploads"]
        self.sources, self.refused = [], []
        for file in files:
            self._open(file.name or "", file.read())
        if len(packed(self.sources).encode()) > MOST_CHARACTERS:
            raise ValidationError("These files are too large together. Choose fewer, or use manage.py prompts import.")
        if not self.sources and not self.refused:
            raise ValidationError("There are no files in it.")
        return files

    def _open(self, name: str, data: bytes) -> None:
        try:
            members = unpacked(name, data)
        except FileRefused as error:
            self.refused.append(error)
            return
        for path, content in members:
            try:
                self.sources.append(decoded(path, content))
            except FileRefused as error:
                self.refused.append(error)


class ConfirmForm(forms.Form):
    """What was previewed, to be imported now. ``seen`` names what the preview said."""

    payload = forms.CharField(widget=forms.HiddenInput, strip=False)
    moves_labels = forms.BooleanField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_payload(self) -> list[SourceFile]:
        try:
            pairs = json.loads(self.cleaned_data["payload"])
            return [SourceFile(path, text) for path, text in pairs if isinstance(path, str) and isinstance(text, str)]
        except (ValueError, TypeError, RecursionError) as error:
            raise ValidationError("The files are no longer available. Choose them again.") from error


def packed(sources: Sequence[SourceFile]) -> str:
    """As a form sends it back unchanged: browsers rewrite line breaks, but JSON has none."""
    return json.dumps([[source.path, source.text] for source in sources], ensure_ascii=False)
