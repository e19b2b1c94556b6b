"""`manage.py update_prices FILE`: use a newer price list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.context import Source, bind
from telemetry.prices.price_lists import LARGEST_FILE, PriceListRefused, add_price_list


class Command(BaseCommand):
    help = (
        "Use a newer price list: the file prices/data.json of genai-prices "
        "(https://github.com/pydantic/genai-prices). Running servers use it within a minute. Recorded "
        "calls keep their cost until `manage.py reprice` is run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        bind(source=Source.COMMAND)
        try:
            if file.stat().st_size > LARGEST_FILE:
                raise CommandError(f"{file} is larger than {LARGEST_FILE:,} bytes.")
            stored, is_new = add_price_list(content=file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except PriceListRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{stored.name}: {'in use within a minute' if is_new else 'already stored'}.")
