from __future__ import annotations

import re
from pathlib import Path

from django.core.management import call_command
from pytest_django.fixtures import Settings

STORAGE = {"staticfiles": {"BACKEND": "aistrale.static_storage.ModuleStorage"}}
HASHED = re.compile(r"\.[0-9a-f]{12}\.js$")


def test_it_imports_every_module_by_the_name_it_is_loaded_by(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | STORAGE
    call_command("collectstatic", interactive=False, verbosity=0)
    imports = [
        (script.parent / name).resolve()
        for script in (tmp_path / "js").rglob("*.js")
        if HASHED.search(script.name)
        for name in re.findall(r'^import .*"(\./.+|\.\./.+)";$', script.read_text(), re.MULTILINE)
    ]
    assert len(imports) > 20
    assert [path.name for path in imports if not HASHED.search(path.name) or not path.exists()] == []
