"""Langfuse's own clients, as they are published, against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import reduce
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from langfuse import Langfuse
from langfuse.api import CreateTextPromptRequest, NotFoundError, UnauthorizedError
from langfuse.api.core.api_error import ApiError
from langfuse.model import ChatMessageDict

from aistrale.tests.end_to_end.browser import ADMIN, Site, log_in_by_http

# The exact release, so that a newer one does not change what is tested.
NPM_PACKAGES = ("@langfuse/client@5.11.1", "@opentelemetry/api@1.9.0")
NPM_SECONDS = 180


@pytest.fixture(scope="module")
def keys(site: Site) -> dict[str, str]:
    arguments = ("--user", ADMIN, "--name", "clients", "--scope", "prompts:read", "--scope", "prompts:write", "--json")
    printed: dict[str, str] = json.loads(site.manage("create_api_key", *arguments))
    return printed


@pytest.fixture
def langfuse(site: Site, keys: dict[str, str]) -> Iterator[Langfuse]:
    client = Langfuse(
        public_key=keys["public_key"], secret_key=keys["secret_key"], base_url=site.url, tracing_enabled=False
    )
    client.clear_prompt_cache()
    yield client
    client.shutdown()


@pytest.fixture
def name() -> str:
    return f"clients/{uuid4().hex}"


def test_it_accepts_the_keys(langfuse: Langfuse) -> None:
    assert langfuse.auth_check()


def test_it_refuses_others(site: Site) -> None:
    stranger = Langfuse(public_key="ais_000000000000", secret_key="x", base_url=site.url, tracing_enabled=False)
    with pytest.raises(UnauthorizedError):
        stranger.auth_check()


def test_it_creates_and_gets_a_text(langfuse: Langfuse, name: str) -> None:
    made = langfuse.create_prompt(
        name=name, prompt="Hi {{who}}", labels=["production"], tags=["mail"], config={"a": 1}, commit_message="First"
    )
    assert (made.version, made.compile(who="Ada")) == (1, "Hi Ada")
    found = langfuse.get_prompt(name)
    assert (found.prompt, found.config, found.tags) == ("Hi {{who}}", {"a": 1}, ["mail"])
    assert (sorted(found.labels), found.commit_message) == (["latest", "production"], "First")


def test_it_fills_placeholders(langfuse: Langfuse, name: str) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Be kind to {{who}}."},
        {"type": "placeholder", "name": "history"},
    ]
    langfuse.create_prompt(name=name, type="chat", prompt=messages, labels=["production"])
    prompt = langfuse.get_prompt(name, type="chat")
    history = [ChatMessageDict(role="user", content="Hello")]
    assert prompt.compile(who="Ada", history=history) == [
        {"role": "system", "content": "Be kind to Ada."},
        {"role": "user", "content": "Hello"},
    ]


def test_it_reads_by_number_and_label(langfuse: Langfuse, name: str) -> None:
    for text, labels in (("One", ["production"]), ("Two", ["staging"])):
        langfuse.create_prompt(name=name, prompt=text, labels=labels)
    assert langfuse.get_prompt(name).prompt == "One"
    assert langfuse.get_prompt(name, label="staging").prompt == "Two"
    assert langfuse.get_prompt(name, label="latest").prompt == "Two"
    assert langfuse.get_prompt(name, version=1).prompt == "One"


def test_it_adds_labels(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=name, prompt="One", labels=["production"])
    updated = langfuse.update_prompt(name=name, version=1, new_labels=["john", "doe"])
    assert sorted(updated.labels) == ["doe", "john", "latest", "production"]
    assert langfuse.get_prompt(name, label="john").version == 1


def test_it_puts_in_what_a_prompt_includes(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=f"{name}/tone", prompt="Be brief.", labels=["production"])
    include = f"@@@langfusePrompt:name={name}/tone|label=production@@@"
    langfuse.create_prompt(name=name, prompt=f"{include} Hi {{{{who}}}}", labels=["production"])
    assert langfuse.get_prompt(name).compile(who="Ada") == "Be brief. Hi Ada"


def test_it_is_told_what_is_missing(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=name, prompt="One")
    for wanted in ({"name": name}, {"name": name, "version": 5}, {"name": f"{name}/nothing", "label": "latest"}):
        with pytest.raises(NotFoundError):
            langfuse.get_prompt(**wanted, max_retries=0)
    assert langfuse.get_prompt(name, fallback="Fallback", max_retries=0).prompt == "Fallback"


def test_it_reads_from_its_cache(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=name, prompt="One", labels=["production"])
    first = langfuse.get_prompt(name)
    langfuse.api.prompts.create(request=_text(name, "Two"))
    assert langfuse.get_prompt(name) is first


def test_it_gives_the_old_version_while_it_reads_the_new_one(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=name, prompt="One", labels=["production"])
    langfuse.get_prompt(name, cache_ttl_seconds=1)
    langfuse.api.prompts.create(request=_text(name, "Two"))
    time.sleep(1.1)
    assert langfuse.get_prompt(name, cache_ttl_seconds=1).prompt == "One"
    deadline = time.monotonic() + 10
    while langfuse.get_prompt(name, cache_ttl_seconds=1).prompt != "Two":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_it_lists_and_deletes(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=name, prompt="One", tags=["list"])
    [row] = langfuse.api.prompts.list(name=name, tag="list").data
    assert (row.name, row.versions, row.labels) == (name, [1], ["latest"])
    langfuse.api.prompts.delete(name.replace("/", "%2F"))
    assert langfuse.api.prompts.list(name=name).data == []


def test_it_lists_by_label_and_time_in_pages(langfuse: Langfuse, name: str) -> None:
    for number in (1, 2):
        langfuse.create_prompt(name=f"{name}/{number}", prompt="One", labels=["production"], tags=[name[-20:]])
    listed = langfuse.api.prompts.list
    first, second = (listed(tag=name[-20:], label="production", limit=1, page=page) for page in (1, 2))
    assert [row.name for page in (first, second) for row in page.data] == [f"{name}/1", f"{name}/2"]
    assert (first.meta.total_items, first.meta.total_pages) == (2, 2)
    assert listed(tag=name[-20:], label="nothing").data == []
    changed = first.data[0].last_updated_at
    assert len(listed(tag=name[-20:], from_updated_at=changed).data) == 2
    assert listed(tag=name[-20:], to_updated_at=changed).data == []


def test_it_reads_what_stands_there_without_includes(langfuse: Langfuse, name: str) -> None:
    langfuse.create_prompt(name=f"{name}/tone", prompt="Be brief.", labels=["production"])
    include = f"@@@langfusePrompt:name={name}/tone|label=production@@@"
    langfuse.create_prompt(name=name, prompt=include, labels=["production"])
    get = langfuse.api.prompts.get
    assert (get(name, resolve=False).prompt, get(name, resolve=False).resolution_graph) == (include, None)
    resolved = get(name.replace("/", "%2F"), label="production", resolve=True)
    assert resolved.prompt == "Be brief."
    assert resolved.resolution_graph and resolved.resolution_graph["dependencies"] == {
        name: [{"name": f"{name}/tone", "version": 1}]
    }


def test_it_labels_and_deletes_versions(langfuse: Langfuse, name: str) -> None:
    for text in ("One", "Two"):
        langfuse.create_prompt(name=name, prompt=text)
    labelled = langfuse.api.prompt_version.update(name, 1, new_labels=["staging"])
    assert (labelled.version, labelled.labels) == (1, ["staging"])
    langfuse.api.prompts.delete(name, version=2)
    assert langfuse.api.prompts.list(name=name).data[0].versions == [1]
    with pytest.raises(ApiError) as refused:
        langfuse.api.prompts.delete(name, label="staging")
    assert refused.value.status_code == 409


def test_nothing_where_langfuse_allows_it(langfuse: Langfuse, name: str) -> None:
    request = CreateTextPromptRequest(name=name, prompt="One", labels=None, config=None, tags=None)
    assert langfuse.api.prompts.create(request=request).version == 1


def test_it_asks_after_the_health(langfuse: Langfuse) -> None:
    assert langfuse.api.health.health().status == "OK"


def _text(name: str, prompt: str) -> Any:
    return CreateTextPromptRequest(name=name, prompt=prompt, labels=["production"], config={})


def test_litellm_gets_its_messages(site: Site, keys: dict[str, str], langfuse: Langfuse, name: str) -> None:
    """As its generic prompt manager asks for them."""
    langfuse.create_prompt(name=name, prompt="Hi {{who}}", labels=["production"])
    headers = {"Authorization": f"Bearer {keys['secret_key']}", "Accept": "application/json"}
    url = f"{site.url}/beta/litellm_prompt_management"
    answer = httpx2.get(url, params={"prompt_id": name}, headers=headers)
    assert answer.json()["prompt_template"] == [{"role": "system", "content": "Hi {who}"}]


def shown_programs(site: Site, keys: dict[str, str], name: str) -> dict[str, str]:
    """Those on the page of a prompt, by language, with keys in place of their placeholders."""
    with httpx2.Client(base_url=site.url, cookies=log_in_by_http(site.url, ADMIN)) as client:
        listed = client.get("/prompts/", params={"q": name}).text
        page = client.get(str(re.findall(r'href="(/prompts/[0-9a-f-]{36}/)"', listed)[0])).text
    found = re.findall(r'<pre[^>]* aria-label="(python|curl|javascript)">(.*?)</pre>', page, re.DOTALL)
    placeholders = (("ais_…", keys["public_key"]), ("ais_…", keys["secret_key"]))
    return {
        language: reduce(lambda text, pair: text.replace(*pair, 1), placeholders, unescape(text))
        for language, text in found
    }


@pytest.mark.parametrize("language", ["python", "curl", "javascript"])
def test_programs_run_as_they_are_shown(
    request: pytest.FixtureRequest, language: str, site: Site, keys: dict[str, str], langfuse: Langfuse, name: str
) -> None:
    langfuse.create_prompt(name=name, prompt="It's “{{who}}”", labels=["production"])
    program = shown_programs(site, keys, name)[language]
    command = {
        "python": [sys.executable, "-c", f"{program}print(compiled)"],
        "curl": ["sh", "-c", program.replace("curl", "curl --silent", 1)],
        "javascript": ["node", "--input-type=module", "-e", f"{program}console.log(compiled)"],
    }[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"There is nothing to run {language} with.")
    cwd = request.getfixturevalue("node_directory") if language == "javascript" else None
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert "It's “" in done.stdout, done.stderr


# The client for JavaScript

SCRIPT = """
import { LangfuseClient } from "@langfuse/client";

const { publicKey, secretKey, baseUrl, name } = JSON.parse(process.env.WANTED);
const client = new LangfuseClient({ publicKey, secretKey, baseUrl });
const said = {};
await client.prompt.create({ name, prompt: "Hi {{who}}", labels: ["production"], commitMessage: "First" });
const first = await client.prompt.get(name, { cacheTtlSeconds: 1 });
said.text = first.compile({ who: "Ada" });
await client.api.prompts.create({ type: "text", name, prompt: "Bye", labels: ["production"] });
said.cached = (await client.prompt.get(name, { cacheTtlSeconds: 1 })).prompt;
await new Promise((resolve) => setTimeout(resolve, 1100));
said.stale = (await client.prompt.get(name, { cacheTtlSeconds: 1 })).prompt;
await new Promise((resolve) => setTimeout(resolve, 2000));
said.fresh = (await client.prompt.get(name, { cacheTtlSeconds: 60 })).prompt;
said.labels = (await client.prompt.update({ name, version: 1, newLabels: ["staging"] })).labels;
said.staging = (await client.prompt.get(name, { label: "staging" })).version;
const messages = [{ role: "system", content: "{{who}}" }, { type: "placeholder", name: "history" }];
await client.prompt.create({ name: `${name}/chat`, type: "chat", prompt: messages, labels: ["production"] });
const chat = await client.prompt.get(`${name}/chat`, { type: "chat" });
said.chat = chat.compile({ who: "Ada" }, { history: [{ role: "user", content: "Hello" }] });
const include = `@@@langfusePrompt:name=${name}|version=1@@@`;
await client.prompt.create({ name: `${name}/including`, prompt: `${include}!`, labels: ["production"] });
said.including = (await client.prompt.get(`${name}/including`)).prompt;
const missing = client.prompt.get(name, { label: "nothing", maxRetries: 0 });
said.missing = await missing.catch((error) => error.statusCode);
await client.prompt.delete(`${name}/unused`).catch((error) => { said.deletingNothing = error.statusCode });
console.log(JSON.stringify(said));
"""


@pytest.fixture(scope="module")
def node_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the published packages in it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("There is no node with npm, so the client for JavaScript was not tried.")
    directory = tmp_path_factory.mktemp("node")
    (directory / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *NPM_PACKAGES]
    installed = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=NPM_SECONDS)
    if installed.returncode:
        pytest.skip(f"npm could not install {NPM_PACKAGES[0]}: {installed.stderr[-300:]}")
    return directory


def test_the_client_for_javascript_works_as_it_is(
    node_directory: Path, site: Site, keys: dict[str, str], name: str
) -> None:
    (node_directory / "journey.js").write_text(SCRIPT)
    wanted = {"publicKey": keys["public_key"], "secretKey": keys["secret_key"], "baseUrl": site.url, "name": name}
    environment = os.environ | {"WANTED": json.dumps(wanted)}
    result = subprocess.run(
        ["node", "journey.js"], cwd=node_directory, env=environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["text"], said["cached"], said["stale"], said["fresh"]) == ("Hi Ada", "Hi {{who}}", "Hi {{who}}", "Bye")
    assert (said["labels"], said["staging"]) == (["staging"], 1)
    assert said["chat"] == [{"role": "system", "content": "Ada"}, {"role": "user", "content": "Hello"}]
    assert said["including"] == "Hi {{who}}!"
    assert (said["missing"], said["deletingNothing"]) == (404, 404)
