"""The door of the admin site."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


class AdministrationSite(AdminSite):
    site_header = site_title = "AISTRALE administration"
    index_title = "Everything that is stored"

    def has_permission(self, request: HttpRequest) -> bool:
        """Engineers are refused where they knock, not sent to a log-in that they have passed: so it is recorded."""
        if request.user.is_authenticated and not super().has_permission(request):
            raise PermissionDenied
        return super().has_permission(request)
