"""Reading secrets: from the environment, from a file it names, or from the data directory."""

from __future__ import annotations

from pathlib import Path

from environs import Env, EnvError


def read_secret(env: Env, name: str, default_file: Path) -> str:
    """The value of NAME, else the content of the file that NAME_FILE names, else of ``default_file``, else ''.

    Raises EnvError when NAME_FILE names a file that cannot be read.
    """
    if value := env.str(name, ""):
        return value
    named = env.str(f"{name}_FILE", "")
    path = Path(named) if named else default_file
    try:
        return path.read_text().strip() if named or path.is_file() else ""
    except OSError as error:
        raise EnvError(
            f"Cannot read {path} ({error.strerror}), which {name}_FILE names or which holds {name}."
        ) from error
