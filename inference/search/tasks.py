"""What the worker does for search."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from inference.search import choosing, indexing, statistics, vectors
from inference.search.topics import keeping


@app.periodic(cron="* * * * *")
@app.task(lock="search.index_changes", queueing_lock="search.index_changes", retry=settings.JOB_RETRY)
def index_changes(timestamp: int) -> None:
    indexing.index_changes(seconds=50)
    choosing.embed_by_provider(seconds=50)
    if statistics.is_outdated():
        statistics.count()
    vectors.build_missing_indexes()


@app.periodic(cron="37 3 * * *")
@app.task(lock="search.mend", queueing_lock="search.mend", retry=settings.JOB_RETRY)
def mend(timestamp: int) -> None:
    indexing.mend()
    statistics.count()
    vectors.retry_indexes()


@app.periodic(cron="11 * * * *")
@app.task(lock="search.recount_topics", queueing_lock="search.recount_topics", retry=settings.JOB_RETRY)
def recount_topics(timestamp: int) -> None:
    keeping.recount_active(now=timezone.now())
