"""Which models take images and PDFs, and how much of them one request may carry.

By what the provider's list of models says, where it says so; else by the table below. None stands for a model of which
neither knows: it may be tried.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from accounts.providers import label_of

Kind = Literal["images", "PDFs"]
_KINDS: tuple[Kind, ...] = ("images", "PDFs")
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Abilities:
    images: bool | None = None
    pdfs: bool | None = None

    def takes(self, kind: Kind) -> bool | None:
        return self.images if kind == "images" else self.pdfs


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request. ``size``: bytes of all files, before base64 makes a third more of them."""

    size: int
    images: int | None = None


# To turn so much into base64 and JSON takes a process 0.1 s, in which the answers of others wait.
_ANY = Limits(20 * _MB)
# https://console.groq.com/docs/vision, https://ai.google.dev/gemini-api/docs/image-understanding,
# https://docs.mistral.ai/capabilities/vision (2026-11)
_LIMITS = {
    "groq": Limits(3 * _MB, 5),
    "gemini": Limits(14 * _MB),
    "mistral": Limits(10 * _MB, 8),
    "huggingface": Limits(10 * _MB),
}

_BOTH, _IMAGES, _NEITHER = Abilities(True, True), Abilities(True, False), Abilities(False, False)
_IMAGES_AT_LEAST = Abilities(True, None)
# The first pattern that the model's name begins with, by provider. PDFs go to providers whose API has a part for them.
_TABLE: dict[str, Sequence[tuple[str, Abilities]]] = {
    "openai": (
        (r"gpt-3\.5|gpt-4(-\d{4}|-32k|-1106|-0125)*(-preview)?$|gpt-oss|o1-(mini|preview)|o3-mini", _NEITHER),
        (r"(davinci|babbage|whisper|tts|text-embedding|omni-moderation|dall-e)", _NEITHER),
        (r"gpt-4-turbo|gpt-4-vision", _IMAGES_AT_LEAST),
        (r"gpt-4o|gpt-4\.\d|gpt-[5-9]|o1|o3|o4", _BOTH),
    ),
    "anthropic": (
        (r"claude-(2|instant)", _NEITHER),
        (r"claude-3-(opus|haiku|sonnet)", _IMAGES_AT_LEAST),
        (r"claude-", _BOTH),
    ),
    "gemini": ((r"gemini-", _BOTH), (r"gemma-3n?-", _IMAGES), (r"gemma-", _NEITHER)),
    "groq": (
        (r"meta-llama/llama-4", _IMAGES),
        (r"llama-?3|openai/gpt-oss|qwen/qwen3-32b|moonshotai/kimi-k2|gemma2|mixtral|deepseek", _NEITHER),
        (r"", Abilities(None, False)),
    ),
    "mistral": (
        (r"pixtral|mistral-(small|medium)", _IMAGES_AT_LEAST),
        (r"(open-)?(codestral|mixtral|mistral-(7b|nemo|tiny|embed))|devstral", _NEITHER),
    ),
    "huggingface": (
        (r".*(-vl\b|vision|llava|gemma-3|llama-4|pixtral)", _IMAGES),
        (r"", Abilities(None, False)),
    ),
    "echo": ((r"", _BOTH),),
}


def abilities_of(provider: str, model: str, *, base_url: str = "", listed: Collection[str] | None = None) -> Abilities:
    """``listed``: the kinds of input that the list of models names, None where it names none.

    Of servers at a base URL of their own only the list knows: a name may stand for anything there.
    """
    table = _from_table(provider, model) if not base_url else Abilities()
    if listed is None:
        return table
    # Lists seldom tell of PDFs, which many models get as text and pictures.
    return Abilities("image" in listed, True if "file" in listed else table.pdfs)


def _from_table(provider: str, model: str) -> Abilities:
    name = model.lower().removeprefix("models/")
    return next((found for pattern, found in _TABLE.get(provider, ()) if re.match(pattern, name)), Abilities())


def problem_with(files: Sequence[tuple[str, int]], abilities: Abilities, *, provider: str, model: str) -> str:
    """Why a request with these files cannot be sent, as a sentence for its user; empty where it may be.

    ``files``: media type and size in bytes of all that are in its messages.
    """
    kinds = [kind_of(media_type) for media_type, _ in files]
    for kind in _KINDS:
        if kind in kinds and abilities.takes(kind) is False:
            return f"{model} cannot read {kind}. Pick a model that can, or start without them."
    limits = _LIMITS.get(provider, _ANY)
    images, total = kinds.count("images"), sum(size for _, size in files)
    if limits.images is not None and images > limits.images:
        return f"{label_of(provider)} takes {limits.images} images in one request; this conversation has {images}."
    if total > limits.size:
        most = f"{label_of(provider)} takes {limits.size // _MB} MB of files in one request"
        return f"{most}; this conversation has {total / _MB:.1f} MB."
    return ""


def kind_of(media_type: str) -> Kind | None:
    """None for text, which every model takes."""
    if media_type.startswith("image/"):
        return "images"
    return "PDFs" if media_type == "application/pdf" else None
