#!/usr/bin/env python
"""AISTRALE's command line: `python manage.py help` lists the commands."""

import gc
import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError

from aistrale.embedded import ServerError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
    try:
        # `up` only starts other processes. Loading all apps for it would take a third of the time of a start.
        if sys.argv[1:2] == ["up"]:
            from aistrale.management.commands.up import Command

            Command().run_from_argv(sys.argv)
        else:
            load_apps()
            execute_from_command_line(sys.argv)
    except (EnvError, ImproperlyConfigured, ServerError) as error:
        sys.exit(f"Settings: {error}")
    except Exception as error:
        if problem := outage(error):
            sys.exit(problem)
        raise


def load_apps() -> None:
    """What is loaded stays until the end. To look through it for garbage meanwhile takes a quarter of a start."""
    gc.disable()
    django.setup()
    gc.freeze()
    gc.enable()


def outage(error: Exception) -> str:
    """What to say of a server that does not answer; nothing of any other error."""
    from accounts.admission import OUTAGES, humanize_outage

    reason = next(iter(str(error).splitlines()), "")
    if not isinstance(error, OUTAGES):
        return ""
    return f"{humanize_outage(error)} {reason}\n`manage.py doctor` looks at all parts."


if __name__ == "__main__":
    main()
