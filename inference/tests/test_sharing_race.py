"""Sharing with a team while its owner leaves it, or while it is deleted: who comes later sees what was done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction

from accounts.models import Team, User
from accounts.sharing import PRIVATE, Audience, Visibility, share
from accounts.teams.services import delete_team, remove_member
from inference.actions import InferenceAction
from inference.models import Conversation

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_connection_of_its_own(job: Callable[[], None]) -> None:
    try:
        job()
    finally:
        connections.close_all()


@pytest.mark.parametrize("step", ["leaves", "is deleted"])
def test_it_shares_with_no_team_that_goes_meanwhile(alice: User, team: Team, step: str) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Plans")
    begun = Event()

    def share_with_team() -> None:
        begun.set()
        share(
            conversation,
            audience=Audience(Visibility.TEAM, team),
            actor=alice,
            action=InferenceAction.CONVERSATION_SHARE,
        )

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            if step == "leaves":
                remove_member(team=team, user=alice, actor=alice)
            else:
                delete_team(team=Team.objects.get(), actor=alice)
            sharing = threads.submit(in_a_connection_of_its_own, share_with_team)
            begun.wait(5)
            with pytest.raises(TimeoutError):
                sharing.result(timeout=0.3)
        with pytest.raises(PermissionDenied):
            sharing.result(timeout=5)

    conversation.refresh_from_db()
    assert conversation.audience == PRIVATE
