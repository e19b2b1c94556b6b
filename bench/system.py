"""The system under measurement: throw-away databases, a provider, and the server as `manage.py serve` runs it."""

from __future__ import annotations

import base64
import os
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from uuid import UUID

from aistrale.embedded import Servers, database_url, redis_url
from bench.clients import Reading, read_through_socket


@dataclass(frozen=True)
class Conversation:
    """One that was stored before. ``leaf_id``: its last message, an answer."""

    id: UUID
    leaf_id: int


@dataclass(frozen=True)
class System:
    provider_port: int
    server_port: int
    server_pid: int
    cookie: str

    async def read(self, chunks: int) -> Reading:
        """Of a new conversation."""
        path = f"/ws/chat/new/{new_signature()}/"
        return await read_through_socket(self.server_port, chunks, path=path, cookie=self.cookie)

    async def read_below(self, conversation: Conversation, chunks: int) -> Reading:
        path, parent = f"/ws/chat/{conversation.id}/", conversation.leaf_id
        return await read_through_socket(self.server_port, chunks, path=path, cookie=self.cookie, parent=parent)

    def cpu_seconds(self) -> float:
        """User and system time that the server process has used so far."""
        fields = Path(f"/proc/{self.server_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def new_signature() -> str:
    from accounts.models import User
    from inference.chat.new_conversation_token import reserve

    return reserve(User(pk=1)).signed


def conversations(count: int, *, messages: int) -> list[Conversation]:
    """As many, each with so many messages in turn."""
    from accounts.models import User
    from inference.models import Conversation as Stored
    from inference.models import Message, Role

    made = []
    for _ in range(count):
        stored = Stored.objects.create(owner=User.objects.get(pk=1), title="Long", provider="openai", model="25")
        parent = None
        for number in range(messages):
            role = Role.ASSISTANT if number % 2 else Role.USER
            parent = Message.objects.create(conversation=stored, parent=parent, role=role, text="Some words. " * 40)
        made.append(Conversation(stored.pk, parent.pk if parent else 0))
    return made


@contextmanager
def running_system(*, durable: bool = False) -> Iterator[System]:
    """``durable``: PostgreSQL writes as it does outside of tests."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="aistrale-bench-"))
        directory.chmod(0o711)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        servers = Servers(directory, throwaway=not durable)
        stack.callback(servers.stop)
        servers.start()
        provider_port, server_port = free_port(), free_port()
        use_settings(directory, server_port)
        cookie = prepare(provider_port)
        stack.enter_context(process("-m", "bench.provider", str(provider_port)))
        server = stack.enter_context(process("manage.py", "serve", "--port", str(server_port)))
        wait_until_ready(server_port)
        time.sleep(5)  # the SDKs are imported after the first answer
        yield System(provider_port, server_port, server.pid, cookie)


def use_settings(directory: Path, port: int) -> None:
    os.environ |= {
        "AISTRALE_ENV_FILE": os.devnull,
        "AISTRALE_DATA_DIR": str(directory),
        "AISTRALE_MASTER_KEYS": f"m-bench:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "AISTRALE_PROVIDER_HOSTS": "127.0.0.1",
        "AISTRALE_LOG_LEVEL": "WARNING",
        **{f"AISTRALE_LIMIT_{name}": "0" for name in ("RUNS_PER_MINUTE", "OPEN_RUNS", "SOCKETS")},
        "DATABASE_URL": database_url(directory),
        "DJANGO_SETTINGS_MODULE": "aistrale.settings",
        "PORT": str(port),
        "REDIS_URL": redis_url(directory),
        "SECRET_KEY": secrets.token_urlsafe(50),
    }


def prepare(provider_port: int) -> str:
    """Tables, a user, a token; returns the cookie of the user's session."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.db import connection

    from accounts.models import User
    from accounts.sessions.store import SEEN, STARTED, SessionStore
    from tokens.services import add_token

    user = User.objects.create_user("bench@example.org", pk=1)
    base_url = f"http://127.0.0.1:{provider_port}/v1"
    add_token(owner=user, actor=None, provider="openai", label="bench", secret=secrets.token_hex(20), base_url=base_url)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[STARTED] = session[SEEN] = time.time()
    session.create()
    connection.close()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(20)


def wait_until_ready(port: int, *, path: str = "/health/ready", seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        finally:
            connection.close()
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
