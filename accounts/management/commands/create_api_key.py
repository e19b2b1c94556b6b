from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.profile import api_keys, scopes
from accounts.profile.scopes import ScopeRefused
from audit.context import Source, bind

DEFAULT = (scopes.READ_PROMPTS, scopes.WRITE_PROMPTS)


class Command(BaseCommand):
    help = (
        "Create an API key for a user and print its public and secret key, once. It has the user's rights, "
        "limited by its scopes.\n\n"
        "Examples: manage.py create_api_key --user ada@example.org --name CI --scope prompts:read\n"
        "          manage.py create_api_key --user ada@example.org --name Support --scope prompts:read:support/ "
        "--expires 2027-12-31 --json"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whose rights it has")
        parser.add_argument("--name", required=True, metavar="TEXT", help="a name to recognise it by")
        parser.add_argument(
            "--scope",
            action="append",
            metavar="SCOPE",
            help=f"{', '.join(scopes.TITLES)}, or prompts:read:folder/; may be repeated "
            f"(default: {' and '.join(DEFAULT)})",
        )
        parser.add_argument("--expires", type=_last_day, metavar="YYYY-MM-DD", help="the last day, UTC (default: none)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        user = User.objects.filter(email=options["user"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']}.")
        label, longest = options["name"].strip(), ApiKey._meta.get_field("label").max_length or 0
        if not 0 < len(label) <= longest:
            raise CommandError(f"--name must have 1 to {longest} characters.")
        wanted = options["scope"] or DEFAULT
        try:
            key, secret = api_keys.create(
                user=user, label=label, expires_at=options["expires"], scopes=wanted, by_operator=True
            )
        except ScopeRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps({"public_key": key.prefix, "secret_key": secret}))
        else:
            self.stdout.write(f"Public key: {key.prefix}\nSecret key: {secret}\nThe secret key is shown only once.")


def _last_day(text: str) -> datetime:
    """The end of that day."""
    try:
        end = datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"“{text}” is not a date such as 2027-12-31.") from error
    if end <= timezone.now():
        raise ArgumentTypeError(f"{text} has passed.")
    return end
