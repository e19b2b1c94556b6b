"""The admin site, for administrators only."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


class AdministrationSite(AdminSite):
    site_header = site_title = "AISTRALE administration"
    index_title = "Administration"

    def has_permission(self, request: HttpRequest) -> bool:
        """Engineers get a 403, which is recorded, instead of a redirect to a log-in that they have passed."""
        if request.user.is_authenticated and not super().has_permission(request):
            raise PermissionDenied
        return super().has_permission(request)
