"""A model field for sealed secrets, and the registry of every such field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import models

from tokens import envelope

if TYPE_CHECKING:
    BytesField = models.BinaryField[bytes, bytes]
else:
    BytesField = models.BinaryField


class SealedField(BytesField):
    """Bytes made by ``envelope.seal``. Reading the attribute gives those bytes: nothing is opened by itself.

    ``bound_to`` names further attributes of the row that the value must not be separated from. They may not
    change without sealing anew.
    """

    def __init__(self, *args: Any, bound_to: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bound_to = tuple(bound_to)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """A value that was sealed for the row ``None`` would never open again."""
        if not isinstance(self.model._meta.pk, models.AutoField):
            return super().check(**kwargs)
        problem = "A sealed value is bound to its row, whose primary key must be known before it is saved."
        return [
            *super().check(**kwargs),
            Error(problem, hint="Use a UUIDField with a default.", obj=self, id="tokens.E001"),
        ]

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bound_to": self.bound_to}

    def context_of(self, table: str, row: object, bound: Sequence[object]) -> bytes:
        """``bound`` holds the values of ``bound_to``, in that order."""
        return envelope.context_bytes(table, str(row), str(self.column), *(str(value) for value in bound))

    def context(self, instance: models.Model) -> bytes:
        bound = [getattr(instance, name) for name in self.bound_to]
        return self.context_of(instance._meta.db_table, instance.pk, bound)


def sealed_fields() -> Iterator[tuple[type[models.Model], SealedField]]:
    """Every sealed field of every installed model, so that a rotation cannot forget one."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SealedField):
                yield model, field
