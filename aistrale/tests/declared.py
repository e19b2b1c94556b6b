"""What apps declare to tests of the whole, in modules beside their own tests."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from django.conf import settings


def declared(name: str) -> list[ModuleType]:
    """The modules ``tests/<name>.py`` of all apps."""
    paths = sorted(settings.BASE_DIR.glob(f"[a-z]*/**/tests/{name}.py"))
    return [import_module(".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)) for path in paths]
