from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from accounts.models import Team, User
    from prompts.models import PromptVersion


@pytest.fixture
def triage(alice: User, bob: User, team: Team) -> PromptVersion:
    """Version 2 of a prompt of alice, which her team reads; production is still at version 1."""
    from accounts.sharing import Audience, Visibility
    from prompts import services
    from prompts.drafts import Draft, Variable

    first = services.create_prompt(
        owner=alice,
        name="support/triage",
        type="text",
        draft=Draft("Sort {{ticket}}", (Variable("ticket", sample="T-1"),)),
        audience=Audience(Visibility.TEAM, team),
        message="First version",
        labels=["production"],
    )
    return services.save_version(
        prompt=first.prompt,
        draft=Draft("Sort {{ticket}}\nBe brief", (Variable("ticket", sample="T-1"),)),
        author=alice,
        message="Shorter",
        made_from=1,
    )


@pytest.fixture
def let_edit() -> Callable[[PromptVersion], None]:
    """Lets those who read the prompt edit it too."""

    def let(version: PromptVersion) -> None:
        from prompts import services

        prompt = version.prompt
        services.share_prompt(prompt=prompt, audience=prompt.audience, readers_may_edit=True, actor=prompt.owner)

    return let
