"""Where prompts meet: which include one, which one includes; and how applications ask for it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from django.db.models import Exists, F, OuterRef, Q, TextField
from django.db.models.functions import Cast

from prompts.models import Label, Prompt, PromptVersion
from prompts.reading import included_version
from prompts.templating import Include, TemplateError

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Dependent:
    """A version that includes a prompt."""

    version: PromptVersion
    include: Include


def included_by(version: PromptVersion, *, reader: User) -> list[tuple[Include, PromptVersion | None]]:
    """What the version includes, with the version that each means at the moment, as far as the reader may see it."""
    return [(include, included_version(include, reader=reader)) for include in _includes(version)]


def dependents_of(prompt: Prompt, *, reader: User) -> list[Dependent]:
    """Versions in use, the newest of a prompt or one with a label, that include ``prompt`` and that the reader sees."""
    newer = PromptVersion.objects.filter(prompt=OuterRef("prompt"), number__gt=OuterRef("number"))
    labelled = Label.objects.filter(version=OuterRef("pk"))
    versions = PromptVersion.objects.annotate(text=Cast("body", TextField()))
    versions = versions.filter(text__contains=prompt.name, prompt__in=Prompt.objects.visible_to(reader).order_by())
    found = versions.filter(Q(~Exists(newer)) | Exists(labelled)).exclude(prompt=prompt)
    return [
        Dependent(version, include)
        for version in found.select_related("prompt").order_by(F("prompt__name"), "-number")
        for include in _includes(version)
        if include.name == prompt.name
    ]


def _includes(version: PromptVersion) -> list[Include]:
    try:
        return version.draft.includes
    except TemplateError:
        return []


def snippets(*, host: str, prompt: Prompt, label: str, version: PromptVersion) -> dict[str, str]:
    """How programs read the label, by language. Its variables have their samples."""
    names = version.draft.used_variables
    samples = {row.name: row.sample or row.default for row in version.draft.variables}
    values = {name: shorten(samples.get(name) or "…", 40, placeholder="…") for name in names}
    url = f"{host}/api/public/v2/prompts/{quote(prompt.name, safe='')}?{urlencode({'label': label})}"
    name, kind = _quoted(prompt.name), _quoted(prompt.type)
    arguments = "".join(f"\n    {key}={_quoted(value)}," for key, value in values.items())
    fields = "".join(f"\n  {key}: {_quoted(value)}," for key, value in values.items())
    python = (
        f"from langfuse import Langfuse\n\n"
        f'langfuse = Langfuse(base_url={_quoted(host)}, public_key="ais_…", secret_key="ais_…")\n'
        f"prompt = langfuse.get_prompt({name}, label={_quoted(label)}, type={kind})\n"
        f"compiled = prompt.compile({arguments}{arguments and chr(10)})\n"
    )
    javascript = (
        f'import {{ LangfuseClient }} from "@langfuse/client";\n\n'
        f'const keys = {{ publicKey: "ais_…", secretKey: "ais_…" }};\n'
        f"const langfuse = new LangfuseClient({{ baseUrl: {_quoted(host)}, ...keys }});\n"
        f"const prompt = await langfuse.prompt.get({name}, {{ label: {_quoted(label)}, type: {kind} }});\n"
        f"const compiled = prompt.compile({{{fields}{fields and chr(10)}}});\n"
    )
    curl = f"curl -u 'ais_…:ais_…' {shlex.quote(url)}\n"
    return {"python": python, "curl": curl, "javascript": javascript}


def _quoted(text: str) -> str:
    """A string of Python and JavaScript alike."""
    return json.dumps(text, ensure_ascii=False)
