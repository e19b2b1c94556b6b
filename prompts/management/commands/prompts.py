from __future__ import annotations

import difflib
import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from audit.context import Source, bind
from prompts.files import own_format
from prompts.files.directory import read_directory, write_directory
from prompts.files.document import JSON, MARKDOWN, FileRefused, PromptFile, path_of
from prompts.files.reading import read
from prompts.files.transfer import (
    ImportRefused,
    Options,
    Outcome,
    Result,
    files_of,
    import_files,
    preview_import,
    record_export,
    refusal_of,
)
from prompts.models import LATEST, Prompt

DIFFERENT, FAILED = 1, 2


class Command(BaseCommand):
    help = (
        "Keep prompts as files in a directory, so that they can live in git.\n\n"
        "  export   writes each prompt that the user sees to a file\n"
        "  import   stores what the files say: all of them or, where one is refused, none\n"
        "  diff     shows how the files differ from the registry\n\n"
        "Exit codes: 0 done, or no differences; 1 differences; 2 an error.\n\n"
        "Examples: manage.py prompts export --user ada@example.org --dir prompts/\n"
        "          manage.py prompts import --user ci@example.org --dir prompts/ --label production --dry-run\n"
        "          manage.py prompts diff --user ci@example.org --dir prompts/ --label production"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("verb", choices=["export", "import", "diff"])
        parser.add_argument("--dir", required=True, type=Path, metavar="DIR")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whose rights hold; owns new prompts")
        parser.add_argument(
            "--label",
            default="",
            metavar="LABEL",
            help="export, diff: of this label (default: latest); import: sets it",
        )
        parser.add_argument("--folder", default="", metavar="NAME", help="export, diff: only prompts of this folder")
        parser.add_argument("--format", choices=[MARKDOWN, JSON], default=MARKDOWN, help="export (default: md)")
        parser.add_argument("--dry-run", action="store_true", help="import: only print what would be done")
        parser.add_argument("--move-labels", action="store_true", help="import: also move labels that files name")
        parser.add_argument("--message", default="", metavar="TEXT", help="import: commit message of new versions")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        user = User.objects.filter(email=options["user"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']}.", returncode=FAILED)
        try:
            run = {"export": self._export, "import": self._import, "diff": self._diff}[options["verb"]]
            status = run(user, options)
        except (OSError, FileRefused) as error:
            raise CommandError(str(error), returncode=FAILED) from error
        if status:
            sys.exit(status)

    def _export(self, user: User, options: dict[str, Any]) -> int:
        files = self._stored(user, options)
        changed = write_directory(options["dir"], files, suffix=options["format"])
        record_export(actor=user, count=len(files), file_format=options["format"], label=options["label"] or LATEST)
        if options["json"]:
            self._write_json({"prompts": len(files), "changed": changed})
        else:
            self.stdout.write("".join(f"{name}\n" for name in changed), ending="")
            self.stdout.write(f"{len(files)} prompts, {len(changed)} files changed.")
        return 0

    def _import(self, user: User, options: dict[str, Any]) -> int:
        files, refused = self._read(options)
        wanted = Options(options["label"], options["move_labels"], options["message"])
        is_written = not refused and not options["dry_run"]
        try:
            run = import_files if is_written else preview_import
            results = run(files=files, actor=user, options=wanted)
        except ImportRefused as error:
            results, is_written = error.results, False
        results = [*map(refusal_of, refused), *results]
        has_failed = any(result.outcome is Outcome.REFUSED for result in results)
        if options["json"]:
            self._write_json({"written": is_written, "results": [_values(result) for result in results]})
        else:
            self._tell(results, is_written=is_written, is_dry=options["dry_run"])
        return FAILED if has_failed else 0

    def _diff(self, user: User, options: dict[str, Any]) -> int:
        files, refused = self._read(options)
        if refused:
            raise CommandError("\n".join(map(str, refused)), returncode=FAILED)
        given = {file.name: file for file in files}
        if len(given) < len(files):
            raise CommandError("Several files hold the same prompt.", returncode=FAILED)
        if folder := _folder(options):
            given = {name: file for name, file in given.items() if name.startswith(folder)}
        stored = {file.name: file for file in self._stored(user, options)}
        differences = {}
        for name in sorted(given.keys() | stored.keys()):
            if lines := _difference(name, stored.get(name), given.get(name)):
                differences[name] = "".join(lines)
        if options["json"]:
            self._write_json({"differences": differences})
        else:
            self.stdout.write("".join(differences.values()), ending="")
        return DIFFERENT if differences else 0

    def _stored(self, user: User, options: dict[str, Any]) -> list[PromptFile]:
        prompts = Prompt.objects.visible_to(user).current()
        if folder := _folder(options):
            prompts = prompts.filter(name__startswith=folder)
        return files_of(prompts, label=options["label"] or LATEST)

    def _read(self, options: dict[str, Any]) -> tuple[list[PromptFile], list[FileRefused]]:
        if not options["dir"].is_dir():
            raise CommandError(f"There is no directory {options['dir']}.", returncode=FAILED)
        sources, refused, skipped = read_directory(options["dir"])
        for name in skipped:
            self.stderr.write(f"{name}: no fields between lines “---”, skipped.")
        files = []
        for source in sources:
            try:
                files += read(source)
            except FileRefused as error:
                refused.append(error)
        return files, refused

    def _tell(self, results: Sequence[Result], *, is_written: bool, is_dry: bool) -> None:
        for result in results:
            version = f" v{result.version}" if result.version else ""
            said = " ".join(filter(None, (result.problem, *result.details)))
            self.stdout.write(f"{result.outcome:<9}  {result.path}  {result.name}{version}  {said}".rstrip())
        counts = ", ".join(f"{sum(result.outcome is one for result in results)} {one}" for one in Outcome)
        end = "" if is_written else " Dry run: nothing was stored." if is_dry else " Nothing was stored."
        self.stdout.write(f"{counts}.{end}")

    def _write_json(self, values: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(values, ensure_ascii=False))


def _values(result: Result) -> dict[str, Any]:
    names = ("path", "name", "outcome", "version", "problem", "details")
    return {name: getattr(result, name) for name in names}


def _folder(options: dict[str, Any]) -> str:
    """The beginning of the names that are meant, '' for all."""
    folder = str(options["folder"]).strip("/")
    return f"{folder}/" if folder else ""


def _difference(name: str, stored: PromptFile | None, given: PromptFile | None) -> list[str]:
    """From the registry to the file, without what is not compared: number, commit message and labels."""
    if stored and given and _is_same(stored, given):
        return []
    path = (given.path if given else "") or path_of(name)
    before, after = (_lines(file) for file in (stored, given))
    return list(
        difflib.unified_diff(
            before, after, f"registry/{path}" if stored else "/dev/null", path if given else "/dev/null"
        )
    )


def _is_same(stored: PromptFile, given: PromptFile) -> bool:
    is_described = given.description in (None, stored.description or "") and given.tags in (None, stored.tags or ())
    return stored.draft == given.draft and is_described


def _lines(file: PromptFile | None) -> list[str]:
    if file is None:
        return []
    text = own_format.as_markdown(replace(file, version=None, message="", labels=()))
    return [line if line.endswith("\n") else f"{line}\n" for line in text.splitlines(keepends=True)]
