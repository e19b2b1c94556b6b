"""The database backend: Django looks for ``DatabaseWrapper`` in a module of this name."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from aistrale.database.connection import WatchfulConnection, check


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        options = settings_dict["OPTIONS"]
        pool = {**options["pool"], "connection_class": WatchfulConnection}
        super().__init__({**settings_dict, "OPTIONS": {**options, "pool": pool}}, *args, **kwargs)

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None:
            # Django lets nobody choose another check than a query each time.
            pool._check = check
        return pool
