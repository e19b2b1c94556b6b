"""What is done in a running embedded PostgreSQL as its superuser: wait until it is ready, create role and database."""

from __future__ import annotations

import psycopg
from psycopg import sql

from aistrale.embedded.state import State


def answers(state: State) -> bool:
    try:
        _connect(state, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


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
