from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2Hasher(Argon2PasswordHasher):
    """The real hash at a cost that suits tests; the real settings can verify it."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
