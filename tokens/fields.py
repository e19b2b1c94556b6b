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
    change without sealing anew. ``set_at`` and ``last_used_at`` name the fields that say when the present value was
    entered and when it was last opened to be used. The model has an ``owner``.
    """

    def __init__(
        self,
        *args: Any,
        bound_to: Sequence[str] = (),
        set_at: str = "created_at",
        last_used_at: str = "last_used_at",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.bound_to = tuple(bound_to)
        self.set_at, self.last_used_at = set_at, last_used_at

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """A value that was sealed for the row ``None`` would never open again."""
        found = super().check(**kwargs)
        if isinstance(self.model._meta.pk, models.AutoField):
            text = "A sealed value is bound to its row, whose primary key must be known before it is saved."
            found.append(Error(text, hint="Use a UUIDField with a default.", obj=self, id="tokens.E001"))
        if missing := {self.set_at, self.last_used_at, "owner"} - {field.name for field in self.model._meta.fields}:
            text = f"The model of a sealed value lacks {', '.join(sorted(missing))}, by which rotations report it."
            found.append(Error(text, obj=self, id="tokens.E002"))
        return found

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
