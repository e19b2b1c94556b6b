from __future__ import annotations

from uuid import uuid4

from accounts.sharing import EVERYONE, share
from audit.tests.scene import Acts, Scene
from inference.actions import InferenceAction
from inference.chat.picker.pinned import toggle_favourite
from inference.chat.presets import delete_preset, save_preset
from inference.conversations.services import delete_conversation, export_conversation, restore_conversation
from inference.conversations.sharing import copy_branch
from inference.models import Conversation
from inference.runs.finish import request_stop
from inference.runs.start import RunRequest, StartedRun, start_run
from tokens.models import ProviderToken


def a_conversation(scene: Scene) -> Conversation:
    return Conversation.objects.create(owner=scene.alice, title="Mine")


def star_a_model(scene: Scene) -> None:
    token_id = ProviderToken.objects.get().pk
    assert toggle_favourite(user=scene.alice, provider="openai", model="gpt-4o", token_id=token_id)


def save_and_delete_a_preset(scene: Scene) -> None:
    preset = save_preset(owner=scene.alice, name="Precise", parameters={"temperature": 0.2})
    delete_preset(preset=preset, actor=scene.alice)


def share_conversation(scene: Scene) -> None:
    share(a_conversation(scene), audience=EVERYONE, actor=scene.alice, action=InferenceAction.CONVERSATION_SHARE)


def start(scene: Scene) -> StartedRun:
    form = RunRequest("openai", "gpt-4o", "Hi", None, uuid4())
    started = start_run(user=scene.alice, conversation_id=uuid4(), is_new=True, form=form)
    assert started is not None
    return started


def stop(scene: Scene) -> None:
    order = start(scene).order
    assert order is not None and request_stop(user=scene.alice, generation_id=order.generation_id)


ACTS: Acts = {
    "preset": (save_and_delete_a_preset, [InferenceAction.PRESET_SAVE, InferenceAction.PRESET_DELETE]),
    "favourite model": (star_a_model, [InferenceAction.MODEL_FAVOURITE]),
    "conversation deleted": (
        lambda s: delete_conversation(conversation=a_conversation(s), actor=s.alice),
        [InferenceAction.CONVERSATION_DELETE],
    ),
    "conversation restored": (
        lambda s: restore_conversation(conversation=a_conversation(s), actor=s.alice),
        [InferenceAction.CONVERSATION_RESTORE],
    ),
    "conversation exported": (
        lambda s: export_conversation(conversation=a_conversation(s), name="json", leaf=None, actor=s.alice),
        [InferenceAction.CONVERSATION_EXPORT],
    ),
    "conversation shared": (share_conversation, [InferenceAction.CONVERSATION_SHARE]),
    "conversation copied": (
        lambda s: copy_branch(source=a_conversation(s), leaf=None, actor=s.alice),
        [InferenceAction.CONVERSATION_COPY],
    ),
    "run started": (start, [InferenceAction.RUN_START]),
    "run stopped": (stop, [InferenceAction.RUN_START, InferenceAction.RUN_STOP]),
}
