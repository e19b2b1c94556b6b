"""Sets of values to try a prompt with: every change to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.services import record
from prompts import storable
from prompts.actions import PromptsAction
from prompts.models import ExampleSet, Prompt
from prompts.storable import Unstorable

if TYPE_CHECKING:
    from accounts.models import User

MOST_SETS = 50
MOST_CHARACTERS = 100_000


@transaction.atomic
def create_example_set(*, prompt: Prompt, name: str, values: Mapping[str, str], actor: User) -> ExampleSet:
    """Raises ValidationError by field."""
    locked = Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    if locked.example_sets.count() >= MOST_SETS:
        raise ValidationError({"name": f"A prompt may have at most {MOST_SETS} example sets."})
    example_set = ExampleSet(prompt=locked, name=name, values=_checked(values))
    example_set.full_clean()
    example_set.save()
    record(action=PromptsAction.EXAMPLE_SET_CREATE, actor=actor, target=locked, after={"name": name})
    return example_set


@transaction.atomic
def update_example_set(*, example_set: ExampleSet, name: str, values: Mapping[str, str], actor: User) -> None:
    """Raises ValidationError by field."""
    prompt = Prompt.objects.select_for_update(no_key=True).get(pk=example_set.prompt_id)
    before = {"name": example_set.name}
    if (example_set.name, example_set.values) == (name, dict(values)):
        return
    example_set.name, example_set.values = name, _checked(values)
    example_set.full_clean()
    example_set.save()
    record(action=PromptsAction.EXAMPLE_SET_UPDATE, actor=actor, target=prompt, before=before, after={"name": name})


@transaction.atomic
def delete_example_set(*, example_set: ExampleSet, actor: User) -> None:
    prompt = Prompt.objects.select_for_update(no_key=True).get(pk=example_set.prompt_id)
    if not ExampleSet.objects.filter(pk=example_set.pk).delete()[0]:
        return
    record(action=PromptsAction.EXAMPLE_SET_DELETE, actor=actor, target=prompt, before={"name": example_set.name})


def _checked(values: Mapping[str, str]) -> dict[str, str]:
    if sum(len(name) + len(value) for name, value in values.items()) > MOST_CHARACTERS:
        raise ValidationError({"values": f"The values may have at most {MOST_CHARACTERS:,} characters together."})
    try:
        storable.check(dict(values))
    except Unstorable as error:
        raise ValidationError({"values": str(error)}) from error
    return dict(values)
