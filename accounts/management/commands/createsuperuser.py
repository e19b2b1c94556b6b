"""Django's command, which makes an administrator here."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.management.commands import createsuperuser
from django.urls import reverse

from accounts.models import User
from audit.context import Source, bind


class Command(createsuperuser.Command):
    help = (
        "Create an administrator. Prompts for missing values. Example: manage.py createsuperuser --email me@example.org"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        known = set(User.objects.administrators().values_list("pk", flat=True))
        super().handle(*args, **options | {"verbosity": 0})
        # None where Django's command found no terminal to ask at, and has said so.
        for user in User.objects.administrators().exclude(pk__in=known):
            login = f"{settings.PUBLIC_ORIGIN}{reverse('account_login')}"
            self.stdout.write(f"{user.email} is an administrator now and can log in at {login}")
