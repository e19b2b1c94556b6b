"""Reading settings, and remembering where each value came from."""

from __future__ import annotations

import os
from pathlib import Path

from environs import Env, EnvError


class SettingsEnv(Env):
    """``secrets``: names of settings that nobody may see; ``files``: those that were read from a file of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()
        self.files: dict[str, Path] = {}

    def origin(self, name: str) -> str:
        """In words; "default" also for what is not set at all."""
        if name in self.files:
            return f"file {self.files[name]}"
        if name in os.environ:
            return "environment"
        return ".env" if name in self._environ else "default"


def read_env_file(env: SettingsEnv, path: str) -> None:
    """Raises EnvError when it is there and cannot be read."""
    try:
        env.read_env(path, recurse=False)
    except (OSError, ValueError):
        # Not as its cause, which may hold what is in it.
        raise EnvError(f"Cannot read {path}: make it a text file in UTF-8 that this account may read.") from None


def read_secret(env: SettingsEnv, name: str, default_file: Path) -> str:
    """The value of NAME, else the content of the file that NAME_FILE names, else of ``default_file``, else ''.

    Raises EnvError when a file is there and holds no readable secret, or when NAME_FILE names one that is not there.
    """
    env.secrets.add(name)
    if value := env.str(name, ""):
        return value
    named = env.str(f"{name}_FILE", "")
    path = Path(named) if named else default_file
    try:
        secret = _read_secret_file(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not named:
            return ""
        raise EnvError(f"Cannot read {path} ({error.strerror}), which {name}_FILE names.") from error
    except OSError as error:
        raise EnvError(f"Cannot read {path} ({error.strerror}), which holds {name}.") from error
    except UnicodeDecodeError:
        # Not as its cause, which holds the bytes.
        raise EnvError(f"{path}, which holds {name}, is not text in UTF-8: save it as such.") from None
    if not secret:
        raise EnvError(f"{path}, which holds {name}, is empty: restore it from a copy, or remove it if there is none.")
    env.files[name] = path
    return secret


def _read_secret_file(path: Path) -> str:
    """Some editors begin a file with a byte order mark."""
    return path.read_text("utf-8-sig").strip()
