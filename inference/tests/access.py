"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from inference.models import Conversation, Message, ParameterPreset, StoredFile
from prompts.tests.access import a_prompt
from tokens.tests.access import a_token


def a_conversation(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="private")


def a_deleted_conversation(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="private", deleted_at=timezone.now())


def a_message(owner: User) -> Message:
    return Message.objects.create(conversation=a_conversation(owner), role="user", text="private")


def a_file(owner: User) -> StoredFile:
    described = {"name": "map.png", "media_type": "image/png", "size": 4, "tokens": 9}
    digest = f"{StoredFile.objects.count():064x}"
    return StoredFile.objects.create(user=owner, digest=digest, content=b"made", thumbnail=b"made", **described)


def a_preset(owner: User) -> ParameterPreset:
    return ParameterPreset.objects.create(owner=owner, name=f"private {ParameterPreset.objects.count()}", parameters={})


USERS = {
    "chat/",
    "chat/files/",
    "chat/models/",
    "chat/models/favourite/",
    "chat/parameters/",
    "chat/presets/",
    "chat/prompts/",
}
OBJECTS = {
    "chat/<uuid:pk>/": (a_conversation, "pk"),
    "chat/<uuid:pk>/restore/": (a_deleted_conversation, "pk"),
    "chat/messages/<int:pk>/": (a_message, "pk"),
    "chat/models/<str:key>/": (a_token, "pk"),
    "chat/files/<str:digest>/": (a_file, "digest"),
    "chat/prompts/<uuid:pk>/": (a_prompt, "pk"),
    "chat/presets/<int:pk>/delete/": (a_preset, "pk"),
}
NO_PAGES = {
    "chat/models/<str:key>/": "a part of the list of models",
    "chat/files/": "answers a script",
    "chat/files/<str:digest>/": "a file",
    "chat/files/<str:digest>/download/": "a file",
    "chat/files/<str:digest>/thumbnail/": "a file",
    "chat/files/<str:digest>/view/": "answers a script",
    "chat/parameters/": "answers a script",
    "chat/presets/": "answers a script",
    "chat/prompts/": "answers a script",
    "chat/prompts/<uuid:pk>/": "answers a script",
    "chat/messages/<int:pk>/source/": "answers a script",
    "admin/inference/conversation/<path:object_id>/change/": "not of what was said",
}
