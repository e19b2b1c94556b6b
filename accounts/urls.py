"""Our own account pages; those of django-allauth are in ``accounts.login.urls``."""

from __future__ import annotations

from django.urls import path

from accounts import views
from accounts.login import views as login_views
from accounts.login.reauthentication import confirmed
from accounts.personal_data import views as data_views
from accounts.profile import views as profile_views
from accounts.sessions import views as session_views
from accounts.teams import views as team_views

app_name = "accounts"
urlpatterns = [
    path("setup/<str:token>/", views.setup, name="setup"),
    path("checklist/", views.checklist, name="checklist"),
    path("theme/", views.theme, name="theme"),
    path("sso/", confirmed(login_views.sso_connect), name="sso-connect"),
    path("profile/", profile_views.profile, name="profile"),
    path("data/", data_views.own_data, name="own-data"),
    path("data/export.jsonl", data_views.own_export, name="own-export"),
    path("erase/", data_views.own_erase, name="own-erase"),
    path("api-keys/", profile_views.api_key_list, name="api-key-list"),
    path("api-keys/add/", profile_views.api_key_add, name="api-key-add"),
    path("api-keys/<int:pk>/revoke/", profile_views.api_key_revoke, name="api-key-revoke"),
    path("sessions/", session_views.session_list, name="session-list"),
    path("sessions/end-others/", session_views.session_end_others, name="session-end-others"),
    path("sessions/<int:pk>/end/", session_views.session_end, name="session-end"),
    path("teams/", team_views.team_list, name="team-list"),
    path("teams/add/", team_views.team_add, name="team-add"),
    path("teams/<uuid:pk>/", team_views.team_detail, name="team-detail"),
    path("teams/<uuid:pk>/rename/", team_views.team_rename, name="team-rename"),
    path("teams/<uuid:pk>/delete/", team_views.team_delete, name="team-delete"),
    path("teams/<uuid:pk>/members/add/", team_views.member_add, name="member-add"),
    path("teams/<uuid:pk>/members/<int:user_pk>/remove/", team_views.member_remove, name="member-remove"),
]
