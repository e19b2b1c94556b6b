from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.actions import AccountsAction
from audit import chain, checkpoint, checkpointer, services, verify_export
from audit.actions import AuditAction
from audit.models import AuditEvent
from audit.tests.conftest import new_key

if TYPE_CHECKING:
    from accounts.models import User

Lines = list[dict[str, Any]]


@pytest.fixture
def exported(log: Path, tmp_path: Path) -> Path:
    """An export of the log's six entries and the seventh that records the export."""
    path = tmp_path / "audit.jsonl"
    call_command("export_audit", "--output", str(path))
    return path


def read(path: Path) -> Lines:
    return [json.loads(line) for line in path.read_text().splitlines()]


def change(path: Path, alter: Callable[[Lines], object]) -> None:
    lines = read(path)
    alter(lines)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def found(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert verify_export.main([str(path), *arguments]) == 1
    return capsys.readouterr().err


def public_key(settings: Settings) -> str:
    return checkpoint.public_text(checkpoint.read_keys(settings.AUDIT_KEYS)[0].public_key())


def test_it_exports_all_that_is_needed_to_verify(exported: Path) -> None:
    kinds = [line["kind"] for line in read(exported)]
    assert kinds == ["manifest", "checkpoint", "checkpoint", *["entry"] * 7, "end"]


def test_it_records_the_export(exported: Path) -> None:
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.action, event.source) == (AuditAction.AUDIT_EXPORT, "command")
    assert event.after == {"first": 1, "last": None, "details": True}


def test_it_finds_an_untouched_export_right(
    exported: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_export.main([str(exported), "--public-key", public_key(settings)]) == 0
    assert capsys.readouterr().out.startswith("The export is verified: entries 1 to 7")


def test_it_verifies_where_there_is_neither_django_nor_a_database(exported: Path, tmp_path: Path) -> None:
    source = Path(verify_export.__file__).parent
    (tmp_path / "audit").mkdir()
    (tmp_path / "django.py").write_text("raise ImportError")
    for name in ("chain.py", "checkpoint.py", "verify_export.py"):
        shutil.copy(source / name, tmp_path / "audit")
    run = subprocess.run(
        [sys.executable, "audit/verify_export.py", "audit.jsonl"], cwd=tmp_path, env={}, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "is it the server's?" in run.stdout


def test_it_exports_a_stretch(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "audit.jsonl"
    call_command("export_audit", "--from", "3", "--to", "5", "--output", str(path))
    assert verify_export.main([str(path)]) == 0
    assert "entries 3 to 5" in capsys.readouterr().out


def test_it_leaves_personal_values_out_on_demand(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    call_command("export_audit", "--no-details", "--output", str(path))
    assert "alice@" not in path.read_text()
    assert verify_export.main([str(path)]) == 0


def test_it_verifies_an_export_in_which_a_person_was_erased(log: Path, tmp_path: Path, alice: User) -> None:
    services.erase_details(audit_id=alice.audit_id, actor=None)
    path = tmp_path / "audit.jsonl"
    call_command("export_audit", "--output", str(path))
    assert "alice@" not in path.read_text()
    assert verify_export.main([str(path)]) == 0


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda lines: lines[4]["entry"].update(outcome="denied"), "entry 2: its content does not match its hash"),
        (lambda lines: lines[4]["entry"].update(after={"number": 2.5}), "stands where an entry should"),
        (lambda lines: lines[4]["details"].update(actor="bob"), "entry 2: its personal details do not match"),
        (lambda lines: lines[4].pop("details"), "entry 2: its personal details are gone"),
        (lambda lines: lines.pop(3), "entry 1: it is missing"),
        (lambda lines: lines.pop(5), "entry 3: it is missing"),
        (lambda lines: lines.pop(9), "it ends after entry 6, and should after 7"),
        (lambda lines: lines.insert(5, lines[4]), "entry 2: it occurs twice"),
        (lambda lines: lines.insert(4, lines.pop(5)), "entry 2: it is missing"),
        (lambda lines: lines.pop(10), "it ends after entry 7"),
        (lambda lines: lines.append(lines[9]), "line 12: something follows the end"),
        (lambda lines: lines[1].update(checkpoint="{}"), "damaged"),
        (lambda lines: lines[0].update(last=6), "it ends after entry 7"),
        (lambda lines: lines[0].update(created="2020-01-01"), "do not match the digest"),
        (lambda lines: lines[10].update(entries=9), "its signature is wrong"),
        (lambda lines: lines.pop(0), "line 1: it is not the manifest"),
    ],
)
def test_it_finds_what_was_changed(
    exported: Path, capsys: pytest.CaptureFixture[str], alter: Callable[[Lines], object], message: str
) -> None:
    change(exported, alter)
    assert message in found(exported, capsys)


@pytest.mark.parametrize("text", ["", "\n", "[1]\n", "no json\n", '{"kind": "manifest"}\n'])
def test_it_refuses_what_is_no_export(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text(text)
    assert "line 1" in found(path, capsys)


def test_it_finds_an_export_signed_by_somebody_else(
    exported: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.AUDIT_KEYS = new_key()
    assert "none of ours" in found(exported, capsys, "--public-key", public_key(settings))


def test_it_misses_the_signature_where_one_is_expected(
    exported: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    change(exported, lambda lines: lines[10].pop("signature"))
    assert "it is not signed" in found(exported, capsys, "--public-key", public_key(settings))


def test_it_finds_a_chain_computed_anew_by_checkpoints_kept_apart(
    exported: Path, log: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def forge(lines: Lines) -> None:
        previous = chain.GENESIS
        for line in lines:
            if line["kind"] == "entry":
                line["entry"]["role"] = "administrator"
                line["previous_hash"] = previous
                previous = chain.entry_hash(line["sequence"], previous, chain.canonical(line["entry"]))
                line["hash"] = previous
        del lines[1:3]

    change(exported, forge)
    message = found(exported, capsys, "--checkpoints", str(log))
    assert "entry 1: it differs from the signed checkpoint" in message


def test_it_overwrites_no_file(exported: Path) -> None:
    with pytest.raises(CommandError) as error:
        call_command("export_audit", "--output", str(exported))
    assert error.value.returncode == 2


def test_it_refuses_a_stretch_that_is_not_there(log: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There are entries 1 to 7"):
        call_command("export_audit", "--from", "9", "--output", str(tmp_path / "audit.jsonl"))


def test_it_writes_text_that_can_not_move_a_terminal_or_a_line(
    db: None, checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b[2J\x9b2J\r\n\u2028{}"
    services.record(action=AccountsAction.SESSION_LOGIN_FAILED, actor=None, details={"typed": hostile})
    checkpointer.write_if_due()
    call_command("export_audit")
    output = capsys.readouterr().out
    assert output.isascii()
    assert output.count("\n") == 5
    assert "\x1b" not in output
