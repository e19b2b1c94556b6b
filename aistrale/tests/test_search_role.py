"""Search for an application role that does not own the tables, and so cannot build the index of vectors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from psycopg import sql

from accounts.models import User
from aistrale.findings import Warned
from aistrale.health_checks import CHECKS
from aistrale.tests.test_audit_role import superuser
from inference.search import tasks, vectors
from inference.search.tests.conftest import AddCall, Find, add_call, find, index

__all__ = ["add_call", "find", "index"]


@pytest.fixture
def as_limited_role(transactional_db: None) -> Iterator[None]:
    """Which may read and write the tables, and does not own them."""
    role = sql.Identifier(f"search_of_{connection.settings_dict['NAME']}")
    with superuser() as boss:
        boss.execute(sql.SQL("CREATE ROLE {}").format(role))
        boss.execute(sql.SQL("GRANT {} TO CURRENT_USER, aistrale").format(role))
        boss.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(role))
        boss.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(role))
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    with superuser() as boss:
        boss.execute(sql.SQL("DROP OWNED BY {}").format(role))
        boss.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_role_that_may_not_build_it_is_named_and_search_goes_on(
    as_limited_role: None, alice: User, add_call: AddCall, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "INDEXED_FROM", 2)
    for number in range(4):
        add_call(alice, f"refund of order {number}")
    tasks.index_changes(0)
    assert vectors.local_row().index_error == "must be owner of table search_embedding"
    with pytest.raises(Warned, match="must be owner of table search_embedding. Search works without it"):
        CHECKS["Search"]()
    assert len(find(alice, "refund")) == 4
    tasks.mend(0)
    assert vectors.local_row().index_error == ""
