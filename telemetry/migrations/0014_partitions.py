"""Make the tables of calls partitioned. All rows there are stay where they are, in what becomes the default partition.

Only those of this month and the next are moved, by what they sent; calls keep their ids, which are random, and of
which hardly one falls into a month. In one transaction: what is killed has changed nothing.
"""

from datetime import UTC, datetime

from django.db import migrations

from telemetry import partitions

TABLES = {
    "telemetry_generation": "id",
    "telemetry_generationcontent": "generation_id",
    "telemetry_contextmessage": "period",
}

FIRST_ID = """
CREATE FUNCTION telemetry_first_id(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
"""
# The ids of all stored calls are random, whatever they look like.
NOTE_RANDOM_IDS = """
INSERT INTO telemetry_randomids (id, last_started_at)
SELECT 1, max(started_at) FROM telemetry_generation HAVING max(started_at) IS NOT NULL
"""
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %s
AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass)
"""
CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f') ORDER BY contype DESC
"""


def partition(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FIRST_ID)
        cursor.execute(NOTE_RANDOM_IDS)
        for table, column in TABLES.items():
            _make_partitioned(cursor, table, column)
    partitions.make_ahead(datetime.now(UTC).date())


def _make_partitioned(cursor, table, column):
    """Its indexes and constraints get the names of those of the table before, which the default partition keeps."""
    cursor.execute(INDEXES, [table, table])
    indexes = cursor.fetchall()
    cursor.execute(CONSTRAINTS, [table])
    constraints = cursor.fetchall()
    cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_default")
    for name, _ in indexes:
        cursor.execute(f"ALTER INDEX {name} RENAME TO {_kept(name)}")
    for name, _ in constraints:
        cursor.execute(f"ALTER TABLE {table}_default RENAME CONSTRAINT {name} TO {_kept(name)}")
    cursor.execute(
        f"CREATE TABLE {table} (LIKE {table}_default INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        f" PARTITION BY RANGE ({column})"
    )
    for name, definition in constraints:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, definition in indexes:
        cursor.execute(definition)
    cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_default DEFAULT")
    if column == "id":
        cursor.execute(f"CREATE INDEX {table}_strays ON {table}_default (id) WHERE substr(id::text, 15, 1) = '7'")


def _kept(name):
    return f"old_{name}"[:63]


def unite(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            _make_plain(cursor, table)
        cursor.execute("DELETE FROM telemetry_randomids")
        cursor.execute("DROP FUNCTION telemetry_first_id")


def _make_plain(cursor, table):
    cursor.execute(INDEXES, [table, table])
    indexes = cursor.fetchall()
    cursor.execute(CONSTRAINTS, [table])
    constraints = cursor.fetchall()
    cursor.execute(f"CREATE TABLE united (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    cursor.execute(f"INSERT INTO united SELECT * FROM {table}")
    cursor.execute(f"DROP TABLE {table}")
    cursor.execute(f"ALTER TABLE united RENAME TO {table}")
    for name, definition in constraints:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, definition in indexes:
        cursor.execute(definition.replace(" ON ONLY ", " ON "))


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0013_more_of_calls")]
    operations = [migrations.RunPython(partition, unite)]
