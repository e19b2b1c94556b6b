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
        if name in os.environ:
            return "environment"
        if name in self._environ:
            return ".env"
        return f"file {self.files[name]}" if name in self.files else "default"


def read_secret(env: SettingsEnv, name: str, default_file: Path) -> str:
    """The value of NAME, else the content of the file that NAME_FILE names, else of ``default_file``, else ''.

    Raises EnvError when NAME_FILE names a file that cannot be read.
    """
    env.secrets.add(name)
    if value := env.str(name, ""):
        return value
    named = env.str(f"{name}_FILE", "")
    path = Path(named) if named else default_file
    try:
        secret = path.read_text().strip() if named or path.is_file() else ""
    except OSError as error:
        raise EnvError(
            f"Cannot read {path} ({error.strerror}), which {name}_FILE names or which holds {name}."
        ) from error
    if secret:
        env.files[name] = path
    return secret
