from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import AuditEvent
from prompts import services
from prompts.drafts import Draft
from prompts.models import Prompt, PromptVersion

pytestmark = pytest.mark.django_db


def run(verb: str, directory: Path, *arguments: str, user: str = "alice@example.org") -> tuple[int, str]:
    """The exit code, and what it printed."""
    printed = StringIO()
    status: int | str | None = 0
    try:
        call_command(
            "prompts", verb, "--dir", str(directory), "--user", user, *arguments, stdout=printed, stderr=printed
        )
    except SystemExit as error:
        status = error.code
    except CommandError as error:
        status = error.returncode
        printed.write(str(error))
    return int(status or 0), printed.getvalue()


def test_what_it_exports_has_no_differences(triage: PromptVersion, tmp_path: Path) -> None:
    assert run("export", tmp_path) == (0, "support/triage.md\n1 prompts, 1 files changed.\n")
    assert (tmp_path / "support/triage.md").read_text().endswith("---\nSort {{ticket}}\nBe brief\n")
    assert run("export", tmp_path)[1] == "1 prompts, 0 files changed.\n"
    assert run("diff", tmp_path) == (0, "")
    assert run("import", tmp_path)[1].endswith("0 created, 0 changed, 1 unchanged, 0 refused.\n")
    assert AuditEvent.objects.filter(action="prompts:files:export").count() == 2


def test_it_exports_what_a_label_names_as_json(triage: PromptVersion, tmp_path: Path) -> None:
    status, printed = run("export", tmp_path, "--label", "production", "--format", "json", "--json")
    assert (status, json.loads(printed)) == (0, {"prompts": 1, "changed": ["support/triage.json"]})
    values = json.loads((tmp_path / "support/triage.json").read_text())
    assert (values["version"], values["text"], values["labels"]) == (1, "Sort {{ticket}}", ["production"])


def test_it_shows_what_differs(alice: User, triage: PromptVersion, tmp_path: Path) -> None:
    run("export", tmp_path)
    path = tmp_path / "support/triage.md"
    path.write_text(path.read_text().replace("Be brief", "Be kind"))
    (tmp_path / "new.md").write_text("---\n---\nHi\n")
    (tmp_path / "README.md").write_text("# No prompt")
    services.create_prompt(owner=alice, name="stored", type="text", draft=Draft("Hi"))
    status, printed = run("diff", tmp_path)
    assert status == 1
    for line in ("--- registry/support/triage.md", "-Be brief", "+Be kind", "--- /dev/null", "+++ new.md", "skipped"):
        assert line in printed
    assert "--- registry/stored.md\n+++ /dev/null" in printed
    status, printed = run("diff", tmp_path, "--folder", "support", "--json")
    assert status == 1 and json.loads(printed.partition("\n")[2])["differences"].keys() == {"support/triage"}
    assert run("diff", tmp_path, "--folder", "elsewhere")[0] == 0


def test_it_imports_all_and_sets_a_label(alice: User, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail/hi.md").write_text("---\n---\nHi\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/a.md").write_text("---\n---\nHi\n")
    status, printed = run("import", tmp_path, "--dry-run", "--label", "staging")
    assert status == 0 and "created    mail/hi.md  mail/hi v1  Sets staging." in printed
    assert "Nothing was stored" in printed.replace("nothing", "Nothing") and not Prompt.objects.exists()
    status, printed = run("import", tmp_path, "--label", "staging", "--message", "From CI", "--json")
    assert status == 0 and json.loads(printed)["written"] is True
    version = PromptVersion.objects.get()
    assert (version.prompt.name, version.message, version.labels.get().name) == ("mail/hi", "From CI", "staging")


def test_one_wrong_file_stores_none(alice: User, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\n---\nHi\n")
    (tmp_path / "b.md").write_text("---\ntags: x\n---\nHi\n")
    status, printed = run("import", tmp_path)
    assert status == 2 and "refused    b.md    line 2, tags: This must be a list." in printed
    assert "created    a.md" in printed and "Nothing was stored" in printed and not Prompt.objects.exists()
    assert run("diff", tmp_path)[0] == 2
    (tmp_path / "b.md").write_text("---\n---\n{{\n")
    status, printed = run("import", tmp_path, "--json")
    assert status == 2 and json.loads(printed)["written"] is False and not Prompt.objects.exists()


def test_it_follows_no_links(alice: User, tmp_path: Path) -> None:
    secret, inside = tmp_path / "secret.md", tmp_path / "in"
    secret.write_text("---\n---\nHi\n")
    inside.mkdir()
    (inside / "a.md").symlink_to(secret)
    assert "Only plain files are read" in run("import", inside)[1]
    (inside / "a.md").unlink()
    services.create_prompt(owner=alice, name="out/a", type="text", draft=Draft("Hi"))
    (inside / "out").symlink_to(tmp_path)
    status, printed = run("export", inside)
    assert status == 2 and "leads out of the directory" in printed and not (tmp_path / "a.md").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [({"user": "nobody@example.org"}, "no active user"), ({"directory": Path("/nothing")}, "no directory")],
)
def test_it_says_what_is_missing(arguments: Any, told: str, alice: User, tmp_path: Path) -> None:
    status, printed = run("import", **{"directory": tmp_path, **arguments})
    assert status == 2 and told in printed


def test_it_refuses_the_same_prompt_in_two_files(alice: User, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text("---\nname: a\n---\nHi\n")
    assert "The same prompt is in a.md" in run("import", tmp_path)[1]
    assert "Several files hold the same prompt" in run("diff", tmp_path)[1]
