"""Prompts as files: what is written reads back exactly, and what is wrong is refused with its place."""

from __future__ import annotations

import contextlib
import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prompts.drafts import ROLES, VARIABLE_TYPES, Draft, DraftRefused, Variable, check
from prompts.files import own_format, yaml_text
from prompts.files.document import MOST_BYTES, FileRefused, PromptFile, name_of, path_of
from prompts.files.own_format import FORMAT
from prompts.files.reading import MOST_UNPACKED_BYTES, SourceFile, decoded, read, unpacked
from prompts.storable import GREATEST_INTEGER, LEAST_INTEGER

SPECIAL = (
    "---", "--- ", "---\n", "\r\n", "\r", "\n", "a\r\nb", " a", "a ", "a \nb", "\ta", "no", "on", "null", "~", "1:30",
    "1e3", "1_000", "0x1f", "01", "1.5", "-0", ".inf", "2026-11-30", "&a", "*a", "!a", "# a", "a: b", "- a", "{a}",
    "[a]", "| a", "> a", "%a", "@a", "`a`", "'", '"', "<<", "=", "\ufeff", "\x85", "\u2028", "\x1b", "\U0001f600", "…",
    "\ufeff---\nname: x\n---\n", "...\n", "a\n\n\n", "\n\na", "  a\n b\n", "{{x}}",
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
INTEGERS = st.integers(LEAST_INTEGER, GREATEST_INTEGER)
TEXTS = st.one_of(st.sampled_from(SPECIAL), st.lists(st.one_of(st.sampled_from(SPECIAL), LETTERS)).map("".join))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(TEXTS, JSON, max_size=3)
MESSAGES = st.one_of(
    st.fixed_dictionaries({"type": st.just("placeholder"), "name": TEXTS}),
    st.builds(
        lambda role, content, more: {**more, "type": "chatmessage", "role": role, "content": content},
        st.sampled_from(ROLES), TEXTS, MAPPINGS,
    ),
)  # fmt: skip
VARIABLES = st.builds(
    Variable, TEXTS, st.sampled_from(VARIABLE_TYPES), TEXTS, TEXTS, st.lists(TEXTS, max_size=2).map(tuple)
)
DRAFTS = st.builds(
    Draft,
    st.one_of(TEXTS, st.lists(MESSAGES, min_size=1, max_size=3)),
    st.lists(VARIABLES, max_size=2).map(tuple),
    st.lists(MAPPINGS, max_size=2).map(tuple),
    st.one_of(st.none(), MAPPINGS),
    MAPPINGS, TEXTS, TEXTS, MAPPINGS,
)  # fmt: skip
FILES = st.builds(
    PromptFile,
    st.just("support/triage"),
    DRAFTS,
    st.one_of(st.none(), TEXTS),
    st.one_of(st.none(), st.lists(TEXTS, min_size=1, max_size=2).map(tuple)),
    st.one_of(st.none(), st.integers(1, 2**31 - 1)),
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
)


@settings(max_examples=60)
@given(FILES)
@example(PromptFile("a", Draft("---\r\ntext\r\n---\r\n")))
@example(PromptFile("a", Draft("", response_schema={})))
@example(PromptFile("a", Draft("\x85"), message="\x85"))
def test_what_is_written_reads_back_exactly(file: PromptFile) -> None:
    texts = {"x.md": own_format.as_markdown(file), "x.json": own_format.as_json(file)}
    for path, text in texts.items():
        assert read(decoded(path, text.encode())) == [file]


@settings(max_examples=20)
@given(st.lists(FILES, min_size=1, max_size=3))
def test_lists_read_back_exactly(files: list[PromptFile]) -> None:
    assert read(decoded("all.json", own_format.as_json_list(files).encode())) == files


NAMES = (
    "support/triage", "..", "../../etc/passwd", ".", ".git/config", "a.md", "a.md/b", "a.json/b.md", "a/.b/c", "über/ß",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_paths_stay_in_their_directory_and_name_the_prompt(name: str) -> None:
    path = path_of(name)
    assert name_of(path) == name and not any(part.startswith(".") for part in path.split("/"))


def test_the_files_of_two_prompts_never_clash() -> None:
    paths = {path_of(name) for name in NAMES}
    assert len(paths) == len(NAMES) and not paths & {folder for path in paths for folder in _folders(path)}


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def test_a_file_is_pleasant_to_read() -> None:
    body = [
        {"type": "chatmessage", "role": "system", "content": "Sort.\nBe brief.\n"},
        {"type": "placeholder", "name": "h"},
    ]
    file = PromptFile("support/triage", Draft(body, (Variable("a", sample="1"),)), "Sorts", ("mail",), 3, "Shorter")
    assert own_format.as_markdown(file) == (
        "---\nname: support/triage\ntype: chat\ndescription: Sorts\ntags:\n- mail\nversion: 3\nmessage: Shorter\n"
        'variables:\n- name: a\n  sample: "1"\nmessages:\n- role: system\n  content: |\n    Sort.\n    Be brief.\n'
        "- type: placeholder\n  name: h\n---\n"
    )
    assert own_format.as_markdown(PromptFile("a", Draft("Hi"))) == "---\nname: a\ntype: text\n---\nHi\n"


def test_a_file_written_by_hand_needs_little() -> None:
    [file] = read(SourceFile("support/hi.md", "---\ntags: [a, b]\nconfig: {date: 2026-11-30, on: no}\n---\nHi"))
    assert (file.name, file.draft) == ("support/hi", Draft("Hi", config={"date": "2026-11-30", "on": "no"}))
    assert (file.tags, file.description) == (("a", "b"), None)


def test_a_file_that_windows_has_converted_reads_as_before() -> None:
    text = own_format.as_markdown(PromptFile("a", Draft("One\nTwo\n"))).replace("\n", "\r\n")
    assert read(decoded("a.md", f"\ufeff{text}".encode()))[0].draft == Draft("One\nTwo\n")


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nconfig: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hi", "a.md, line 1: A file begins with a line"),
        ("---\nname: a\n", "The line “---” that ends the fields is missing"),
        (f"---\n{LAUGHS}---\nHi", "a.md, line 2: Anchors and aliases"),
        ("---\nconfig:\n  a: *b\n---\nHi", "a.md, line 3: Anchors and aliases"),
        ("---\nname: !!python/object/apply:os.system [id]\n---\nHi", "a.md, line 2: Tags (!) are not allowed"),
        ("---\nname: a\nname: b\n---\nHi", "a.md, line 3, name: This key stands here twice"),
        ("---\nconfig:\n  a: 1\n  a: 2\n---\nHi", "a.md, line 4, a: This key stands here twice"),
        ("---\nname: a\n? [b]\n: c\n---\nHi", "a.md, line 3: A key must be text"),
        ("---\nname: [\n---\nHi", "This is not YAML"),
        ("---\nname: a\n\tb: c\n---\nHi", "a.md, line 3: This is not YAML"),
        ("---\nname: \x07\n---\nHi", "This is not YAML"),
        ("---\n" + "config: " + "[" * 100_000 + "\n---\nHi", "nested more than 64 levels deep"),
        ("---\n- a\n---\nHi", "Write fields as"),
        ("---\nlables: [a]\n---\nHi", "a.md, line 2, lables: There is no such field"),
        ("---\ntags: a\n---\nHi", "a.md, line 2, tags: This must be a list"),
        ("---\nname: a\nversion: yes\n---\nHi", "a.md, line 3, version: This must be a whole number"),
        ("---\nname: a\nversion: true\n---\nHi", "a.md, line 3, version: This must be a whole number"),
        ("---\nversion: 0\n---\nHi", "A version is a number from 1 on"),
        ("---\ntype: poem\n---\nHi", "line 2, type: The type must be text or chat"),
        ("---\nmessages:\n- role: user\n---\n", "messages[1].content: This must be text"),
        ("---\nmessages:\n- 1\n---\n", "messages[1]: This must be a mapping"),
        ("---\nmessages:\n- role: user\n  content: a\n---\nHi", "a.md, line 6: A chat prompt has its messages"),
        ("---\ntext: a\n---\nHi", "line 2, text: Write the text after the fields"),
        ("---\nvariables: [{name: a, kind: b}]\n---\nHi", "variables[1].kind: There is no such field"),
        ("---\nconfig: {a: 1" + "0" * 5000 + "}\n---\nHi", "A number is too large"),
        ("---\nconfig: {a: 1e999}\n---\nHi", "A number is too large"),
        ("---\nname: \"a\\0\"\n---\nHi", "has a character that cannot be stored"),
    ],
)  # fmt: skip
def test_it_says_where_a_file_is_wrong(text: str, told: str) -> None:
    with pytest.raises(FileRefused) as error:
        read(SourceFile("a.md", text))
    assert told in str(error.value) and str(error.value).startswith("a.md")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "a.json, line 1: This is not JSON"),
        ('{"format": "aistrale-prompt-1",\n "name": "a", "name": "b"}', "name: This key stands here twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"name": "a", "text": "b", "config": {"a": NaN}}', "NaN is not a number"),
        ('{"name": "a", "text": "b", "config": {"a": 1e999}}', "too large, or is none"),
        ('{"name": "a", "text": "b", "config": {"a": 1' + "0" * 5000 + "}}", "A number is too large"),
        ('{"name": "a", "text": "b", "config": ' + '{"a":' * 70 + "1" + "}" * 70 + "}", "nested more than 64"),
        ('{"name": "a", "text": "\\ud800"}', "cannot be stored"),
        ("[]", "There are no prompts in it"),
        ("1", "This must be a mapping"),
        ('{"name": "a"}', "Not a prompt of AISTRALE, Langfuse or OpenAI"),
        ('{"data": [{"name": "a", "versions": [1], "labels": []}]}', "names prompts without their text"),
        ('[{"name": "a", "prompt": "b"}, {"name": "c", "prompt": 1}]', "[2].prompt: This must be text or a list"),
        ('{"prompt": {"id": "pmpt_1", "version": "2"}, "model": "m"}', "refers to a prompt, but has no text"),
        ('{"text": "no name", "format": "aistrale-prompt-1", "name": ""}', "The prompt has no name"),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong_with_json(text: str, told: str) -> None:
    with pytest.raises(FileRefused) as error:
        read(SourceFile("a.json", text))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("path", "data", "told"),
    [
        ("a.md", b"x" * (MOST_BYTES + 1), "at most 1,000,000 bytes"),
        ("a.md", b"---\nname: \xff\n---\n", "not text in UTF-8"),
    ],
)
def test_it_refuses_files_that_are_too_large_or_no_text(path: str, data: bytes, told: str) -> None:
    with pytest.raises(FileRefused, match=told):
        decoded(path, data)


def test_it_refuses_other_kinds_of_files() -> None:
    with pytest.raises(FileRefused, match="Only .md and .json"):
        read(SourceFile("a.yaml", "name: a"))


def test_archives_are_read_no_further_than_a_file_may_be_long() -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("support/a.md", "Hi")
        writer.writestr("bomb.md", b"\0" * 50_000_000)
    files = dict(unpacked("all.zip", archive.getvalue()))
    assert files["support/a.md"] == b"Hi" and len(files["bomb.md"]) == MOST_BYTES + 1


def test_archives_are_read_no_further_than_they_may_be_long_together() -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for number in range(MOST_UNPACKED_BYTES // MOST_BYTES + 1):
            writer.writestr(f"{number}.md", b"\0" * MOST_BYTES)
    with pytest.raises(FileRefused, match=r"all.zip: .* at most 20,000,000 bytes"):
        unpacked("all.zip", archive.getvalue())


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_is_damaged_anywhere_is_no_error_of_ours(packing: int) -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", packing) as writer:
        writer.writestr("a.md", "Sort this mail, and then sort it again.")
    for place in range(len(archive.getvalue())):
        damaged = bytearray(archive.getvalue())
        damaged[place] ^= 0xFF
        with contextlib.suppress(FileRefused):
            unpacked("all.zip", bytes(damaged))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nothing", b"x" * 100])
def test_it_refuses_archives_that_it_cannot_read(data: bytes) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        unpacked("all.zip", data)


FIELDS = (
    *("format", "name", "type", "prompt", "text", "messages", "input", "instructions", "versions", "config", "labels"),
    *("tags", "variables", "tools", "response_schema", "response_format", "parameters", "version", "id", "role"),
    *("content", "schema", "json_schema", "function", "commitMessage", "description", "message", "reasoning"),
)
# With some that mean something, or all would be refused at once.
SOME_JSON = st.recursive(
    st.one_of(st.sampled_from(("chat", "text", "user", "placeholder", FORMAT)), st.none(), st.booleans(), INTEGERS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)),
    max_leaves=12,
)


@given(SOME_JSON)
@example({"id": "x", "instructions": "Hi", "text": {"format": 7}})
@example({"id": "x", "instructions": "Hi", "response_format": {"json_schema": 7}})
def test_no_json_is_an_error_of_ours(values: Any) -> None:
    with contextlib.suppress(FileRefused):
        for file in read(SourceFile("a.json", json.dumps(values))):
            with contextlib.suppress(DraftRefused):
                check(file.draft)


LANGFUSE = {
    "id": "x", "type": "chat", "name": "movie-critic", "version": 3, "config": {"model": "gpt-4o"},
    "prompt": [{"role": "system", "content": "You are a {{level}} critic"}, {"type": "placeholder", "name": "history"}],
    "labels": ["production", "latest"], "tags": ["film"], "commitMessage": "Shorter",
    "createdAt": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("shape", [LANGFUSE, [LANGFUSE], {"data": [LANGFUSE], "meta": {"page": 1}}])
def test_it_reads_what_langfuse_gives(shape: Any) -> None:
    [file] = read(SourceFile("a.json", json.dumps(shape)))
    body = [
        {"type": "chatmessage", "role": "system", "content": "You are a {{level}} critic"},
        {"type": "placeholder", "name": "history"},
    ]
    expected = PromptFile(
        "movie-critic", Draft(body, config={"model": "gpt-4o"}), None, ("film",), 3, "Shorter", ("production",)
    )
    assert file == expected and file.notes == ()


def test_it_reads_langfuse_texts_and_says_what_it_did_not_understand() -> None:
    sent = {"name": "a", "prompt": "Hi", "config": [1], "folder": "x"}
    [file] = read(SourceFile("a.json", json.dumps(sent)))
    assert (file.draft, file.notes) == (Draft("Hi"), ("config, which is no mapping", "folder"))


OPENAI = {
    "id": "pmpt_123", "version": "2", "model": "gpt-4.1", "temperature": 0.3, "max_output_tokens": 500,
    "instructions": "You help {{customer_name}}.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "About {{issue}}"}, {"type": "input_image"}]},
        {"type": "item_reference", "id": "x"},
    ],
    "tools": [{"type": "function", "name": "page", "parameters": {"type": "object"}}, {"type": "web_search"}],
    "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}, "verbosity": "low"},
    "variables": {"customer_name": "Acme", "issue": {"type": "input_text", "text": "billing"}},
    "hue": 3, "object": "prompt",
}  # fmt: skip


def test_it_reads_prompt_objects_of_openai() -> None:
    [file] = read(SourceFile("a.json", json.dumps(OPENAI)))
    assert (file.name, file.version) == ("pmpt_123", 2)
    assert file.draft == Draft(
        body=[
            {"type": "chatmessage", "role": "system", "content": "You help {{customer_name}}."},
            {"type": "chatmessage", "role": "user", "content": "About {{issue}}"},
        ],
        variables=(Variable("customer_name", sample="Acme"), Variable("issue", sample="billing")),
        tools=({"type": "function", "function": {"name": "page", "parameters": {"type": "object"}}},),
        response_schema={"type": "object"},
        config={"tools": [{"type": "web_search"}], "text": {"verbosity": "low"}},
        provider="openai",
        model="gpt-4.1",
        parameters={"temperature": 0.3, "max_tokens": 500},
    )
    assert file.notes == (
        "input[1].content[2]", "input[2]", "tools (kept in the config)", "text (kept in the config)", "hue",
    )  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "greet", "messages": [{"role": "user", "content": "Hi"}], "variables": ["who", {"name": "x"}]},
        {"prompt": {"id": "greet"}, "instructions": [{"role": "user", "content": "Hi"}], "object": "response"},
        {"id": "greet", "input": "Hi", "variables": None, "text": {"format": {"type": "text"}}},
    ],
)
def test_it_reads_other_shapes_of_openai(sent: Any) -> None:
    [file] = read(SourceFile("a.json", json.dumps(sent)))
    assert (file.name, file.draft.texts, file.draft.config) == ("greet", ["Hi"], {})


@settings(max_examples=50)
@given(JSON)
def test_no_json_brings_it_down(values: Any) -> None:
    with contextlib.suppress(FileRefused):
        read(SourceFile("a.json", json.dumps(values)))


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["name", "prompt", "type", *OPENAI, *LANGFUSE, "messages", "text"]), JSON))
def test_no_prompt_from_elsewhere_brings_it_down(values: Any) -> None:
    with contextlib.suppress(FileRefused):
        read(SourceFile("a.json", json.dumps(values)))


@given(TEXTS)
def test_no_front_matter_brings_it_down(text: str) -> None:
    with contextlib.suppress(FileRefused):
        yaml_text.load(text)
