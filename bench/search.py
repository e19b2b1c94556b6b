"""How well and how fast search finds: ``python -m bench.search [--json] [--full]``, with a throw-away database.

Quality by labelled sets of others (``bench.search_sets``): recall@10 and MRR by words, by meaning, and by both. Time in
the database with 100 k vectors, with ``--full`` 1 M. Texts indexed in a second. Topics beside k-means.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from bench.audit import database
from bench.search_sets import LabelledSet, labelled_sets, questions_by_task

if TYPE_CHECKING:
    from accounts.models import User

NAMESPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
SIZES, FULL, ROUNDS, TOP = [100_000], 1_000_000, 50, 10
# Characters: each of the many is one vector.
_LONGEST = 600
WAYS = ("words", "meaning", "hybrid")


@dataclass(frozen=True)
class Quality:
    name: str
    documents: int
    queries: int
    recall: Mapping[str, float]
    mrr: Mapping[str, float]


@dataclass(frozen=True)
class Speed:
    """Milliseconds in the database; recall of what an exact comparison finds."""

    vectors: int
    scope: str
    p50: float
    p95: float
    recall: float


def empty() -> None:
    from inference.search.models import Embedding, IndexedText, Place

    for model in (Place, Embedding, IndexedText):
        model.objects.all()._raw_delete("default")


def index(texts: Mapping[str, str], user: User, *, batch: int = 500) -> None:
    from django.db import transaction

    from inference.search.indexing import store
    from inference.search.models import Kind
    from inference.search.sources import Part

    parts = [Part(Kind.CALL, uuid5(NAMESPACE, key), "question", text, user.pk) for key, text in texts.items()]
    for start in range(0, len(parts), batch):
        with transaction.atomic():
            store(parts[start : start + batch])


def quality(given: LabelledSet, user: User) -> Quality:
    from inference.search import statistics

    empty()
    index(given.documents, user)
    statistics.count()
    keys = {uuid5(NAMESPACE, key): key for key in given.documents}
    recall: dict[str, list[float]] = {way: [] for way in WAYS}
    mrr: dict[str, list[float]] = {way: [] for way in WAYS}
    for text, wanted in given.queries:
        for way, found in rankings(text, user).items():
            names = [keys[pk] for pk in found[:TOP]]
            hits = [place for place, name in enumerate(names, start=1) if name in wanted]
            recall[way].append(len(hits) / min(len(wanted), TOP))
            mrr[way].append(1 / hits[0] if hits else 0)
    average = {way: mean(values) for way, values in recall.items()}, {way: mean(values) for way, values in mrr.items()}
    return Quality(given.name, len(given.documents), len(given.queries), *average)


def rankings(text: str, user: User) -> dict[str, list[UUID]]:
    from inference.search import query_text, searching
    from inference.search.ranking import fused
    from inference.search.scopes import Filters, places_in

    query = query_text.read(text)
    asked, _ = searching.asked_for(query, user, provider=False)
    found = searching.rankings_of(places_in(user, Filters()), query, asked, 5 * TOP, prefix=False)
    each = {name: list(dict.fromkeys(one.object_id for one in ranking)) for name, ranking in found.items()}
    return {**each, "hybrid": fused(each, searching.WEIGHTS)}


def many_texts(folder: Path, count: int) -> Iterator[str]:
    """Different ones; where the questions of the evals are used up, they come again with a number."""
    questions = list({text[:_LONGEST]: None for each in questions_by_task(folder).values() for text in each})
    for number in range(count):
        text = questions[number % len(questions)]
        yield text if number < len(questions) else f"{text} ({number // len(questions)})"


def fill(folder: Path, stored: int, size: int, users: Sequence[User]) -> float:
    """Texts in a second. The first user has half of all, the last 2,000."""
    texts = list(many_texts(folder, size))[stored:]
    began = time.perf_counter()
    few = 2000 if not stored else 0
    index({f"{stored + number}": text for number, text in enumerate(texts[:few])}, users[-1])
    half = few + (len(texts) - few) // 2
    for user, start, end in ((users[0], few, half), (users[1], half, len(texts))):
        index({f"{stored + number}": texts[number] for number in range(start, end)}, user)
    return len(texts) / (time.perf_counter() - began)


def speeds(folder: Path, users: Sequence[User], size: int) -> Iterator[Speed]:
    from inference.search import vectors
    from inference.search.embedders.local import local_embedder
    from inference.search.retrieval import by_meaning, by_words, weights_of
    from inference.search.scopes import Filters, places_in

    asked = [text for each in questions_by_task(folder).values() for text in each[:1]][:ROUNDS]
    embedded = local_embedder().embed([text[:400] for text in asked])
    row = vectors.local_row()
    for name, user in (("half of all", users[0]), ("2,000", users[-1])):
        places = places_in(user, Filters())
        times, recalls = [], []
        for vector in embedded:
            milliseconds, found = timed(lambda: by_meaning(places, vector, row, limit=TOP))  # noqa: B023
            exact = exactly(places, vector, row)
            times.append(milliseconds)
            recalls.append(sum(one.score >= exact[-1] - 1e-6 for one in found) / len(exact))
        yield Speed(size, f"meaning, {name}", median(times), percentile(times), mean(recalls))
        times = []
        for text in asked:
            from inference.search import query_text

            terms = query_text.read(text[:80]).terms
            weights = weights_of(terms)
            times.append(timed(lambda: by_words(places, terms, limit=TOP, weights=weights))[0])  # noqa: B023
        yield Speed(size, f"words, {name}", median(times), percentile(times), 1.0)


def exactly(places: Any, vector: Any, row: Any) -> list[float]:
    """How near the nearest are, compared one by one: of texts that are as near, any will do."""
    from inference.search.retrieval import EXACT, nearest_places

    return [one.score for one in nearest_places(places, vector, row, limit=TOP, way=EXACT)]


def timed(ask: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds in the database."""
    from django.db import connection

    times: list[float] = []

    def measure(execute: Callable[..., Any], *call: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*call)
        finally:
            times.append(time.perf_counter() - began)

    with connection.execute_wrapper(measure):
        found = ask()
    return 1000 * sum(times), found


def percentile(values: Sequence[float], share: float = 0.95) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def embedded_per_second(folder: Path) -> float:
    """In one thread, by the time of the processor."""
    from inference.search.embedders.local import local_embedder

    texts = list(many_texts(folder, 20_000))
    local_embedder().embed(texts[:100])
    began = time.process_time()
    for start in range(0, len(texts), 500):
        local_embedder().embed(texts[start : start + 500])
    return len(texts) / (time.process_time() - began)


def topics(given: LabelledSet) -> dict[str, Any]:
    """Groups of the documents of a set beside the labels that they have, and beside k-means with their number."""
    import numpy as np

    from bench.grouping import k_means, nmi, purity
    from inference.search.embedders.local import local_embedder
    from inference.search.topics.clustering import clustered

    vectors = local_embedder().embed([given.documents[key] for key, _ in given.labels])
    truth = np.unique([label for _, label in given.labels], return_inverse=True)[1]
    found, centers = clustered(vectors)
    other = k_means(vectors, int(truth.max()) + 1)
    return {
        "documents": len(truth),
        "tasks": int(truth.max()) + 1,
        "groups": len(centers),
        "purity": purity(found, truth),
        "nmi": nmi(found, truth),
        "k-means purity": purity(other, truth),
        "k-means nmi": nmi(other, truth),
    }


def sizes() -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relname ~ '^search_(hnsw|indexedtext$|embedding$|place$)'"
        )
        return dict(cursor.fetchall())


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from accounts.models import User
    from inference.search import statistics, vectors

    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    users = [User.objects.create_user(f"user{number}@example.org") for number in range(3)]
    report: dict[str, Any] = {"cores": os.cpu_count(), "quality": [], "speed": [], "indexed per second": {}}
    report["embedded per second"] = embedded_per_second(folder)
    for given in labelled_sets(folder):
        report["quality"].append(asdict(quality(given, users[0])))
        if given.labels:
            report["topics"] = topics(given)
    empty()
    stored = 0
    for size in [*arguments.sizes, *([FULL] if arguments.full else [])]:
        report["indexed per second"][size] = fill(folder, stored, size, users)
        stored = size
        statistics.count()
        began = time.perf_counter()
        vectors.build_missing_indexes()
        print(f"{size:,} texts, index built in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        analyze()
        report["speed"] += [asdict(row) for row in speeds(folder, users, size)]
        report["sizes"] = sizes()
    return report


def analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE search_place, search_embedding, search_indexedtext")


def show(report: Mapping[str, Any]) -> None:
    print(f"{report['cores']} cores; embedding {report['embedded per second']:,.0f} texts/s of one core\n")
    print(f"{'set':24}{'documents':>10}{'queries':>9}" + "".join(f"{way:>18}" for way in WAYS))
    for row in report["quality"]:
        shown = "".join(f"{row['recall'][way]:>10.3f} {row['mrr'][way]:>7.3f}" for way in WAYS)
        print(f"{row['name']:24}{row['documents']:>10,}{row['queries']:>9,}{shown}")
    print("\nrecall@10 and MRR of each\n")
    for row in report["speed"]:
        print(
            f"{row['vectors']:>9,} {row['scope']:24} p50 {row['p50']:6.1f} ms, p95 {row['p95']:6.1f} ms,",
            f"recall {row['recall']:.3f}",
        )
    print("\n" + json.dumps({key: report.get(key) for key in ("indexed per second", "sizes", "topics")}, indent=2))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--full", action="store_true", help=f"measure {FULL:,} vectors as well")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="how many vectors")
    parser.add_argument("--folder", default=f"{gettempdir()}/aistrale-bench-sets", help="where downloads are kept")
    arguments = parser.parse_args()
    with database():
        report = measure(arguments)
    if arguments.json:
        json.dump(report, sys.stdout, indent=2)
        print()
    else:
        show(report)


if __name__ == "__main__":
    main()
