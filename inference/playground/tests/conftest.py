"""A playground of Alice's with two panels on the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from accounts.models import User
    from inference.playground.models import Playground


@pytest.fixture
def playground(alice: User) -> Playground:
    from inference.playground.services import add_panel, create_playground
    from prompts.drafts import Draft

    body = [
        {"type": "chatmessage", "role": "system", "content": "Reply in {{language}}."},
        {"type": "placeholder", "name": "history"},
        {"type": "chatmessage", "role": "user", "content": "Explain {{topic}}."},
    ]
    draft = Draft(body, provider="echo", model="echo", parameters={"delay_ms": 0, "length": 10})
    values = {"language": "German", "topic": "tides"}
    playground = create_playground(owner=alice, title="Tides", draft=draft, values=values)
    add_panel(playground=playground, like=playground.panels.get())
    return playground
