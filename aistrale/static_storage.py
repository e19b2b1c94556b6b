"""Where the static files of a running server lie: each under a name with its hash, compressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from aistrale.modules import bundled
from aistrale.used_css import names_in, used_css

# Scripts of pages that are put together from their modules.
BUNDLES = ("js/chat/main.js", "js/chat/reader.js", "js/palette.js")
# Of this, only what our templates and scripts can use is served.
TRIMMED = "vendor/basecoat/basecoat-mira.min.css"


def names_in_use() -> set[str]:
    """Of classes and ``data-`` attributes, in our templates and scripts."""
    templates, scripts = settings.BASE_DIR / "templates", settings.BASE_DIR / "static" / "js"
    files = [*templates.rglob("*.html"), *scripts.rglob("*.js")]
    return set().union(*(names_in(file.read_text()) for file in files))


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """Puts the names with hashes into the imports of our own scripts too.

    A module that is imported by its plain name and loaded by its hashed one would run twice. Django's own support
    for this stumbles over imports in the comments of htmx.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "js/*.js",
            (
                (
                    r"""(?P<matched>import(?P<names>(?:\s*\{[^}]*\}\s*from)?)\s*"(?P<url>\.[^"]+)";)""",
                    """import%(names)s "%(url)s";""",
                ),
            ),
        ),
    )
    # One for each step of the longest chain of imports, and one that finds nothing left to do.
    max_post_process_passes = 8

    def post_process(self, paths: dict[str, Any], *args: Any, **options: Any) -> Iterator[Any]:
        changed = {name: self._bundled(name, paths) for name in BUNDLES if name in paths}
        if TRIMMED in paths:
            changed[TRIMMED] = used_css(_read(paths, TRIMMED), names_in_use())
        for name, content in changed.items():
            self.delete(name)
            self.save(name, ContentFile(content.encode()))
            paths[name] = (self, name)
        yield from super().post_process(paths, *args, **options)

    def _bundled(self, name: str, paths: dict[str, Any]) -> str:
        return bundled(name, lambda path: _read(paths, path))


def _read(paths: dict[str, Any], path: str) -> str:
    storage, stored = paths[path]
    with storage.open(stored) as file:
        return str(file.read().decode())
