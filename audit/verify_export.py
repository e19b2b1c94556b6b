"""Verify an export of the audit log offline: no database, no Django, only Python and the package "cryptography".

    python audit/verify_export.py EXPORT [--public-key KEY] [--checkpoints DIR]

Needs only this file, chain.py and checkpoint.py, in a directory called "audit". Exit status 0: right; 1: a problem,
named with the first bad entry; 2: it could not be verified.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audit import chain, checkpoint


class ExportError(ValueError):
    """An export that is damaged or was changed."""


@dataclass(slots=True)
class Report:
    """What was verified; ``signed_by`` is the fingerprint of the key that signed the export, '' for none."""

    first: int
    result: chain.VerificationResult
    checkpoints: int
    signed_by: str


@dataclass(slots=True)
class _Reader:
    """Parses the lines in their order, as they come, and hashes all but the last one."""

    lines: Iterable[bytes]
    end: dict[str, Any] | None = None
    digest: Any = field(default_factory=hashlib.sha256)

    def parsed(self) -> Generator[dict[str, Any]]:
        for number, line in enumerate(self.lines, start=1):
            if self.end:
                raise ExportError(f"line {number}: something follows the end")
            try:
                values = json.loads(line)
                kind = values["kind"]
            except (ValueError, KeyError, TypeError) as error:
                raise ExportError(f"line {number}: it is not a line of an export") from error
            if kind == "end":
                self.end = values
            else:
                self.digest.update(line)
                yield values


def verify_export(
    lines: Iterable[bytes], *, keys: Sequence[Ed25519PublicKey] = (), directory: Path | None = None
) -> Report:
    """Verifies an export against itself, its checkpoints, those in ``directory``, and ``keys``.

    Without ``keys`` the ones that the export itself names are believed, so anybody could have signed it. Raises
    ExportError or CheckpointError if it can not be what the server wrote; a problem of the chain is in the report.
    """
    reader = _Reader(lines)
    parsed = reader.parsed()
    manifest = next(parsed, {})
    if manifest.get("format") != checkpoint.EXPORT_PURPOSE:
        raise ExportError("line 1: it is not the manifest of an audit export")
    trusted = keys or [checkpoint.read_public_key(key) for key in manifest["public_keys"]]
    known = checkpoint.read(checkpoint.files(directory), trusted) if directory else []
    entry = _read_checkpoints(parsed, trusted, known)
    result = _verify_entries(manifest, _entries(entry, parsed), checkpoint.heads(known))
    signed_by = "" if result.violation else _check_end(manifest, reader, result, trusted)
    if keys and not signed_by and not result.violation:
        raise ExportError("it is not signed")
    return Report(manifest["first"], result, len(known), signed_by)


def _read_checkpoints(
    parsed: Iterable[dict[str, Any]], trusted: Sequence[Ed25519PublicKey], known: list[checkpoint.Checkpoint]
) -> dict[str, Any] | None:
    """Adds the export's checkpoints to ``known`` and returns the first line after them."""
    for values in parsed:
        if values["kind"] != "checkpoint":
            return values
        known.append(checkpoint.parse(values["checkpoint"], trusted))
    return None


def _entries(values: dict[str, Any] | None, parsed: Iterator[dict[str, Any]]) -> Generator[chain.ChainEntry]:
    while values is not None:
        try:
            details = chain.canonical(values["details"]) if "details" in values else None
            body = chain.canonical(values["entry"])
            yield chain.ChainEntry(
                values["sequence"], values["previous_hash"], values["hash"], body, values.get("salt"), details
            )
        except (KeyError, ValueError) as error:
            raise ExportError(f"a line of kind {values['kind']!r} stands where an entry should: {error}") from error
        values = next(parsed, None)


def _verify_entries(
    manifest: dict[str, Any], entries: Iterable[chain.ChainEntry], heads: Mapping[int, str]
) -> chain.VerificationResult:
    first, last = manifest["first"], manifest["last"]
    return chain.verify(
        entries,
        sequence=first - 1,
        previous_hash=chain.GENESIS if first == 1 else manifest["previous_hash"],
        heads={sequence: digest for sequence, digest in heads.items() if first <= sequence <= last},
        erased=() if manifest["details"] else None,
    )


def _check_end(
    manifest: dict[str, Any], reader: _Reader, result: chain.VerificationResult, trusted: Sequence[Ed25519PublicKey]
) -> str:
    """The fingerprint of the key that signed the export, '' if it is not signed."""
    end = reader.end
    if end is None or result.sequence != manifest["last"]:
        raise ExportError(f"it ends after entry {result.sequence}, and should after {manifest['last']}")
    if end["sha256"] != reader.digest.hexdigest() or end["hash"] != result.hash:
        raise ExportError("its lines do not match the digest at its end")
    if "signature" not in end:
        return ""
    checkpoint.check_signature(end, purpose=checkpoint.EXPORT_PURPOSE, keys=trusted)
    return str(end["key"])


def _key(text: str) -> Ed25519PublicKey:
    path = Path(text)
    return checkpoint.read_public_key(path.read_text() if path.is_file() else text)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Verify an export of the AISTRALE audit log offline.")
    parser.add_argument("export", type=Path, help="file written by manage.py export_audit")
    parser.add_argument("--public-key", type=_key, metavar="KEY", help="the server's audit key, or a file of it")
    parser.add_argument("--checkpoints", type=Path, metavar="DIR", help="checkpoints kept apart from the export")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _arguments(arguments)
    keys = [options.public_key] if options.public_key else []
    try:
        with options.export.open("rb") as lines:
            report = verify_export(lines, keys=keys, directory=options.checkpoints)
    except OSError as error:
        print(f"{options.export} can not be read: {error.strerror}", file=sys.stderr)
        return 2
    except (ExportError, checkpoint.CheckpointError, checkpoint.KeyFormatError) as error:
        print(f"The export is not right: {error}", file=sys.stderr)
        return 1
    if report.result.violation:
        print(f"The export is not right. First invalid {report.result.violation}.", file=sys.stderr)
        return 1
    print(_success_text(report, own_key=bool(keys)))
    return 0


def _success_text(report: Report, *, own_key: bool) -> str:
    result = report.result
    lines = [
        f"The export is verified: entries {report.first} to {result.sequence}, hash {result.hash}, "
        f"{report.checkpoints} checkpoints."
    ]
    if not report.signed_by:
        lines.append("It is not signed.")
    elif not own_key:
        lines.append(f"It is signed by the key {report.signed_by}, which it names itself: is it the server's?")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
