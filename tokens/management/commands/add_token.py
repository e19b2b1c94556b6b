from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Team, User
from accounts.providers import keyed_choices
from accounts.sharing import EVERYONE, PRIVATE, Audience, Visibility
from audit.context import Source, bind
from tokens import services
from tokens.base_urls import BaseUrlRefused
from tokens.checks import CheckResult, check_secret
from tokens.secrets import SecretRefused, clean_secret


class Command(BaseCommand):
    help = (
        "Add a provider key for a user. The secret is read from standard input, or asked for on a terminal.\n\n"
        "Example: manage.py add_token --owner ada@example.org --provider openai --label Team < key.txt"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        parser.add_argument("--provider", required=True, choices=[name for name, _ in keyed_choices()])
        parser.add_argument("--label", required=True, metavar="TEXT")
        parser.add_argument("--base-url", default="", metavar="URL", help="base URL of a compatible server")
        sharing = parser.add_mutually_exclusive_group()
        sharing.add_argument("--shared", action="store_true", help="share it with everyone")
        sharing.add_argument("--team", default="", metavar="NAME", help="share it with this team")
        parser.add_argument("--no-check", action="store_true", help="save without testing it")

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        owner = User.objects.filter(email=options["owner"].strip().lower(), is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {options['owner']}.")
        audience = _audience(options["team"], everyone=options["shared"])
        try:
            secret = clean_secret(_read_secret())
            check = None if options["no_check"] else _passed(options["provider"], secret, options["base_url"])
            token = services.add_token(
                owner=owner,
                actor=None,
                provider=options["provider"],
                label=options["label"],
                secret=secret,
                base_url=options["base_url"],
                audience=audience,
                check=check,
            )
        except (SecretRefused, BaseUrlRefused) as error:
            raise CommandError(str(error)) from None
        state = token.get_state_display().lower()
        self.stdout.write(f"Added {token} ({token.hint}) for {owner}, shared with {audience}: {state}.")


def _audience(team_name: str, *, everyone: bool) -> Audience:
    if not team_name:
        return EVERYONE if everyone else PRIVATE
    team = Team.objects.filter(name__iexact=team_name.strip()).first()
    if team is None:
        raise CommandError(f"There is no team {team_name}.")
    return Audience(Visibility.TEAM, team)


def _read_secret() -> str:
    return getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline()


def _passed(provider: str, secret: str, base_url: str) -> CheckResult:
    result = check_secret(provider=provider, secret=secret, base_url=services.allowed_base_url(base_url))
    if not result.ok:
        raise CommandError(f"{result.state.label}: {result.message} Nothing was saved; --no-check saves it untested.")
    return result
