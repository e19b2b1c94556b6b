"""Install a lock into a virtual environment: exactly the files it names, nothing resolved.

    python deploy/install.py [--venv .venv] LOCK...

Each LOCK contains the ones before it, and the last is installed. A lock names every package, so a newer release on the
index changes nothing. uv, itself pinned in ``uv.txt``, installs a lock in seconds; where it cannot, as behind an index
that only pip's configuration knows how to reach, pip installs the same files.

An environment that is up to date is left alone. One that was interrupted, has lost files or belongs to another Python
is rebuilt. Uses the standard library only: nothing is installed yet when this runs.
"""

from __future__ import annotations

import argparse
import ast
import csv
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_LOCK = Path(__file__).with_name("uv.txt")
STAMP = ".installed"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# Options of pip's configuration, and the variables by which uv takes the same.
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
}
# Short, since pip may know an index that does answer.
UV_TIMEOUTS = {"UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_RETRIES": "2"}
# Set for other projects, these would install elsewhere or contradict the lock.
PIP_OVERRIDES = {"PIP_USER": "0", "PIP_CONSTRAINT": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
PIP_IGNORED = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN")


class InstallError(Exception):
    """What is wrong and what to do."""


@dataclass(frozen=True)
class Stamp:
    """Left in the environment by a finished installation: its Python, the SHA-256 of each lock, the packages."""

    python: str
    locks: dict[str, str]
    packages: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description="Install a lock into a virtual environment.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the environment (default: %(default)s)")
    parser.add_argument("locks", type=Path, nargs="+", metavar="LOCK", help="each contains the ones before it")
    arguments = parser.parse_args()
    try:
        with one_at_a_time(arguments.venv.absolute().parent):
            install(arguments.venv, arguments.locks)
    except InstallError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Run the same command again to finish.")


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another installation to finish.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def install(venv: Path, locks: Sequence[Path]) -> None:
    """Raises InstallError. The next attempt then rebuilds the environment."""
    wanted = {lock.name: hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks}
    stamp = read_stamp(venv)
    reason = reason_to_rebuild(venv, stamp)
    if stamp and not reason and wanted.items() <= stamp.locks.items():
        return
    started = time.monotonic()
    (venv / STAMP).unlink(missing_ok=True)
    if reason:
        say(f"Rebuilding {venv.name}: {reason}." if venv.exists() else f"Creating {venv.name} with Python {PYTHON}.")
        rebuild(venv, locks[-1])
    else:
        say(f"Updating {venv.name}: the requirements have changed.")
        if not (install_packages(venv, locks[-1]) and is_consistent(venv)):
            rebuild(venv, locks[-1])
    write_stamp(venv, Stamp(python=base_python(), locks=wanted, packages=packages_in(venv)))
    say(f"Requirements installed in {time.monotonic() - started:.0f} s.")


def base_python() -> str:
    """The minor version and prefix: patch releases of a Python do not break its environments."""
    return f"{PYTHON} in {sys.base_prefix}"


def read_stamp(venv: Path) -> Stamp | None:
    """None unless an installation has finished, by this version of this file."""
    try:
        return Stamp(**json.loads((venv / STAMP).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    unfinished = venv / f"{STAMP}.new"
    unfinished.write_text(json.dumps(asdict(stamp)))
    unfinished.rename(venv / STAMP)


def reason_to_rebuild(venv: Path, stamp: Stamp | None) -> str:
    """'' if the environment can be used as it is."""
    if stamp is None:
        return "its installation did not finish"
    if stamp.python != base_python():
        return f"it was made with Python {stamp.python}"
    return find_damage(venv, stamp.packages)


def find_damage(venv: Path, packages: Iterable[str]) -> str:
    """A missing file of the environment or of a package, or one of another size than recorded; '' if there is none."""
    for name in ("pyvenv.cfg", "bin/python"):
        if not (venv / name).exists():
            return f"{name} is missing"
    for package in packages:
        try:
            for name, size in recorded_files(site_packages(venv) / package / "RECORD"):
                if os.stat(site_packages(venv) / name).st_size != size:
                    return f"{name} is damaged"
        except (OSError, ValueError, csv.Error):
            return f"files of {package.removesuffix('.dist-info')} are missing"
    return ""


def recorded_files(record: Path) -> Iterator[tuple[str, int]]:
    """Each file of a package with its size in bytes, without those that were compiled at installation."""
    with record.open(newline="", encoding="utf-8") as file:
        yield from ((name, int(size)) for name, _, size in csv.reader(file) if size)


def site_packages(venv: Path) -> Path:
    return venv / "lib" / f"python{PYTHON}" / "site-packages"


def packages_in(venv: Path) -> list[str]:
    return sorted(path.name for path in site_packages(venv).glob("*.dist-info"))


def rebuild(venv: Path, lock: Path) -> None:
    create_environment(venv)
    if not install_packages(venv, lock):
        say("Downloading everything again: what was cached may be damaged.")
        create_environment(venv)
        if not install_packages(venv, lock, cache=False):
            raise InstallError(f"{venv} does not keep what is installed there: is its disk full or failing?")
    if not is_consistent(venv):
        raise InstallError(f"{lock} lacks a package, or pins a wrong version, see above.")


def create_environment(venv: Path) -> None:
    if not succeeds([sys.executable, "-m", "venv", "--clear", str(venv)]):
        raise InstallError(f"{venv} cannot be created, see above.")


def install_packages(venv: Path, lock: Path, *, cache: bool = True) -> bool:
    """False if a file is missing or damaged afterwards. Raises InstallError if a package is."""
    if not install_with_uv(venv, lock, cache=cache):
        say("Installing with pip instead of uv. This takes a minute or two.")
        install_with_pip(venv, lock, cache=cache)
    if missing := missing_packages(venv, lock):
        raise InstallError(
            f"{len(missing)} packages of {lock} were not installed into {venv}, such as {missing[0]}. Does pip's "
            "configuration set target, prefix, root or dry-run?"
        )
    damage = find_damage(venv, packages_in(venv))
    if damage:
        say(f"After the installation, {damage}.")
    return not damage


def missing_packages(venv: Path, lock: Path) -> list[str]:
    """What the lock pins for every machine and is not installed, as ``name-version``."""
    # A pin with a marker, after a semicolon, may be for another machine.
    pins = re.findall(r"^([\w.-]+)==([^\s;]+) (?!;)", lock.read_text(), re.MULTILINE)
    installed = {normalized(name.removesuffix(".dist-info")) for name in packages_in(venv)}
    return [f"{name}-{version}" for name, version in pins if normalized(f"{name}-{version}") not in installed]


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def is_consistent(venv: Path) -> bool:
    uv = venv / "bin" / "uv"
    return succeeds([str(uv), "pip", "check", "--python", python_of(venv)] if uv.exists() else [*pip(venv), "check"])


def install_with_uv(venv: Path, lock: Path, *, cache: bool) -> bool:
    options = pip_options(venv)
    if options.get("no-index", "false").lower() in ("1", "true", "yes", "on"):
        return False
    install = [*pip(venv), "install", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    if not succeeds([*install, "-r", str(UV_LOCK)], PIP_OVERRIDES):
        return False
    sync = [str(venv / "bin" / "uv"), "pip", "sync", "--python", python_of(venv), "--require-hashes"]
    from_pip = {UV_VARIABLES[name]: value for name, value in options.items() if name in UV_VARIABLES}
    return succeeds([*sync, *([] if cache else ["--no-cache"]), str(lock)], UV_TIMEOUTS | from_pip | dict(os.environ))


def install_with_pip(venv: Path, lock: Path, *, cache: bool) -> None:
    # Like uv, it leaves it to Python to compile what is used.
    options = ["--no-deps", "--require-hashes", "--no-compile", *([] if cache else ["--no-cache-dir"])]
    install = [*pip(venv), "install", *options]
    if not succeeds([*install, "-r", str(lock)], PIP_OVERRIDES):
        raise InstallError(
            f"The packages of {lock} cannot be installed, see above. Where packages come from a mirror, name it in "
            "pip's configuration: pip config set global.index-url URL."
        )


def pip(venv: Path) -> list[str]:
    return [python_of(venv), "-m", "pip"]


def python_of(venv: Path) -> str:
    return str(venv / "bin" / "python")


def pip_options(venv: Path) -> dict[str, str]:
    """What pip was told by its files and variables."""
    listing = subprocess.run([*pip(venv), "config", "list"], capture_output=True, text=True).stdout
    found = re.findall(r"^(global|install|:env:)\.([a-z-]+)=(.+)$", listing, re.MULTILINE)
    precedence = ("global", "install", ":env:")
    return {name: ast.literal_eval(value) for _, name, value in sorted(found, key=lambda row: precedence.index(row[0]))}


def succeeds(command: Sequence[str], variables: Mapping[str, str] | None = None) -> bool:
    """The command's own output is shown: it says how far it is, and what went wrong."""
    inherited = {name: value for name, value in os.environ.items() if name not in PIP_IGNORED}
    try:
        return subprocess.run(command, env={**inherited, **(variables or {})}).returncode == 0
    except OSError as error:
        say(f"{command[0]} cannot be run: {error.strerror}.")
        return False


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
