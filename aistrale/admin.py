"""Jobs are looked after on the system page, which records what is done to them. The queue's own admin does not."""

from importlib import import_module

from django.contrib import admin
from procrastinate.contrib.django.models import ProcrastinateJob

# It may come after this one.
import_module("procrastinate.contrib.django.admin")
admin.site.unregister(ProcrastinateJob)
