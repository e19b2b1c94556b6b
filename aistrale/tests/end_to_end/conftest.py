"""Tests in a browser, and of real servers that are started, killed and stopped.

They take seconds to minutes each and run with `make test-slow`; those marked ``smoke`` run with `make test` as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Some look at every page, beside three others that do as much.
SECONDS = 900


def pytest_itemcollected(item: pytest.Item) -> None:
    if not item.path.is_relative_to(HERE):
        return
    if not item.get_closest_marker("smoke"):
        item.add_marker(pytest.mark.slow)
    if not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(SECONDS))
