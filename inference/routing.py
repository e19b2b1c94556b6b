"""The sockets."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from inference.chat.consumer import ChatConsumer
from inference.playground.consumer import PlaygroundConsumer
from inference.runs.active import Runs


def websocket_urlpatterns(runs: Runs) -> list[URLPattern]:
    # Django's path() is typed for views; Channels documents it for consumers too.
    chat: Any = ChatConsumer.as_asgi(runs=runs)
    playground: Any = PlaygroundConsumer.as_asgi(runs=runs)
    return [
        path("ws/chat/<uuid:pk>/", chat, name="chat-socket"),
        path("ws/chat/new/<str:signed>/", chat, name="new-chat-socket"),
        path("ws/playground/<uuid:pk>/", playground, name="playground-socket"),
    ]
