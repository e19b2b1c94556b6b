"""Messages with images and files, in the forms of OpenAI and Anthropic. Files come before what is said of them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from inference.providers.base import Attachment, ChatMessage

PDF = "application/pdf"


def is_text(file: Attachment) -> bool:
    return file.media_type.startswith("text/")


def as_text(file: Attachment) -> str:
    """A text file for whom has no part for files: every model takes it."""
    return f"File “{file.name}”:\n\n{file.content.decode()}"


def base64_of(file: Attachment) -> str:
    return b64encode(file.content).decode("ascii")


def chat_content(message: ChatMessage, *, documents_by_url: bool = False) -> str | list[dict[str, Any]]:
    """The content in OpenAI's chat completions: a plain text, as all servers take it, where nothing else is in it.

    ``documents_by_url``: PDFs are written as Mistral takes them.
    """
    if all(map(is_text, message.attachments)):
        return "\n\n".join([*map(as_text, message.attachments), *filter(None, [message.text])])
    files = [_chat_part(file, documents_by_url=documents_by_url) for file in message.attachments]
    return [*files, *_text_part(message)]


def _chat_part(file: Attachment, *, documents_by_url: bool) -> dict[str, Any]:
    if is_text(file):
        return {"type": "text", "text": as_text(file)}
    url = f"data:{file.media_type};base64,{base64_of(file)}"
    if file.media_type == PDF and documents_by_url:
        return {"type": "document_url", "document_url": url, "document_name": file.name}
    if file.media_type == PDF:
        return {"type": "file", "file": {"filename": file.name, "file_data": url}}
    return {"type": "image_url", "image_url": {"url": url}}


def anthropic_content(message: ChatMessage) -> str | list[dict[str, Any]]:
    if not message.attachments:
        return message.text
    return [*map(_anthropic_block, message.attachments), *_text_part(message)]


def _anthropic_block(file: Attachment) -> dict[str, Any]:
    if is_text(file):
        source = {"type": "text", "media_type": "text/plain", "data": file.content.decode()}
        return {"type": "document", "source": source, "title": file.name}
    source = {"type": "base64", "media_type": file.media_type, "data": base64_of(file)}
    if file.media_type == PDF:
        return {"type": "document", "source": source, "title": file.name}
    return {"type": "image", "source": source}


def _text_part(message: ChatMessage) -> list[dict[str, Any]]:
    """Nothing where nothing is said: Anthropic refuses a text that is empty."""
    return [{"type": "text", "text": message.text}] if message.text.strip() else []
