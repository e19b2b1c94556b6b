from __future__ import annotations

from accounts.sharing import EVERYONE, share
from audit.tests.scene import Acts, Scene
from inference.playground.actions import PlaygroundAction
from inference.playground.models import Playground
from inference.playground.services import create_playground, delete_playground
from prompts.drafts import Draft


def a_playground(scene: Scene) -> Playground:
    return create_playground(owner=scene.alice, title="Triage", draft=Draft("Hi"), values={})


ACTS: Acts = {
    "playground shared": (
        lambda s: share(a_playground(s), audience=EVERYONE, actor=s.alice, action=PlaygroundAction.PLAYGROUND_SHARE),
        [PlaygroundAction.PLAYGROUND_SHARE],
    ),
    "playground deleted": (
        lambda s: delete_playground(playground=a_playground(s), actor=s.alice),
        [PlaygroundAction.PLAYGROUND_DELETE],
    ),
}
