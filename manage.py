#!/usr/bin/env python
"""AISTRALE's command line: `python manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError

from aistrale.embedded import ServerError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
    try:
        execute_from_command_line(sys.argv)
    except (EnvError, ImproperlyConfigured, ServerError) as error:
        sys.exit(f"Settings: {error}")
