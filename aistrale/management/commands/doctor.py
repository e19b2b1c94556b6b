from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from aistrale import health_checks
from aistrale.findings import Finding


class Command(BaseCommand):
    help = (
        "Check database, pgvector, Redis, migrations, keys and versions. Exit code 0 when nothing fails, 1 otherwise. "
        "Example: manage.py doctor --json"
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = health_checks.run()
        failed = [finding for finding in findings if not finding.ok]
        warned = [finding for finding in findings if finding.warning]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not failed, "checks": [asdict(finding) for finding in findings]}))
        else:
            for finding in findings:
                self.stdout.write(f"{self._mark(finding)}  {finding.name:<12} {finding.detail}")
            well = f"All checks passed, {len(warned)} with warnings." if warned else "All checks passed."
            self.stdout.write(f"{len(failed)} of {len(findings)} checks failed." if failed else well)
        sys.exit(1 if failed else 0)

    def _mark(self, finding: Finding) -> str:
        if finding.warning:
            return self.style.WARNING("warn  ")
        return self.style.SUCCESS("ok    ") if finding.ok else self.style.ERROR("failed")
