"""Warnings of a source, as findings of the integrity report."""

from collections.abc import Mapping, Sequence
from typing import Any

from vlrb.benchmark.integrity import Finding

SHOWN = 20


def source_findings(notes: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return one warning for each note of that level; of a kind with more than `SHOWN`, the rest are one line.

    Args:
        notes: Plain notes as in the source's notes file (`kind`, `where`, `message`, `count`, `level`).
    """
    by_kind: dict[str, list[Finding]] = {}
    for note in notes:
        if note.get("level") == "warning":
            finding = Finding("warning", note["kind"], f"{note['where']}: {note['message']}", note["count"])
            by_kind.setdefault(note["kind"], []).append(finding)
    return [finding for found in by_kind.values() for finding in _shown(found)]


def _shown(found: list[Finding]) -> list[Finding]:
    rest = found[SHOWN:]
    if not rest:
        return found
    message = f"{len(rest)} more of this kind, see the notes of the source"
    return [*found[:SHOWN], Finding("warning", rest[0].check, message, sum(finding.count for finding in rest))]
