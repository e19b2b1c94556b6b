"""Images and files on the wire, in the form of each provider."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from accounts.providers import PROVIDERS
from inference.attachments.abilities import Abilities, abilities_of, problem_with
from inference.providers.base import Attachment, ChatMessage, ChatRequest
from inference.providers.model_lists import read_models
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import PATIENT, collect, text

IMAGE, PDF = b"\xff\xfe image", b"%PDF-1.7 \xff"
IMAGE_64, PDF_64 = b64encode(IMAGE).decode(), b64encode(PDF).decode()
CHAT = ["openai", "groq", "huggingface", "mistral"]
MB = 1024 * 1024


def attachment(name: str, media_type: str, content: bytes) -> Attachment:
    return Attachment(sha256(content).hexdigest(), name, media_type, content)


PICTURE = attachment("cat.png", "image/png", IMAGE)
PAPER = attachment("paper.pdf", "application/pdf", PDF)
NOTES = attachment("notes.md", "text/plain", "Größe".encode())


async def sent(fake: FakeProvider, provider: str, *files: Attachment, said: str = "What is it?") -> Any:
    request = ChatRequest("fake-small", (ChatMessage("user", said, files),), timeouts=PATIENT)
    await collect(provider, request, fake.base_url(provider))
    body = fake.last("fake-small").body
    return body["contents"][0]["parts"] if provider == "gemini" else body["messages"][0]["content"]


@pytest.mark.parametrize("provider", CHAT)
async def test_an_image_goes_as_a_data_url(fake: FakeProvider, provider: str) -> None:
    assert await sent(fake, provider, PICTURE) == [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE_64}"}},
        {"type": "text", "text": "What is it?"},
    ]


async def test_openai_gets_a_pdf_as_a_file(fake: FakeProvider) -> None:
    part, _ = await sent(fake, "openai", PAPER)
    file = {"filename": "paper.pdf", "file_data": f"data:application/pdf;base64,{PDF_64}"}
    assert part == {"type": "file", "file": file}


async def test_mistral_gets_a_pdf_as_a_document_with_a_url(fake: FakeProvider) -> None:
    part, _ = await sent(fake, "mistral", PAPER)
    url = f"data:application/pdf;base64,{PDF_64}"
    assert part == {"type": "document_url", "document_url": url, "document_name": "paper.pdf"}


@pytest.mark.parametrize("provider", CHAT)
async def test_text_alone_stays_a_plain_text(fake: FakeProvider, provider: str) -> None:
    assert await sent(fake, provider, NOTES) == "File “notes.md”:\n\nGröße\n\nWhat is it?"


async def test_anthropic_gets_blocks(fake: FakeProvider) -> None:
    text_source = {"type": "text", "media_type": "text/plain", "data": "Größe"}
    assert await sent(fake, "anthropic", PICTURE, PAPER, NOTES) == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE_64}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF_64},
            "title": "paper.pdf",
        },
        {"type": "document", "source": text_source, "title": "notes.md"},
        {"type": "text", "text": "What is it?"},
    ]


async def test_gemini_gets_inline_data(fake: FakeProvider) -> None:
    parts = await sent(fake, "gemini", PICTURE, PAPER, NOTES)
    assert [part.get("inlineData", {}).get("mime_type") for part in parts] == [
        "image/png",
        "application/pdf",
        None,
        None,
    ]
    assert parts[0]["inlineData"]["data"].replace("-", "+").replace("_", "/") == IMAGE_64
    assert parts[2:] == [{"text": "File “notes.md”:\n\nGröße"}, {"text": "What is it?"}]


@pytest.mark.parametrize("provider", [*CHAT, "anthropic", "gemini"])
async def test_an_image_without_a_word_brings_no_empty_text(fake: FakeProvider, provider: str) -> None:
    parts = await sent(fake, provider, PICTURE, said="")
    assert len(parts) == 1
    assert "text" not in parts[0]


async def test_the_sandbox_says_what_it_got() -> None:
    request = ChatRequest("echo", (ChatMessage("user", "Look", (PICTURE,)),), parameters={"delay_ms": 0})
    assert "`cat.png`, image/png, 8 bytes" in text(await collect("echo", request, None))


@pytest.mark.parametrize(
    ("provider", "model", "images", "pdfs"),
    [
        ("openai", "gpt-4o-mini", True, True),
        ("openai", "gpt-5.1", True, True),
        ("openai", "gpt-3.5-turbo", False, False),
        ("openai", "gpt-4-0613", False, False),
        ("openai", "gpt-4", False, False),
        ("openai", "gpt-4.1", True, True),
        ("openai", "o3-mini", False, False),
        ("openai", "something-new", None, None),
        ("anthropic", "claude-sonnet-4-6", True, True),
        ("anthropic", "claude-2.1", False, False),
        ("gemini", "gemini-2.5-flash", True, True),
        ("gemini", "models/gemini-2.5-flash", True, True),
        ("groq", "llama-3.3-70b-versatile", False, False),
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct", True, False),
        ("groq", "new/model", None, False),
        ("huggingface", "Qwen/Qwen2.5-VL-7B-Instruct", True, False),
        ("huggingface", "deepseek-ai/DeepSeek-R1", None, False),
        ("mistral", "pixtral-large-latest", True, None),
        ("mistral", "codestral-latest", False, False),
        ("echo", "echo", True, True),
    ],
)
def test_it_knows_what_models_see(provider: str, model: str, images: bool | None, pdfs: bool | None) -> None:
    assert abilities_of(provider, model) == Abilities(images, pdfs)


def test_a_name_says_nothing_on_a_server_of_ones_own() -> None:
    assert abilities_of("openai", "gpt-3.5-turbo", base_url="http://gpu:8000/v1") == Abilities()


def test_the_list_of_models_knows_better() -> None:
    assert abilities_of("huggingface", "m", listed=["text"]).images is False
    assert abilities_of("openai", "m", base_url="http://gpu/v1", listed=["text", "image"]).images is True


@pytest.mark.parametrize(
    ("entry", "inputs"),
    [
        ({"architecture": {"input_modalities": ["text", "image"]}}, {"text", "image"}),
        ({"capabilities": {"completion_chat": True, "vision": False}}, {"text"}),
        (
            {"capabilities": {"image_input": {"supported": True}, "pdf_input": {"supported": True}}},
            {"text", "image", "file"},
        ),
        ({"capabilities": ["vision"], "architecture": "llama"}, None),
        ({}, None),
    ],
)
def test_it_reads_inputs_from_lists(entry: dict[str, Any], inputs: set[str] | None) -> None:
    (model,) = read_models(json.dumps({"data": [{"id": "m", **entry}]}).encode())
    assert model.inputs == inputs


@pytest.mark.parametrize(
    ("provider", "files", "problem"),
    [
        ("groq", [("image/png", MB)] * 6, "Groq takes 5 images in one request; this conversation has 6."),
        ("groq", [("image/png", 2 * MB)] * 2, "Groq takes 3 MB of files in one request; this conversation has 4.0 MB."),
        ("openai", [("image/png", 2 * MB)] * 2, ""),
        ("openai", [("text/plain", 1)], ""),
    ],
)
def test_it_names_limits_of_requests_before_they_are_sent(
    provider: str, files: list[tuple[str, int]], problem: str
) -> None:
    assert problem_with(files, Abilities(), provider=provider, model="m") == problem


def test_it_names_what_a_model_cannot_read() -> None:
    message = problem_with([("image/png", 1)], Abilities(False, False), provider="openai", model="gpt-3.5-turbo")
    assert message == "gpt-3.5-turbo cannot read images. Pick a model that can, or start without them."


def test_text_is_for_every_model() -> None:
    for provider in PROVIDERS:
        assert problem_with([("text/plain", 9)], Abilities(False, False), provider=provider, model="m") == ""
