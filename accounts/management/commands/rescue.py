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
        "Restore access to an account, such as that of the only administrator: prints a link to choose a new password, "
        "which works once, within 24 hours. Example: manage.py rescue ada@example.org --remove-second-factors"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--remove-second-factors",
            action="store_true",
            help="also remove two-factor of the account",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        user = User.objects.filter(email=options["email"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"No active user with the email {options['email']}.")
        if options["remove_second_factors"]:
            remove_factors(user=user, actor=None)
            self.stdout.write(f"Two-factor of {user} removed.")
        self.stdout.write(f"Password reset link for {user}:\n{password_link(user=user, actor=None)}")
