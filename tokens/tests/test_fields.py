from __future__ import annotations

import uuid

from django.db import models
from django.test.utils import isolate_apps

from tokens.fields import SealedField


class Row(models.Model):
    owner = models.CharField(max_length=1)
    last_used_at = models.DateTimeField()

    class Meta:
        abstract = True
        app_label = "tokens"

    def __str__(self) -> str:
        return self.owner


@isolate_apps("tokens")
def test_it_refuses_a_row_whose_key_is_not_known_before_it_is_saved() -> None:
    class Numbered(Row):
        secret = SealedField(set_at="last_used_at")

    assert [problem.id for problem in Numbered.check()] == ["tokens.E001"]


@isolate_apps("tokens")
def test_it_refuses_a_row_that_rotations_could_not_report() -> None:
    class Timeless(Row):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        secret = SealedField(set_at="entered_at")

    assert [problem.id for problem in Timeless.check()] == ["tokens.E002"]


@isolate_apps("tokens")
def test_it_takes_a_row_that_names_itself() -> None:
    class Named(Row):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        secret = SealedField()
        created_at = models.DateTimeField()

    assert Named.check() == []
