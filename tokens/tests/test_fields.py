from __future__ import annotations

import uuid

from django.db import models
from django.test.utils import isolate_apps

from tokens.fields import SealedField


@isolate_apps("tokens")
def test_it_refuses_a_row_whose_key_is_not_known_before_it_is_saved() -> None:
    class Numbered(models.Model):  # noqa: DJ008
        secret = SealedField()

        class Meta:
            app_label = "tokens"

    assert [problem.id for problem in Numbered.check()] == ["tokens.E001"]


@isolate_apps("tokens")
def test_it_takes_a_row_that_names_itself() -> None:
    class Named(models.Model):  # noqa: DJ008
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        secret = SealedField()

        class Meta:
            app_label = "tokens"

    assert Named.check() == []
