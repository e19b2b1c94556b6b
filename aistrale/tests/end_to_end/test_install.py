"""Installing a lock, while the index offers newer releases of everything in it."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.package_index import PackageIndex
from aistrale.tests.processes import MANAGE, lines_until, reachable_directory, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = MANAGE.parent
INSTALL = ROOT / "deploy" / "install.py"
MINORS = ("3.11", "3.12", "3.13")
DONE = {"run": "AISTRALE is ready", "install": "Requirements installed"}
# Under the packages of an environment.
LOST = ("../../../bin/python", "../../../pyvenv.cfg", "inner_example.py", "inner_example*", "*.dist-info/RECORD")


def find_python(minor: str) -> str | None:
    """One that is not of an environment, and works: pyenv puts names on the path that do not."""
    candidates = [
        shutil.which(f"python{minor}", path=os.defpath),
        *Path.home().glob(f".pyenv/versions/{minor}.*/bin/python"),
    ]
    if sys.version_info[:2] == tuple(map(int, minor.split("."))):
        candidates.append(str(Path(sys.base_prefix) / "bin" / "python3"))
    test = "import ensurepip, venv"
    return next((str(name) for name in candidates if name and not subprocess.call([str(name), "-c", test])), None)


class Checkout:
    """A lock, and the environment that it is installed into."""

    def __init__(self, directory: Path, index: PackageIndex) -> None:
        self.venv = directory / "venv"
        self.lock = directory / "lock.txt"
        self._index = index

    def start_installing(self, python: str = sys.executable, **variables: str) -> subprocess.Popen[str]:
        """From an index that does not have uv."""
        command = [python, str(INSTALL), "--venv", str(self.venv), str(self.lock)]
        return subprocess.Popen(
            command,
            env=only(self._index) | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def install(self, python: str = sys.executable, **variables: str) -> str:
        """What it says when it succeeds."""
        with self.start_installing(python, **variables) as process:
            output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def refusal(self, **variables: str) -> str:
        """What it says when it fails."""
        with self.start_installing(**variables) as process:
            output, _ = process.communicate()
        assert process.returncode == 1, output
        return output

    def version_of(self, module: str) -> str:
        code = f"import {module}; print({module}.VERSION)"
        result = subprocess.run([str(self.venv / "bin" / "python"), "-c", code], capture_output=True, text=True)
        return result.stdout.strip()

    def paths_of(self, pattern: str) -> list[Path]:
        return list(self.venv.glob(f"lib/python*/site-packages/{pattern}"))


def only(index: PackageIndex) -> dict[str, str]:
    """An environment in which pip knows no other index."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "AISTRALE_"))}
    return inherited | {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with PackageIndex().serving() as index:
        yield index


@pytest.fixture(scope="module")
def pins(index: PackageIndex) -> list[str]:
    """A release that asks for another with an extra, as google-genai does of google-auth; all have newer releases."""
    pins = [
        index.add("outer-example", "1.0", ["inner-example[more]<3"]),
        index.add("inner-example", "1.0", ["more-example; extra == 'more'"]),
        index.add("more-example", "1.0"),
    ]
    for name in ("outer-example", "inner-example", "more-example"):
        index.add(name, "2.0")
    return pins


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, index: PackageIndex, pins: list[str]) -> Checkout:
    """Installed once: its tests leave it as they found it."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"), index)
    checkout.lock.write_text("".join(pins))
    checkout.install()
    return checkout


@pytest.fixture
def checkout(tmp_path: Path, index: PackageIndex, pins: list[str]) -> Checkout:
    """Not installed yet."""
    checkout = Checkout(tmp_path, index)
    checkout.lock.write_text("".join(pins))
    return checkout


def test_it_installs_what_the_lock_says_and_nothing_newer(installed: Checkout) -> None:
    assert [installed.version_of(f"{name}_example") for name in ("outer", "inner", "more")] == ["1.0", "1.0", "1.0"]


def test_it_leaves_an_environment_alone_that_is_up_to_date(installed: Checkout) -> None:
    assert installed.install() == ""


def lose(checkout: Checkout, pattern: str) -> None:
    for path in checkout.paths_of(pattern):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_it_sees_whatever_is_lost(installed: Checkout, tmp_path: Path, index: PackageIndex) -> None:
    """Of copies, since each rebuild takes ten seconds."""
    deployed = runpy.run_path(str(INSTALL))
    reasons = {}
    for number, pattern in enumerate(("", *LOST)):
        copy = Checkout(tmp_path / str(number), index)
        shutil.copytree(installed.venv, copy.venv, symlinks=True, copy_function=os.link)
        if pattern:
            lose(copy, pattern)
        reasons[pattern] = deployed["reason_to_rebuild"](copy.venv, deployed["read_stamp"](copy.venv))
    assert [pattern for pattern, reason in reasons.items() if not reason] == [""]


def test_it_brings_back_what_is_lost(installed: Checkout) -> None:
    for pattern in LOST[1:]:
        lose(installed, pattern)
    assert "Rebuilding venv: " in installed.install()
    assert installed.version_of("inner_example") == "1.0"


def test_it_replaces_a_file_that_was_cut_short(installed: Checkout) -> None:
    [path] = installed.paths_of("inner_example.py")
    path.write_text("")
    assert "Rebuilding venv: inner_example.py is damaged." in installed.install()
    assert installed.version_of("inner_example") == "1.0"


def test_it_follows_a_lock_that_has_changed(checkout: Checkout, index: PackageIndex, pins: list[str]) -> None:
    checkout.install()
    checkout.lock.write_text("".join([*pins[:2], index.add("more-example", "2.0")]))
    assert "Updating venv: the requirements have changed." in checkout.install()
    assert checkout.version_of("more_example") == "2.0"


def test_it_finishes_an_installation_that_was_killed(checkout: Checkout) -> None:
    with checkout.start_installing() as process:
        wait_until(lambda: bool(checkout.paths_of("pip")))
        os.killpg(process.pid, signal.SIGKILL)
    assert "Rebuilding venv: its installation did not finish." in checkout.install()
    assert checkout.version_of("inner_example") == "1.0"


def test_it_names_a_package_that_the_lock_lacks(checkout: Checkout, pins: list[str]) -> None:
    checkout.lock.write_text(f"{pins[0]}{pins[2]}")
    refusal = checkout.refusal()
    assert "outer-example 1.0 requires inner-example, which is not installed." in refusal
    assert f"error: {checkout.lock} lacks a package, or pins a wrong version, see above." in refusal


def test_it_refuses_a_file_that_is_not_the_one_in_the_lock(checkout: Checkout, pins: list[str]) -> None:
    checkout.lock.write_text("".join([*pins[:2], f"more-example==1.0 --hash=sha256:{'0' * 64}\n"]))
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in checkout.refusal()
    assert checkout.version_of("more_example") == ""


def test_it_is_not_diverted_by_settings_for_other_projects(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    checkout.install(
        PIP_TARGET=elsewhere, PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1", UV_SYSTEM_PYTHON="1", UV_PYTHON="3.9"
    )
    assert checkout.version_of("inner_example") == "1.0"
    assert not Path(elsewhere).exists()


def test_it_does_not_take_packages_that_went_elsewhere_for_installed(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\ntarget = {tmp_path / 'elsewhere'}\n")
    refusal = checkout.refusal(PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert "3 packages of" in refusal and "such as outer-example-1.0." in refusal


def test_it_does_not_say_a_password_of_the_index(checkout: Checkout, index: PackageIndex) -> None:
    index.url, open_url = index.url.replace("//", "//user:index-password@"), index.url
    try:
        assert "index-password" not in checkout.install()
    finally:
        index.url = open_url


def test_it_moves_to_the_python_that_runs_it(checkout: Checkout) -> None:
    """From one to the next of those that are here."""
    pythons = {minor: python for minor in MINORS if (python := find_python(minor))}
    if len(pythons) == 1:
        pytest.skip("There is no other Python here.")
    for minor, python in pythons.items():
        checkout.install(python)
        assert checkout.version_of("outer_example") == "1.0"
        assert checkout.paths_of(f"../../python{minor}/site-packages/outer_example.py")


# Each Python installs with the pip that it brings, and starts once.
@pytest.mark.parametrize(
    ("minor", "tool", "target"),
    [("3.13", "uv", "run"), ("3.11", "pip", "run"), ("3.12", "pip", "run"), ("3.13", "pip", "install")],
)
def test_it_starts_a_clone_when_there_is_a_newer_release_of_everything(
    minor: str, tool: str, target: str, tmp_path: Path
) -> None:
    """The first command of the README."""
    python = find_python(minor)
    if python is None:
        pytest.skip(f"There is no Python {minor} here.")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    without = () if tool == "uv" else ("uv",)
    with PackageIndex(newer_of_everything=True, without=without).serving() as index, reachable_directory() as data:
        environment = only(index) | {
            "PYTHON": python,
            "PORT": str(free_port()),
            "AISTRALE_DATA_DIR": str(data),
            "AISTRALE_ENV_FILE": os.devnull,
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        with subprocess.Popen(
            ["make", target], cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout
            said = "".join(lines_until(DONE[target], iter(process.stdout.readline, "")))
            process.terminate()
            process.stdout.read()
    assert DONE[target] in said, said
    assert ("with pip instead of uv" in said) == (tool == "pip")
    locked = pins_of(clone / "requirements.txt") | pins_of(clone / "deploy" / "uv.txt")
    installed = installed_in(clone / ".venv")
    assert "django" in installed
    assert installed.items() <= locked


def pins_of(lock: Path) -> set[tuple[str, str]]:
    """Of some packages two, for older and newer Pythons."""
    return set(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def installed_in(venv: Path) -> dict[str, str]:
    """Without pip and what else came with the environment."""
    command = [str(venv / "bin" / "python"), "-m", "pip", "freeze"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
