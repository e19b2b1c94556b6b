"""The locks are complete: no supported Python and machine needs a resolver to install them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aistrale.tests.processes import MANAGE

ROOT = MANAGE.parent
SOURCES = {"requirements.txt": ["requirements.in"], "requirements-dev.txt": ["requirements.in", "requirements-dev.in"]}

# Debian 12 has 3.11.2, which needs a package that 3.11.3 does not.
PYTHONS = ("3.11.2", "3.11.7", "3.12.1", "3.13.0")
MACHINES = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))

type_of_machine = pytest.mark.parametrize("machine", MACHINES, ids="-".join)
release_of_python = pytest.mark.parametrize("python", PYTHONS)


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text().replace("\\\n", " ")


@cache
def entries(text: str) -> tuple[tuple[Requirement, str], ...]:
    """Each pin of a lock with the rest of its line."""
    lines = (line for line in text.splitlines() if line and not line.startswith((" ", "#", "-")))
    parts = (line.partition(" --hash") for line in lines)
    return tuple((Requirement(pin.strip()), rest) for pin, _, rest in parts)


def direct(lock: str) -> Iterator[Requirement]:
    for source in SOURCES[lock]:
        for line in (ROOT / source).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                yield Requirement(line)


def environment(python: str, machine: tuple[str, str, str]) -> dict[str, str]:
    """What markers ask about."""
    return {**this_environment(), "python_full_version": python, "python_version": python.rpartition(".")[0]} | dict(
        zip(("sys_platform", "platform_system", "platform_machine"), machine, strict=True)
    )


def this_environment() -> dict[str, str]:
    return {name: str(value) for name, value in default_environment().items()}


def gaps(lock: str, text: str, where: Mapping[str, str]) -> list[str]:
    """What a resolver would have to add or to change."""
    pins = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin, _ in entries(text)
        if pin.marker is None or pin.marker.evaluate(dict(where))
    }
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    queue = [(need, "", lock) for need in direct(lock)]
    while queue:
        need, extra, needed_by = queue.pop()
        name = canonicalize_name(need.name)
        if need.marker is not None and not need.marker.evaluate({**where, "extra": extra}):
            continue
        if name not in pins or not need.specifier.contains(pins[name], prereleases=True):
            found.append(f"{needed_by} needs {need}")
            continue
        for wanted in {"", *need.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, wanted))
            queue += [(further, wanted, need.name) for further in requirements_of(name)]
    return found


@cache
def requirements_of(name: str) -> tuple[Requirement, ...]:
    """None of a package that is not for this machine: those are small ones without requirements."""
    try:
        return tuple(Requirement(text) for text in distribution(name).requires or ())
    except PackageNotFoundError:
        return ()


@type_of_machine
@release_of_python
@pytest.mark.parametrize("lock", SOURCES)
def test_it_needs_no_resolver(lock: str, python: str, machine: tuple[str, str, str]) -> None:
    assert gaps(lock, text_of(lock), environment(python, machine)) == []


@pytest.mark.parametrize(
    ("name", "gap"),
    [
        ("django", "requirements.txt needs django~=5.2.19"),
        ("pydantic-core", "pydantic needs pydantic-core"),
        ("qrcode", "django-allauth needs qrcode"),
        ("async-timeout", "redis needs async-timeout"),
    ],
    ids=["direct", "transitive", "extra", "marker"],
)
def test_a_package_that_is_left_out_would_be_found(name: str, gap: str) -> None:
    text = re.sub(rf"^{name}==.*\n", "", text_of("requirements.txt"), flags=re.MULTILINE)
    assert any(found.startswith(gap) for found in gaps("requirements.txt", text, environment("3.11.2", MACHINES[0])))


def test_a_version_that_does_not_fit_would_be_found() -> None:
    text = re.sub(r"^pydantic-core==\S+", "pydantic-core==1.0", text_of("requirements.txt"), flags=re.MULTILINE)
    [gap] = gaps("requirements.txt", text, environment("3.11.2", MACHINES[0]))
    assert gap.startswith("pydantic needs pydantic-core==")


@pytest.mark.parametrize("lock", [*SOURCES, "deploy/uv.txt", "security/requirements.txt"])
def test_it_pins_each_package_to_one_version_with_its_hashes(lock: str) -> None:
    found = entries(text_of(lock))
    assert found
    assert [
        str(pin) for pin, rest in found if "sha256:" not in rest or not re.fullmatch(r"==[^,*]+", str(pin.specifier))
    ] == []


def test_the_lock_for_development_contains_the_other() -> None:
    pins = {str(pin) for pin, _ in entries(text_of("requirements.txt"))}
    assert pins <= {str(pin) for pin, _ in entries(text_of("requirements-dev.txt"))}


def test_it_is_what_is_installed_here() -> None:
    here = this_environment()
    pins = [pin for pin, _ in entries(text_of("requirements-dev.txt")) if not pin.marker or pin.marker.evaluate(here)]
    assert {pin.name: f"=={distribution(pin.name).version}" for pin in pins} == {
        pin.name: str(pin.specifier) for pin in pins
    }
