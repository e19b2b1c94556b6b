"""What scanners find, and the findings that somebody has looked at and written a reason for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")


@dataclass(frozen=True, slots=True)
class Finding:
    """``place`` is a file or the path of an address."""

    tool: str
    rule: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.tool} {self.rule} {self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Findings of a rule at places of these patterns, and why they are none."""

    tool: str
    rule: str
    places: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        is_rule = (self.tool, self.rule) == (finding.tool, finding.rule)
        return is_rule and any(fnmatch(finding.place, place) for place in self.places)


def exceptions() -> list[Accepted]:
    entries = tomllib.loads(EXCEPTIONS.read_text())["exception"]
    return [Accepted(entry["tool"], entry["rule"], tuple(entry["places"]), entry["reason"]) for entry in entries]


def problems(findings: Iterable[Finding], accepted: Iterable[Accepted]) -> list[str]:
    """Findings without a reason, and reasons for what is not found any more."""
    found, known = list(findings), list(accepted)
    open_ones = [str(finding) for finding in found if not any(one.covers(finding) for one in known)]
    stale = [one for one in known if not any(one.covers(finding) for finding in found)]
    return open_ones + [f"{one.tool} {one.rule}: nothing is found at {', '.join(one.places)} any more" for one in stale]
