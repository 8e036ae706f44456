"""Keep the notes of an archive of thousands of files short enough to read."""

from collections import defaultdict
from collections.abc import Sequence

from vlrb.sources.base import Note

MERGE_ABOVE = 24  # as many models or files as a person still reads line by line
COUNTED = ("summary_agrees",)  # good news is one line, however little of it
MAX_OF_A_KIND = 300
SHOWN = 3


def compact(notes: Sequence[Note]) -> list[Note]:
    """Return the notes with those that repeat one message merged, and no more than `MAX_OF_A_KIND` of one kind."""
    by_message: dict[tuple[str, str, str], list[Note]] = defaultdict(list)
    for note in notes:
        by_message[note.kind, note.level, note.message].append(note)
    by_kind: dict[tuple[str, str], list[Note]] = defaultdict(list)
    for group in by_message.values():
        merge = len(group) > (1 if group[0].kind in COUNTED else MERGE_ABOVE)
        by_kind[group[0].kind, group[0].level] += [_merged(group)] if merge else group
    return [note for group in by_kind.values() for note in _capped(group)]


def _merged(group: list[Note]) -> Note:
    first = group[0]
    places = list(dict.fromkeys(note.where for note in group))
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    where = ", ".join(places[:SHOWN]) + more
    return Note(first.kind, where, first.message, sum(note.count for note in group), first.level)


def _capped(group: list[Note]) -> list[Note]:
    if len(group) <= MAX_OF_A_KIND:
        return group
    rest = group[MAX_OF_A_KIND - 1 :]
    message = f"{len(rest):,} more notes of this kind are left out"
    return [*group[: MAX_OF_A_KIND - 1], Note(rest[0].kind, "…", message, sum(n.count for n in rest), rest[0].level)]
