from __future__ import annotations

from django.urls import path

from inference.chat import file_views, preset_views, prompt_views
from inference.chat import views as chat
from inference.chat.picker import views as picker
from inference.conversations import views as conversations

app_name = "inference"
urlpatterns = [
    path("", chat.chat, name="chat"),
    path("models/", picker.model_list, name="model-list"),
    path("models/favourite/", picker.model_favourite, name="model-favourite"),
    path("models/<str:key>/", picker.endpoint_models, name="endpoint-models"),
    path("parameters/", picker.parameter_list, name="parameter-list"),
    path("presets/", preset_views.preset_list, name="preset-list"),
    path("presets/<int:pk>/delete/", preset_views.preset_delete, name="preset-delete"),
    path("prompts/", prompt_views.prompt_picker, name="prompt-picker"),
    path("prompts/<uuid:pk>/", prompt_views.prompt_insert, name="prompt-insert"),
    path("files/", file_views.file_list, name="file-list"),
    path("files/<str:digest>/", file_views.file_content, name="file-content"),
    path("files/<str:digest>/download/", file_views.file_download, name="file-download"),
    path("files/<str:digest>/thumbnail/", file_views.file_thumbnail, name="file-thumbnail"),
    path("files/<str:digest>/view/", file_views.file_view, name="file-view"),
    path("messages/<int:pk>/source/", chat.message_source, name="message-source"),
    path("<uuid:pk>/", chat.conversation_detail, name="conversation-detail"),
    path("<uuid:pk>/rename/", conversations.conversation_rename, name="conversation-rename"),
    path("<uuid:pk>/pin/", conversations.conversation_pin, name="conversation-pin"),
    path("<uuid:pk>/archive/", conversations.conversation_archive, name="conversation-archive"),
    path("<uuid:pk>/share/", conversations.conversation_share, name="conversation-share"),
    path("<uuid:pk>/copy/", chat.conversation_copy, name="conversation-copy"),
    path("<uuid:pk>/export/", conversations.conversation_export, name="conversation-export"),
    path("<uuid:pk>/restore/", conversations.conversation_restore, name="conversation-restore"),
    path("<uuid:pk>/delete/", conversations.conversation_delete, name="conversation-delete"),
]
