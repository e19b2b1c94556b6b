"""Export and erasure of the personal data of this app."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from tokens.models import ProviderToken
from tokens.services import delete_token

_FIELDS = (
    "provider", "label", "base_url", "visibility", "is_default", "hint", "state", "created_at", "secret_set_at",
    "checked_at", "last_used_at", "expires_at",
)  # fmt: skip


def export(user: User) -> Iterator[Values]:
    """Never the secrets."""
    for token in in_batches(ProviderToken.objects.filter(owner=user)):
        yield values_of(token, "provider_token", *_FIELDS)


def erase(user: User, actor: User | None) -> dict[str, int]:
    """Those that others may use as well: they are keys to the person's own accounts elsewhere."""
    tokens = list(ProviderToken.objects.filter(owner=user).select_related("owner"))
    for token in tokens:
        delete_token(token=token, actor=actor)
    return {"tokens": len(tokens)}


HANDLER = PersonalDataHandler(
    "tokens", export, erase, frozenset({"tokens.providertoken.owner", "tokens.factorsecret.owner"})
)
