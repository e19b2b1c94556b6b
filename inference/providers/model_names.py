"""What names of models tell of them, where their lists say nothing. Pure; series as of November 2026."""

from __future__ import annotations

import re

_NO_CHAT = re.compile(
    r"""embed | (^|[/_-])(bge|e5|gte|jina|nomic)- | rerank | colbert
    | whisper | transcri | parakeet | (^|[/_-])tts | speech | orpheus | playai | voxtral-mini-transcribe
    | audio | realtime | (^|[/-])(lyria|chirp|voice)
    | dall-e | imagen | (^|[/-])(flux|sdxl|sora|veo)\b | stable-diffusion | [-_]image(-|$) | gpt-image | chatgpt-image
    | moderation | (^|[/-])guard\b | shieldgemma | safeguard
    | davinci-\d | babbage-\d | gpt-3\.5-turbo-instruct | (^|[/-])ocr | deep-research | computer-use
    | ^(o\d|gpt-5[\d.]*)-pro""",
    re.VERBOSE | re.IGNORECASE,
)
_VISION = re.compile(
    r"-vl\b|vision|llava|pixtral|gemma-?3|llama-?4|minicpm-v|moondream|internvl|gpt-(4o|4\.1|[5-9])"
    r"|(^|/)o(1|3|4-mini)($|-\d)|claude|gemini-",
    re.IGNORECASE,
)
_TOOLS = re.compile(
    r"""llama-?(3\.[1-3]|4) | qwen-?(2\.5|3) | mi[sx]tral | devstral | magistral | ministral | command-r | gpt- | o\d\b
    | claude | gemini | deepseek-(v3|chat|r1) | grok | granite | hermes | firefunction | phi-?4 | glm-?4 | kimi
    | nemotron""",
    re.VERBOSE | re.IGNORECASE,
)
_REASONING = re.compile(
    r"""(^|/)o\d | gpt-([5-9]|oss) | claude-(3-7|(opus|sonnet)-[4-9]|haiku-(4-5|[5-9])) | gemini-(2\.5|[3-9])
    | deepseek-(r1|reasoner) | qwq | qwen-?3(?!.*instruct) | magistral | grok-(3-mini|[4-9](?!.*non-reasoning))
    | thinking | reason(er|ing) | kimi-k2-thinking | nemotron""",
    re.VERBOSE | re.IGNORECASE,
)
_NOT_REASONING = re.compile(r"gpt-[5-9].*-chat|non-?reasoning", re.IGNORECASE)


def can_chat(model: str) -> bool:
    return _NO_CHAT.search(_name(model)) is None


def sees_images(model: str) -> bool:
    return _VISION.search(_name(model)) is not None


def calls_tools(model: str) -> bool:
    return _TOOLS.search(_name(model)) is not None


def reasons(model: str) -> bool:
    name = _name(model)
    return _REASONING.search(name) is not None and _NOT_REASONING.search(name) is None


def _name(model: str) -> str:
    return model.removeprefix("models/")
