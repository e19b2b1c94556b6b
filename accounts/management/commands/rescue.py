from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.login.mfa import remove_factors
from accounts.models import User
from accounts.people.services import password_link
from audit.context import Source, bind


class Command(BaseCommand):
    help = (
        "Help somebody back in, for instance the only administrator: prints a link with which they set a new password, "
        "good once and for a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--remove-second-factors", action="store_true", help="so that the password alone lets in again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        user = User.objects.filter(email=options["email"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['email']}.")
        if options["remove_second_factors"]:
            remove_factors(user=user, actor=None)
            self.stdout.write(f"Removed the second factors of {user}.")
        self.stdout.write(f"A new password for {user}:\n{password_link(user=user, actor=None)}")
