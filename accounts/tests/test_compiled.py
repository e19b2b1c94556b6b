from __future__ import annotations

from typing import Any

import pytest

from accounts.compiled import CompiledQuery
from accounts.models import User

pytestmark = pytest.mark.django_db


def by_email(*, email: str, role: str) -> Any:
    return User.objects.filter(email=email, role=role, is_active=True).values_list("pk")


def test_it_asks_with_other_values_each_time(alice: User, bob: User, django_assert_num_queries: Any) -> None:
    query = CompiledQuery(by_email)
    with django_assert_num_queries(3):
        assert query.rows(email=alice.email, role="engineer") == [(alice.pk,)]
        assert query.rows(email=bob.email, role="engineer") == [(bob.pk,)]
        assert query.rows(email=bob.email, role="administrator") == []


def test_values_are_never_part_of_the_statement(alice: User) -> None:
    query = CompiledQuery(by_email)
    assert query.rows(email="' OR '' = '", role="engineer") == []


def test_what_is_constant_stays(alice: User) -> None:
    query = CompiledQuery(by_email)
    User.objects.update(is_active=False)
    assert query.rows(email=alice.email, role="engineer") == []


def test_it_refuses_a_query_that_does_not_pass_its_arguments_on() -> None:
    query = CompiledQuery(lambda *, email, role: User.objects.filter(email=email).values_list("pk"))
    with pytest.raises(ValueError, match="role"):
        query.rows(email="a@example.org", role="engineer")
