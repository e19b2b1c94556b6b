import pgtrigger
import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.actions import AccountsAction
from accounts.models import User
from audit import services


@pytest.fixture(autouse=True)
def _one_entry(alice: User) -> None:
    services.record(action=AccountsAction.USER_UPDATE, actor=alice)
    with connection.cursor() as cursor:
        # Else the foreign key's deferred check would refuse some statements before the triggers do.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refused(sql: str) -> str:
    with pytest.raises(ProgrammingError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM audit_auditevent", "DELETE of audit_auditevent"),
        ("DELETE FROM audit_auditdetails", "DELETE of audit_auditdetails"),
        ("TRUNCATE audit_auditevent CASCADE", "TRUNCATE of audit_auditevent"),
        ("TRUNCATE audit_auditdetails", "TRUNCATE of audit_auditdetails"),
        ("UPDATE audit_auditevent SET body = '{}'", "UPDATE of audit_auditevent"),
        ("UPDATE audit_auditdetails SET content = '{}'", "UPDATE of audit_auditdetails"),
    ],
)
def test_it_refuses_every_change(sql: str, message: str) -> None:
    assert f"audit: {message} is refused" in refused(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_auditevent SET action = 'x:y:z'",
        "UPDATE audit_auditevent SET actor = NULL",
        "UPDATE audit_auditevent SET timestamp = now()",
    ],
)
def test_it_lets_nobody_write_a_derived_column(sql: str) -> None:
    pgtrigger.disable("audit.AuditEvent:refuse_update")
    assert "can only be updated to DEFAULT" in refused(sql)
