from __future__ import annotations

from accounts.models import User
from inference.search.embedders.base import Vectors
from inference.search.models import Embedder


def embed_query(viewer: User, text: str) -> tuple[Embedder, Vectors] | None:
    return None
