from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from prompts import services
from prompts.drafts import Draft
from prompts.models import Prompt, PromptVersion, ProtectedLabel

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
IMPORT = reverse("prompts:prompt-import")


def preview(client: Client, *files: tuple[str, str | bytes], **fields: str) -> Any:
    uploads = [SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text) for name, text in files]
    return client.post(IMPORT, {"step": "preview", "uploads": uploads, **fields})


def confirm(client: Client, page: Any, **changed: str) -> Any:
    form = page.context["preview"].form
    fields = {name: value for name, value in form.initial.items() if value not in (False, None)}
    return client.post(IMPORT, {"step": "import", **fields, **changed})


def told(page: Any) -> str:
    return str(page.content.decode())


def test_it_shows_what_would_happen_and_does_it_when_it_is_confirmed(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    client = client_of(alice)
    stored = client.get(reverse("prompts:prompt-export-md", args=[triage.prompt_id])).content.decode()
    files = [
        ("a.md", "---\nname: mail/hi\n---\nOne\r\nTwo\n"),
        ("b.md", stored.replace("brief", "kind")),
        ("c.md", "x"),
    ]
    page = preview(client, *files)
    assert page.context["preview"].counts == {"new": 1, "updated": 1, "refused": 1}
    assert "A file begins with a line" in told(page) and "Import 2 of 3" in told(page)
    assert Prompt.objects.count() == 1 and PromptVersion.objects.count() == 2
    done = confirm(client, page)
    assert done.status_code == 302
    assert PromptVersion.objects.get(prompt__name="mail/hi").body == "One\r\nTwo"
    assert triage.prompt.versions.get(number=3).body == "Sort {{ticket}}\nBe kind"
    assert "Nothing to import" in told(preview(client, *files[:2]))


def test_what_is_exported_is_unchanged_when_it_is_imported(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    client = client_of(alice)
    for name in ("zip", "json"):
        file = client.get(reverse(f"prompts:export-{name}"))
        assert file["Content-Disposition"] == f'attachment; filename="prompts.{name}"'
        page = preview(client, (f"prompts.{name}", file.content))
        assert page.context["preview"].counts == {"unchanged": 1}
    events = AuditEvent.objects.filter(action="prompts:files:export")
    assert [event.after["prompts"] for event in events] == [1, 1]


def test_it_exports_the_chosen_version(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    address = reverse("prompts:prompt-export-json", args=[triage.prompt_id])
    assert json.loads(client.get(f"{address}?version=1").content)["text"] == "Sort {{ticket}}"
    file = client.get(address)
    assert json.loads(file.content)["version"] == 2
    assert file["Content-Disposition"] == 'attachment; filename="triage.json"'
    assert client.get(f"{address}?version=9").status_code == 404


def test_it_exports_what_the_list_shows(client_of: ClientOf, alice: User, bob: User, triage: PromptVersion) -> None:
    services.create_prompt(owner=alice, name="mine", type="text", draft=Draft("Hi"))
    services.create_prompt(owner=bob, name="theirs", type="text", draft=Draft("Hi"))
    address = reverse("prompts:export-zip")

    def names(query: str) -> list[str]:
        return zipfile.ZipFile(BytesIO(client_of(alice).get(f"{address}{query}").content)).namelist()

    assert names("") == ["mine.md", "support/triage.md"] and names("?folder=support") == ["support/triage.md"]
    assert client_of(alice).get(f"{address}?folder=none").status_code == 400


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "This field is required"),
        ([("a.md", "")], "The submitted file is empty"),
        ([("a.zip", b"PK")], "This archive cannot be read"),
        ([("a.exe", "x")], "Only .md and .json files"),
        ([("a.md", "---\n---\nHi"), ("b.json", '{"name": "a", "text": "Hi"}')], "The same prompt is in"),
        ([("a.md", b"---\n---\n\xff")], "This is not text in UTF-8"),
        ([("a.md", "x" * 1_100_000)], "at most 1,000,000 bytes"),
        ([(f"{number}.md", "x" * 900_000) for number in range(3)], "too large together"),
        ([("a.md", "---\nname: <b>x</b>\n---\nHi")], "&lt;b&gt;x&lt;/b&gt;"),
    ],
)
def test_it_says_what_is_wrong(files: list[tuple[str, str]], said: str, client_of: ClientOf, alice: User) -> None:
    assert said in told(preview(client_of(alice), *files)) and not Prompt.objects.exists()


def test_paths_in_archives_lead_nowhere(client_of: ClientOf, alice: User) -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("../../etc/passwd.md", "---\n---\nHi")
    page = preview(client_of(alice), ("all.zip", archive.getvalue()))
    assert [result.name for result in page.context["preview"].results] == ["../../etc/passwd"]


def test_what_others_have_changed_meanwhile_is_shown_again(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    client = client_of(alice)
    page = preview(client, ("a.md", "---\nname: support/triage\n---\nMine\n"))
    services.save_version(prompt=triage.prompt, draft=Draft("Theirs"), author=alice)
    again = confirm(client, page)
    assert again.status_code == 409 and "have changed since the preview" in told(again)
    assert triage.prompt.versions.count() == 3
    assert confirm(client, again).status_code == 302 and triage.prompt.versions.count() == 4


@pytest.mark.parametrize("payload", ["", "{", "[1]", "[[1]]", '{"a": 1}', "[" * 100_000])
def test_a_form_without_its_files_asks_for_them(payload: str, client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(IMPORT, {"step": "import", "payload": payload})
    assert page.status_code == 422 and "Choose them again" in told(page)


def test_labels_move_where_it_is_wanted(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    file = ("a.md", "---\nname: support/triage\nlabels: [production]\n---\nMine\n")
    confirm(client, preview(client, file))
    assert triage.prompt.labels.get().version.number == 1
    page = preview(client, file, moves_labels="on")
    assert "Moves production from v1 to v3" in told(page)
    confirm(client, page)
    assert triage.prompt.labels.get().version.number == 3


def test_prompts_of_others_are_taken_or_read_only(
    client_of: ClientOf, bob: User, charlie: User, triage: PromptVersion
) -> None:
    file = ("a.md", "---\nname: support/triage\n---\nMine\n")
    assert "is taken by a prompt that you cannot see" in told(preview(client_of(charlie), file))
    page = preview(client_of(bob), file)
    assert "not change it" in told(page) and "None of the files can be imported" in told(page)


def test_readers_export_too(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    client = client_of(bob)
    assert "Export as Markdown" in told(client.get(triage.prompt.get_absolute_url()))
    assert client.get(reverse("prompts:prompt-export-md", args=[triage.prompt_id])).status_code == 200


def test_a_protected_label_is_refused_before_anything_is_imported(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    ProtectedLabel.objects.create(name="production")
    client = client_of(alice)
    labelled = "---\nname: {}\nlabels:\n- production\n---\nNew"
    files = [("a.md", labelled.format("mail/hi")), ("b.md", labelled.format("support/triage"))]
    page = preview(client, *files, moves_labels="on")
    assert page.context["preview"].counts == {"refused": 2}
    assert told(page).count("“production” is protected.") == 2
    # A label that is not to be moved is in nobody's way.
    assert preview(client, files[1]).context["preview"].counts == {"updated": 1}


def test_the_export_of_one_prompt_is_recorded_too(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client_of(alice).get(f"{reverse('prompts:prompt-export-md', args=[triage.prompt_id])}?version=1")
    event = AuditEvent.objects.get(action="prompts:files:export")
    assert (event.actor, event.target_id) == (alice.audit_id, str(triage.prompt_id))
    assert event.after == {"prompts": 1, "format": "md", "version": 1}
