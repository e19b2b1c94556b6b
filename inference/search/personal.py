"""What this app keeps of a person: where their calls stand in the index, their topics, and a choice."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from inference.search.models import Consent, Place, Topic


def export(user: User) -> Iterator[Values]:
    """The texts themselves are those of calls, conversations and prompts."""
    for topic in in_batches(Topic.objects.filter(user=user)):
        yield values_of(topic, "topic", "id", "words", "first_seen_at")
    for consent in Consent.objects.filter(user=user):
        yield values_of(consent, "search_consent", "given_at")


def erase(user: User, actor: User | None) -> dict[str, int]:
    """Triggers delete the texts with the last place that they stand in."""
    Consent.objects.filter(user=user).delete()
    Place.objects.filter(owner=user).delete()
    topics, _ = Topic.objects.filter(user=user).delete()
    return {"topics": topics}


HANDLER = PersonalDataHandler(
    "search",
    export,
    erase,
    frozenset({"search.place.owner", "search.topic.user", "search.consent.user"}),
)
