"""What a database consists of, so that two can be compared."""

from __future__ import annotations

from typing import Any

import psycopg

COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
    " WHERE table_schema = 'public' ORDER BY 1, 2"
)
CONSTRAINTS = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conrelid <> 0 ORDER BY 1, 2"
INDEXES = "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
TRIGGERS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"


def schema(database_url: str) -> list[Any]:
    with psycopg.connect(database_url) as looking:
        return [looking.execute(query).fetchall() for query in (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS)]
