"""docs/settings.md says what the code does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

DUMP = "import json; from aistrale.settings import env; print(json.dumps(env.dump(), default=str))"
# Their defaults depend on other settings or on where the code is, have a number for a word, or are not used here.
LEFT_OUT = {
    *("AISTRALE_DATA_DIR", "AISTRALE_CHECKPOINT_DIR", "AISTRALE_ALLOWED_HOSTS"),
    *("AISTRALE_LOG_LEVEL", "AISTRALE_BEHIND_PROXY"),
}


@pytest.fixture(scope="module")
def documentation() -> ModuleType:
    path: Path = settings.BASE_DIR / "deploy" / "document_settings.py"
    spec = importlib.util.spec_from_file_location("document_settings", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # Data classes look themselves up there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_is_up_to_date(documentation: ModuleType) -> None:
    """`make settings-docs` makes it so."""
    assert documentation.TARGET.read_text() == documentation.page(documentation.SOURCE.read_text())


def test_every_setting_is_explained(documentation: ModuleType) -> None:
    found = [
        setting for section in documentation.sections(documentation.SOURCE.read_text()) for setting in section.settings
    ]
    assert len(found) > 50
    assert [setting.name for setting in found if not setting.meaning] == []


def test_the_defaults_are_those_of_the_code(documentation: ModuleType, tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"], "AISTRALE_DATA_DIR": str(tmp_path), "AISTRALE_ENV_FILE": os.devnull}
    bare["AISTRALE_BEHIND_PROXY"] = "true"
    command = [sys.executable, "-c", DUMP]
    output = subprocess.run(command, env=bare, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    actual = {name: as_written(value) for name, value in json.loads(output.stdout).items()}
    documented = {
        setting.name: setting.default
        for section in documentation.sections(documentation.SOURCE.read_text())
        for setting in section.settings
        if setting.default and setting.name not in LEFT_OUT
    }
    assert {name: actual[name] for name in documented} == documented


def as_written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)
