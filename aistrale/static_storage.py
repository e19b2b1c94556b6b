"""Where the static files of a running server lie: each under a name with its hash, compressed."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


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
