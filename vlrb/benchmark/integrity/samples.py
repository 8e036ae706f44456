"""Whether all samples are there, and their pictures."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from vlrb import schema
from vlrb.benchmark.integrity.findings import Finding, Subject, some
from vlrb.benchmark.likeness.table import CONTENT_HASH
from vlrb.benchmark.records import NOTES_FILE
from vlrb.utils.files import read_json

_INCOMPLETE = "incomplete"  # kind of the notes in which a source says what it should have found and did not


def counts(s: Subject) -> Iterator[Finding]:
    """Say where the source found less than is published (only a source that knows what to expect can tell).

    Notes that are warnings themselves are findings already, one by one.
    """
    notes = read_json(s.bench.root / NOTES_FILE)
    notes = [note for note in notes if note["kind"] == _INCOMPLETE and note.get("level") != "warning"]
    if notes:
        what = some(f"{note['where']}: {note['message']}" for note in notes)
        yield Finding("warning", "counts", f"less than expected: {what}", sum(note["count"] for note in notes))


def pictures(s: Subject) -> Iterator[Finding]:
    """Check that pictures can be read, have a size and an identity."""
    without = np.flatnonzero(s.bench.sample_tokens["pictures"] == 0)
    if len(without):
        yield Finding("note", "pictures", "samples without a picture (text only)", len(without), s.examples(without))
    yield from _references(s)
    if s.pictures is None:
        message = "near-duplicates were not looked for (split.near_duplicates=false)"
        yield Finding("note", "pictures", message)
        return
    bad = s.pictures.unreadable
    if bad:
        rows = _rows(s, lambda reference: reference[CONTENT_HASH] in bad)
        message = f"pictures that cannot be read, e.g. {next(iter(bad.values()))}"
        yield Finding("warning", "pictures", message, len(bad), s.examples(rows))


def _references(s: Subject) -> Iterator[Finding]:
    rows = _rows(s, lambda reference: not reference["width"])
    if len(rows):
        yield Finding("note", "pictures", "samples with a picture of unknown size", len(rows), s.examples(rows))
    rows = _rows(s, lambda reference: not reference[CONTENT_HASH])
    if len(rows):
        message = "samples with a picture that has no content hash, so cannot be kept together"
        yield Finding("warning", "pictures", message, len(rows), s.examples(rows))


def _rows(s: Subject, is_wanted: Callable[[dict[str, Any]], bool]) -> np.ndarray:
    images = s.bench.samples[schema.IMAGES]
    return np.flatnonzero([any(is_wanted(reference) for reference in references) for references in images])
