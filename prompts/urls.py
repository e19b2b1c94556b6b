from __future__ import annotations

from django.urls import path

from prompts.pages import (
    detail_views,
    editor_views,
    example_views,
    export_views,
    import_views,
    label_views,
    list_views,
    proposal_views,
    rollout_views,
)

app_name = "prompts"
urlpatterns = [
    path("", list_views.prompt_list, name="prompt-list"),
    path("add/", editor_views.prompt_add, name="prompt-add"),
    path("import/", import_views.prompt_import, name="prompt-import"),
    path("export.zip", export_views.export_list, {"file_format": "zip"}, name="export-zip"),
    path("export.json", export_views.export_list, {"file_format": "json"}, name="export-json"),
    path("<uuid:pk>/", detail_views.prompt_detail, name="prompt-detail"),
    path("<uuid:pk>/edit/", editor_views.version_add, name="version-add"),
    path("<uuid:pk>/compare/", label_views.version_compare, name="version-compare"),
    path("<uuid:pk>/labels/", label_views.label_history, name="label-history"),
    path("<uuid:pk>/labels/move/", label_views.label_move, name="label-move"),
    path("<uuid:pk>/rollouts/add/", rollout_views.rollout_add, name="rollout-add"),
    path("<uuid:pk>/rollouts/<int:number>/end/", rollout_views.rollout_end, name="rollout-end"),
    path("proposals/<uuid:pk>/", proposal_views.proposal_detail, name="proposal-detail"),
    path("proposals/<uuid:pk>/decide/", proposal_views.proposal_decide, name="proposal-decide"),
    path("<uuid:pk>/details/", detail_views.prompt_edit, name="prompt-edit"),
    path("<uuid:pk>/share/", detail_views.prompt_share, name="prompt-share"),
    path("<uuid:pk>/archive/", detail_views.prompt_archive, name="prompt-archive"),
    path("<uuid:pk>/examples/add/", example_views.example_set_add, name="example-set-add"),
    path("<uuid:pk>/examples/<int:number>/", example_views.example_set_edit, name="example-set-edit"),
    path("<uuid:pk>/examples/<int:number>/delete/", example_views.example_set_delete, name="example-set-delete"),
    path("<uuid:pk>/export.md", export_views.export_one, {"file_format": "md"}, name="prompt-export-md"),
    path("<uuid:pk>/export.json", export_views.export_one, {"file_format": "json"}, name="prompt-export-json"),
    path("<uuid:pk>/delete/", detail_views.prompt_delete, name="prompt-delete"),
    path("<uuid:pk>/versions/<int:number>/delete/", detail_views.version_delete, name="version-delete"),
]
