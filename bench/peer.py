"""The LiteLLM proxy, to be measured in the same run: ``make bench PEER=litellm``.

It is installed into an environment of its own, as the newest version that the index has. It passes the stream on, asks
for a key, and has no database: it records, seals and audits nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.clients import Reading, read_directly
from bench.system import free_port, wait_until_ready

PEERS = ("litellm",)


class Proxy:
    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key

    async def read(self, chunks: int) -> Reading:
        return await read_directly(self._port, chunks, key=self._key)


@contextmanager
def running_proxy(provider_port: int) -> Iterator[Proxy]:
    directory = Path(tempfile.mkdtemp(prefix="aistrale-peer-"))
    try:
        program = _install(directory)
        port, key = free_port(), f"sk-{secrets.token_hex(16)}"
        configuration = directory / "config.yaml"
        configuration.write_text(json.dumps(_configuration(provider_port, key)))
        # Of our own environment it would take the database. It would ask the network for prices, and send figures.
        environment = {"PATH": os.defpath, "HOME": str(directory), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        command = [str(program), "--config", str(configuration), "--port", str(port), "--telemetry", "False"]
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready(port, path="/health/liveliness", seconds=120)
            yield Proxy(port, key)
        finally:
            child.terminate()
            child.wait(20)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _install(directory: Path) -> Path:
    binaries = directory / "environment" / "bin"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory / "environment"], check=True)
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", binaries / "python", "litellm[proxy]"], check=True)
    return binaries / "litellm"


def _configuration(provider_port: int, key: str) -> dict[str, object]:
    provider = {"model": "openai/*", "api_base": f"http://127.0.0.1:{provider_port}/v1", "api_key": "none"}
    return {
        "model_list": [{"model_name": "*", "litellm_params": provider}],
        "general_settings": {"master_key": key},
    }
