"""Reading secrets: from the environment, from a file it names, or from the data directory."""

from __future__ import annotations

from pathlib import Path

from environs import Env


def read_secret(env: Env, name: str, default_file: Path) -> str:
    """The value of NAME, else the content of the file that NAME_FILE names, else of ``default_file``, else ''."""
    if value := env.str(name, ""):
        return value
    path = Path(env.str(f"{name}_FILE", str(default_file)))
    return path.read_text().strip() if path.is_file() else ""
