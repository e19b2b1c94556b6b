"""The pages of users and invitations, for administrators."""

from __future__ import annotations

from django.urls import path

from accounts.people import views
from accounts.personal_data import views as data_views

app_name = "people"
urlpatterns = [
    path("", views.person_list, name="person-list"),
    path("invite/", views.invite, name="invite"),
    path("invitations/<int:pk>/revoke/", views.invitation_revoke, name="invitation-revoke"),
    path("<int:pk>/", views.person_detail, name="person-detail"),
    path("<int:pk>/role/", views.person_role, name="person-role"),
    path("<int:pk>/deactivate/", views.person_deactivate, name="person-deactivate"),
    path("<int:pk>/reactivate/", views.person_reactivate, name="person-reactivate"),
    path("<int:pk>/reset-password/", views.person_reset_password, name="person-reset-password"),
    path("<int:pk>/reset-two-factor/", views.person_reset_two_factor, name="person-reset-two-factor"),
    path("<int:pk>/data/", data_views.person_data, name="person-data"),
    path("<int:pk>/data/export.jsonl", data_views.person_export, name="person-export"),
    path("<int:pk>/erase/", data_views.person_erase, name="person-erase"),
    path("<int:pk>/end-sessions/", views.person_end_sessions, name="person-end-sessions"),
]
