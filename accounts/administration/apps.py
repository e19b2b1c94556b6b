"""Django admin with our own site class. Named in INSTALLED_APPS."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    default_site = "accounts.administration.site.AdministrationSite"
