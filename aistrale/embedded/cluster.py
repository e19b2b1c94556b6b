"""What is done in a running embedded PostgreSQL as its superuser: wait until it is ready, create role and database."""

from __future__ import annotations

import time

import psycopg
from psycopg import sql

from aistrale.embedded.errors import EndedEarlyError, ServerError
from aistrale.embedded.process import Child
from aistrale.embedded.state import State

READY_SECONDS = 120.0  # Crash recovery replays the log first.


def wait_until_ready(state: State, child: Child) -> None:
    """Raises EndedEarlyError when ``child`` ends meanwhile, and ServerError when it takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            _connect(state, "postgres").close()
            return
        except psycopg.OperationalError as error:
            if child.exit_code is not None:
                raise EndedEarlyError(
                    "PostgreSQL ended while it started: see postgresql.log in the data directory."
                ) from error
            if time.monotonic() > deadline:
                raise ServerError(
                    f"PostgreSQL is not ready after {READY_SECONDS:.0f} s: see postgresql.log."
                ) from error
        time.sleep(0.03)


def create_role_and_database(state: State, *, may_create_databases: bool) -> None:
    """Whichever of the two is missing."""
    name = sql.Identifier("aistrale")
    password = sql.Literal(state.postgres_password)
    creates = sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB")
    with _connect(state, "postgres") as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'aistrale'").fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(name, creates, password))
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'aistrale'").fetchone()
    if known:
        return
    # Only a superuser may create the extension; every database made from the template has it.
    with _connect(state, "template1") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    with _connect(state, "postgres") as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))


def _connect(state: State, database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=state.postgres_port,
        user="postgres",
        password=state.postgres_superuser_password,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
    )
