import os
import subprocess
import sys
from collections.abc import Callable
from random import Random
from urllib.parse import urlsplit

import pytest
from django.db import connection

from audit import chain
from audit.models import AuditDetails, AuditEvent


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_it_stays_one_gapless_chain_when_50_processes_append_at_once(
    chance: Random, check_invariants: Callable[..., None]
) -> None:
    each = chance.randint(4, 12)
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    subprocess.run(
        [sys.executable, "-m", "audit.tests.append_many", "50", str(each)],
        env={
            **os.environ,
            "DATABASE_URL": url.geturl(),
            "DJANGO_SETTINGS_MODULE": "aistrale.settings",
            "AISTRALE_DATABASE_POOL": "1",
        },
        check=True,
        timeout=120,
    )
    columns = ["sequence", "previous_hash", "hash", "body", "details__salt", "details__content"]
    entries = [chain.ChainEntry(*row) for row in AuditEvent.objects.order_by("sequence").values_list(*columns)]
    result = chain.verify(entries)
    assert (result.violation, result.sequence) == (None, 50 * each)
    assert len({details.content for details in AuditDetails.objects.all()}) == 50
    check_invariants()
