from __future__ import annotations

import os
import subprocess
import sys

import pytest

from aistrale.embedded.state import free_port
from aistrale.tests.processes import MANAGE


@pytest.mark.parametrize("command", ["keys", "rotate_keys"])
def test_a_command_says_that_the_database_does_not_answer(command: str) -> None:
    nowhere = {"DATABASE_URL": f"postgres://somebody:planted-password@127.0.0.1:{free_port()}/none"}
    done = subprocess.run(
        [sys.executable, str(MANAGE), command], env=os.environ | nowhere, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 1
    assert "The database does not answer at the moment." in done.stderr and "doctor" in done.stderr
    assert "Traceback" not in done.stderr and "planted-password" not in done.stderr
