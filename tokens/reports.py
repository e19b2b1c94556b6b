"""A rotation as plain data, for commands and pages. No secrets."""

from __future__ import annotations

from typing import Any

from tokens import rotation
from tokens.models import EncryptionKey, Rotation


def as_data(run: Rotation) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "trigger": run.trigger,
        "started_by": str(run.started_by) if run.started_by else None,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "seconds": round(run.duration.total_seconds(), 3),
        "step": run.step,
        "new_key": str(run.new_key_id),
        "compromised_key": str(run.compromised_id) if run.compromised_id else None,
        "rows_before": run.rows_before,
        "rows_after": run.rows_after,
        "resealed": run.resealed,
        "failures": run.failures,
        "tokens_to_replace": tokens_to_replace(run),
    }


def tokens_to_replace(run: Rotation) -> list[dict[str, str]]:
    """After a compromise: whoever held the key and a copy of the database knows these secrets."""
    return exposed(run.compromised) if run.compromised else []


def exposed(key: EncryptionKey) -> list[dict[str, str]]:
    return [
        {
            "id": str(token.pk),
            "provider": token.provider,
            "label": token.label,
            "owner": str(token.owner),
            "hint": token.hint,
        }
        for token in rotation.exposed_tokens(key)
    ]


def humanize_rotation(run: Rotation) -> list[str]:
    """The report, line by line, the summary last."""
    lines = [f"{key}: {before:,} rows before, {after:,} after" for key, before, after in keys(run)]
    lines += [humanize_failure(item) for item in run.failures]
    lines += [humanize_replacement(item) for item in tokens_to_replace(run)]
    summary = f"{run.resealed:,} rows re-sealed with {run.new_key_id} in {run.duration.total_seconds():.1f} s"
    return [*lines, f"{summary}, {len(run.failures):,} could not be opened."]


def humanize_failure(item: dict[str, str]) -> str:
    return f"NOT OPENED {item['table']}.{item['field']} id {item['id']}: {item['reason']}"


def humanize_replacement(item: dict[str, str]) -> str:
    return f"REPLACE at {item['provider']}: {item['label']} of {item['owner']} ({item['hint']}), id {item['id']}"


def keys(run: Rotation) -> list[tuple[str, int, int]]:
    """Each data key with its rows before and after, as far as it is known."""
    known = sorted({*run.rows_before, *run.rows_after})
    return [(key, run.rows_before.get(key, 0), run.rows_after.get(key, 0)) for key in known]
