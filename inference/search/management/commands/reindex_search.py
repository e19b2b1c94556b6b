"""manage.py reindex_search: index everything again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from inference.search import indexing, statistics, vectors
from inference.search.models import Change, IndexedText


class Command(BaseCommand):
    help = "Index all calls, conversations and prompts again. Search works meanwhile, with what is there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from-nothing", action="store_true", help="delete the index first; search finds less")
        parser.add_argument("--in-background", action="store_true", help="leave the work to the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        indexing.rebuild(from_nothing=options["from_nothing"])
        total = Change.objects.count()
        if options["in_background"]:
            self.stdout.write(f"{total:,} objects are going to be indexed by the worker.")
            return
        done = 0
        while count := indexing.index_batch():
            done += count
            self.stdout.write(f"{min(done, total):,} of {total:,}")
        statistics.count()
        vectors.build_missing_indexes()
        self.stdout.write(self.style.SUCCESS(f"Indexed: {IndexedText.objects.count():,} texts."))
