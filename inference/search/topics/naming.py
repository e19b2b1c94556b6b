"""Names of groups of texts: the words that are frequent in one and rare in the others (class-based TF-IDF). Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from inference.search.analysis import STOP_WORDS, terms_of

WORDS = 4


def names_of(groups: Sequence[Iterable[str]]) -> list[list[str]]:
    """For each group its words, the most telling first, as they are written most often.

    Of words that tell as much, those that come first in the texts.
    """
    counts: list[Counter[str]] = []
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for texts in groups:
        counts.append(Counter())
        for text in texts:
            # A word counts once for each text: one that repeats it names nothing.
            seen = {term.text: text[term.start : term.end].lower() for term in terms_of(text) if _tells(term.text)}
            counts[-1].update(seen.keys())
            for term, word in seen.items():
                written[term][word] += 1
    return [[written[term].most_common(1)[0][0] for term in terms] for terms in _telling(counts)]


def _tells(term: str) -> bool:
    return len(term) > 1 and term not in STOP_WORDS and not term.isdigit()


def _telling(counts: Sequence[Counter[str]]) -> Iterable[list[str]]:
    total = Counter[str]()
    for each in counts:
        total.update(each)
    mean = sum(total.values()) / max(len(counts), 1)
    for each in counts:
        words = sum(each.values()) or 1
        weight = {term: count / words * math.log(1 + mean / total[term]) for term, count in each.items()}
        yield sorted(weight, key=lambda term: -weight[term])[:WORDS]
