from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aistrale.tests.processes import reachable_directory


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Exists and is empty."""
    with reachable_directory() as directory:
        yield directory
