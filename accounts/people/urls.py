"""The pages of users and invitations, for administrators."""

from __future__ import annotations

from django.urls import path

from accounts.people import invitation_views
from accounts.people import views as people_views
from accounts.personal_data import views as data_views

app_name = "people"
urlpatterns = [
    path("", people_views.person_list, name="person-list"),
    path("invite/", invitation_views.invite, name="invite"),
    path("invitations/<int:pk>/revoke/", invitation_views.invitation_revoke, name="invitation-revoke"),
    path("<int:pk>/", people_views.person_detail, name="person-detail"),
    path("<int:pk>/role/", people_views.person_role, name="person-role"),
    path("<int:pk>/deactivate/", people_views.person_deactivate, name="person-deactivate"),
    path("<int:pk>/reactivate/", people_views.person_reactivate, name="person-reactivate"),
    path("<int:pk>/reset-password/", people_views.person_reset_password, name="person-reset-password"),
    path("<int:pk>/reset-two-factor/", people_views.person_reset_two_factor, name="person-reset-two-factor"),
    path("<int:pk>/data/", data_views.person_data, name="person-data"),
    path("<int:pk>/data/export.jsonl", data_views.person_export, name="person-export"),
    path("<int:pk>/erase/", data_views.person_erase, name="person-erase"),
    path("<int:pk>/end-sessions/", people_views.person_end_sessions, name="person-end-sessions"),
]
