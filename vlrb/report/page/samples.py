"""Single samples: picture, prompt, every model's grade and cost, and what each router chose."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vlrb.metrics.outcomes import is_correct
from vlrb.report.grades import Absent, Grades, decisions_of
from vlrb.report.leaderboard import QUERIES
from vlrb.report.page.context import Context
from vlrb.report.page.section import Section, data_block, rounded
from vlrb.report.picks import RANDOM, REASONS, Picked, pick_samples
from vlrb.report.thumbnails import thumbnail
from vlrb.schema import DATASET, SAMPLE_ID
from vlrb.utils.errors import DataError, StateError

TITLE = "Single samples"
LONGEST_PROMPT = 1500  # characters; longer ones are cut off with a note
MOST_PICTURES = 3  # of one sample
MOST_BYTES = 25_000  # of one sample's pictures
ALL_BYTES = 5_000_000  # of all pictures, before base64
MOST_SAMPLES = 500


def samples_section(context: Context) -> Section:
    """Return the drill-down; absent without the benchmark or when no samples were asked for."""
    if not context.samples:
        return Section("samples", TITLE, "", "", "Not asked for (samples=60 shows 60 of them).")
    if isinstance(context.grades, Absent):
        return Section("samples", TITLE, "", "", context.grades.reason)
    if not context.comparable:
        return Section("samples", TITLE, "", "", "No run decided on the samples of the first one.")
    picked = _picked(context, context.grades)
    content = _content(context, context.grades, picked)
    counts = ", ".join(
        f"{picked.reasons.count(r)} {r if r == RANDOM else f'where {r}'}" for r in REASONS if r in picked.reasons
    )
    lead = (
        f"{len(picked.rows)} of {len(context.grades.Y):,} samples, picked to tell the most: {counts}. Shares in this "
        "list are therefore not shares of the split."
    )
    return Section("samples", TITLE, lead, f'<div id="drill" class="drill"></div>{data_block("drill", content)}')


def _picked(context: Context, grades: Grades) -> Picked:
    decisions = np.stack([context.decisions(leader) for leader in context.comparable])
    best = int(decisions_of(context.board.evaluated, context.model_ids, "best_single_")[0])
    return pick_samples(is_correct(grades.Y), decisions, best, context.samples, context.board.runs[0].seed)


def _content(context: Context, grades: Grades, picked: Picked) -> dict[str, Any]:
    table = context.board.evaluated.table
    ids, datasets = table[SAMPLE_ID].to_numpy(), table[DATASET].to_numpy()
    decisions = [context.decisions(leader) for leader in context.comparable]
    allowed = min(MOST_BYTES, ALL_BYTES // max(len(picked.rows), 1))
    samples = []
    for row, reason in zip(picked.rows.tolist(), picked.reasons, strict=True):
        prompt, (pictures, note) = grades.prompt(row), _pictures(grades, row, allowed)
        samples.append(
            {
                "id": str(ids[row]),
                "dataset": str(datasets[row]),
                "why": reason,
                "prompt": prompt[:LONGEST_PROMPT],
                "cut": max(0, len(prompt) - LONGEST_PROMPT),
                "pictures": pictures,
                "note": note,
                "quality": _numbers(grades.Y[row], 4),
                "cost": _numbers(grades.C[row] * QUERIES, 4),
                "chosen": [int(decision[row]) for decision in decisions],
            }
        )
    routers = [{"name": p.name, "colour": p.style.colour, "shape": p.style.shape} for p in context.comparable]
    best = int(decisions_of(context.board.evaluated, context.model_ids, "best_single_")[0])
    return {"models": context.model_names, "routers": routers, "best": best, "samples": samples}


def _numbers(values: Sequence[float] | np.ndarray, digits: int) -> list[float | None]:
    return [rounded(value, digits) for value in values]


def _pictures(grades: Grades, row: int, allowed: int) -> tuple[list[str], str]:
    """Return data URIs of a sample's pictures and a note on those that are not shown."""
    try:
        found = grades.pictures(row)
    except (DataError, StateError) as error:
        return [], f"no picture: {error.message}"
    shown = found[:MOST_PICTURES]
    uris = [thumbnail(picture, allowed // len(shown)) for picture in shown]
    more = len(found) - len(shown)
    return uris, f"{more} more pictures not shown" if more else "" if found else "this sample has no picture"
