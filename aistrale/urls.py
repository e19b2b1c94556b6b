"""Every page, by app."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.people import views as people_views
from aistrale import health
from aistrale.api_docs import api_docs
from aistrale.metrics import metrics
from aistrale.system import run_job_again, system
from inference.dashboard import dashboard

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("", include("accounts.login.urls")),
    path("account/", include("accounts.urls")),
    path("people/", include("accounts.people.urls")),
    path("invitation/<str:token>/", people_views.accept, name="invitation"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("system/", system, name="system"),
    path("system/jobs/<int:job_id>/run-again/", run_job_again, name="job-run-again"),
    path("metrics", metrics, name="metrics"),
    path("chat/", include("inference.urls")),
    path("playground/", include("inference.playground.urls")),
    path("backtests/", include("inference.backtests.urls")),
    path("search/", include("inference.search.urls")),
    path("prompts/webhooks/", include("webhooks.urls")),
    path("prompts/", include("prompts.urls")),
    path("tokens/", include("tokens.urls")),
    path("telemetry/", include("telemetry.urls")),
    path("audit/", include("audit.urls")),
    path("api-docs/", api_docs, name="api-docs"),
    path("", include("aistrale.api")),
    # Before the admin's own, so that there is one log-in with one throttling, and one way to a new password.
    path("admin/login/", secure_admin_login(admin.site.login)),
    path("admin/logout/", logout),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
]

handler400 = "aistrale.errors.bad_request"
handler403 = "aistrale.errors.permission_denied"
handler404 = "aistrale.errors.not_found"
handler429 = "aistrale.errors.too_many_requests"
handler500 = "aistrale.errors.server_error"
