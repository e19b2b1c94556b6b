"""Write docs/settings.md from .env.example, whose names and defaults the tests compare with the code.

    python3 deploy/document_settings.py

Uses the standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / ".env.example"
TARGET = ROOT / "docs" / "settings.md"
HEAD = """# Settings

Read from the environment or from `.env`; the environment goes first. The system page shows those in effect. Where
`NAME_FILE` is given, it names a file that holds the value instead, as the secrets of containers do. This page is made
by `make settings-docs` from `.env.example`.
"""
_SETTING = re.compile(r"#([A-Z][A-Z_]+)=(.*)")


@dataclass
class Setting:
    name: str
    default: str
    meaning: str
    has_file: bool = False


@dataclass
class Section:
    title: str
    settings: list[Setting] = field(default_factory=list)


def sections(text: str) -> Iterator[Section]:
    """Paragraphs, of which the first line is the title. The first paragraph is about the file itself."""
    for paragraph in text.strip().split("\n\n")[1:]:
        title, *lines = paragraph.splitlines()
        section = Section(title.removeprefix("# "))
        meaning: list[str] = []
        for line in lines:
            if not (match := _SETTING.fullmatch(line)):
                meaning.append(line.removeprefix("# "))
            elif match[1].endswith("_FILE") and section.settings and match[1] == f"{section.settings[-1].name}_FILE":
                section.settings[-1].has_file = True
                meaning = []
            else:
                section.settings.append(Setting(match[1], match[2], " ".join(meaning)))
                meaning = []
        yield section


def page(text: str) -> str:
    return "\n".join([HEAD, *(_table(section) for section in sections(text))])


def _table(section: Section) -> str:
    rows = [
        f"| `{setting.name}`{f', `{setting.name}_FILE`' if setting.has_file else ''} "
        f"| {f'`{setting.default}`' if setting.default else ''} | {setting.meaning} |"
        for setting in section.settings
    ]
    return "\n".join([f"## {section.title}\n", "| Name | Default | Meaning |", "| --- | --- | --- |", *rows, ""])


if __name__ == "__main__":
    TARGET.write_text(page(SOURCE.read_text()))
