"""The rights that docs/audit.md gives to an application role, tried with a real one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from psycopg import sql

from aistrale.actions import SystemAction
from aistrale.embedded import state
from audit import services
from audit.models import AuditEvent
from tokens.tasks import rotate_keys


def superuser() -> psycopg.Connection[tuple[object, ...]]:
    saved = state.load(settings.DATA_DIR)
    assert saved is not None
    return psycopg.connect(
        host="127.0.0.1",
        port=saved.postgres_port,
        user="postgres",
        password=saved.postgres_superuser_password,
        dbname=connection.settings_dict["NAME"],
        autocommit=True,
    )


@pytest.fixture
def _limited_role(db: None) -> Iterator[None]:
    """From here on the test has only the documented rights."""
    name = f"app_of_{connection.settings_dict['NAME']}"
    documented = re.search(r"```sql\n(.*?)```", (settings.BASE_DIR / "docs/audit.md").read_text(), re.DOTALL)
    assert documented is not None
    role = sql.Identifier(name)
    with superuser() as boss:
        boss.execute(sql.SQL("CREATE ROLE {}").format(role))
        boss.execute(sql.SQL("GRANT {} TO CURRENT_USER, aistrale").format(role))
        boss.execute(documented[1].replace("aistrale_app", name).encode())
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(role))
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    with superuser() as boss:
        boss.execute(sql.SQL("DROP OWNED BY {}").format(role))
        boss.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.usefixtures("_limited_role")
def test_it_lets_the_application_append_and_read() -> None:
    services.record(action=SystemAction.SETTING_CHANGE, actor=None, details={"typed": "x"})
    assert AuditEvent.objects.select_related("details").get().details.personal == {"typed": "x"}


@pytest.mark.usefixtures("_limited_role")
def test_it_lets_the_application_queue_jobs_and_a_worker_take_them() -> None:
    job_id = rotate_keys.defer()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job.id FROM procrastinate_register_worker_v1() AS worker,"
            " procrastinate_fetch_job_v2(NULL, worker.worker_id) AS job"
        )
        assert cursor.fetchone() == (job_id,)


@pytest.mark.usefixtures("_limited_role")
def test_it_lets_the_log_be_verified_without_a_right_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    services.record(action=SystemAction.SETTING_CHANGE, actor=None)
    with superuser() as boss:
        role = sql.Identifier(f"app_of_{connection.settings_dict['NAME']}")
        boss.execute(sql.SQL("REVOKE INSERT, UPDATE ON audit_auditverification FROM {}").format(role))
    call_command("verify_audit")
    shown = capsys.readouterr()
    assert shown.out.startswith("The audit log is verified: 1 entries")
    assert "permission denied" in shown.err


@pytest.mark.usefixtures("_limited_role")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET body = body",
        "UPDATE audit_auditdetails SET content = ''",
        "DELETE FROM audit_auditevent",
        "DELETE FROM audit_auditdetails",
        "TRUNCATE audit_auditevent CASCADE",
        "TRUNCATE audit_auditdetails",
        "ALTER TABLE audit_auditevent DISABLE TRIGGER USER",
        "SET session_replication_role = replica",
    ],
)
def test_it_lets_the_application_do_nothing_else(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)
