from __future__ import annotations

from django.core.management import call_command

from audit.actions import AuditAction
from audit.tests.scene import Acts

ACTS: Acts = {
    "log exported from the page": (lambda s: s.as_admin.get("/audit/export.csv"), [AuditAction.AUDIT_EXPORT]),
    "log exported by command": (lambda s: call_command("export_audit"), [AuditAction.AUDIT_EXPORT]),
}
