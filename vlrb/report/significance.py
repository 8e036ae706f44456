"""What a leaderboard says about chance: p values, ranks, and how small a difference its split can show."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vlrb.evaluation.contest import ACCURACY, SCORE, Contender, Contest, Detectable, contest
from vlrb.evaluation.runs import Run
from vlrb.evaluation.seeds import seeds_note
from vlrb.metrics.bootstrap import LEVEL, RESAMPLES
from vlrb.metrics.outcomes import Chosen
from vlrb.metrics.power import POWER
from vlrb.report.frames import evaluated, reference_choosers
from vlrb.schema import SAMPLE_ID
from vlrb.utils.errors import StateError

STANDING_COLUMNS = ("p_top", "p_top_accuracy", "p_top_unadjusted", "rank_low", "rank_high", "may_be_best")
WORDS = {SCORE: "Rank Score", ACCURACY: "accuracy"}


def compare_rows(
    frame: pd.DataFrame, rows: Mapping[str, Sequence[Run]], first: Run, split: str, resamples: int = RESAMPLES
) -> Contest | None:
    """Compare the rows of a leaderboard with its top router; None where nothing can be compared.

    Routers are ranked; references are compared with the top and not ranked; bounds are left out.

    Args:
        frame: Name, kind and router of each row, the top router before the other routers.
        rows: The runs behind rows that have any, by name: one per training seed.
        first: The run whose reference routers are shown.
        split: The split shown.
        resamples: Bootstrap resamples; 0 compares nothing.

    Raises:
        StateError: Two runs decided on different samples.
    """
    trained = frame.loc[frame["kind"] == "router", "name"].tolist()
    if not trained or not resamples:
        return None
    table = evaluated(first, split)
    ids = pd.Index(table.table[SAMPLE_ID])
    bare = frame.loc[(frame["kind"] == "reference") & ~frame["name"].isin(list(rows)), "name"].tolist()
    found = {name: Contender((chosen,), False) for name, chosen in reference_choosers(first, split, bare).items()}
    for name in frame.loc[frame["kind"] != "bound", "name"]:
        if name in rows:
            decided = tuple(_decided(run, split, ids) for run in rows[name])
            found[name] = Contender(decided, name in trained)
    return contest(found, trained[0], table.units, first.bounds, resamples)


def _decided(run: Run, split: str, ids: pd.Index) -> Chosen:
    """Return what a run's decisions brought, in the order of `ids`."""
    own = evaluated(run, split)
    found = own.in_order(ids)
    if found is None:
        lacking = ids[~ids.isin(own.table[SAMPLE_ID])]
        absent = sorted({str(sample_id).rpartition("/")[0] for sample_id in lacking})
        where = f" (some of {', '.join(absent)} are missing)" if absent else ""
        raise StateError(
            f"{run.folder}: decisions on other {split} samples than those of the other runs{where}",
            "train this run again with overwrite=true",
        )
    return found.chooser()


def with_standings(frame: pd.DataFrame, found: Contest | None) -> pd.DataFrame:
    """Return a leaderboard frame with STANDING_COLUMNS filled in by row name; NaN where nothing can be said.

    `p_top…` are p values against the top router: in Rank Score (in accuracy where that is undefined) and in accuracy,
    both adjusted for all comparisons, and the first unadjusted. `may_be_best` is 1 in the confidence set for rank 1.
    """
    standings = {} if found is None else found.standings
    columns: dict[str, list[float]] = {name: [] for name in STANDING_COLUMNS}
    for name in frame["name"]:
        own = standings.get(name)
        values: tuple[Any, ...] = (None,) * 6 if own is None else (own.p, own.p_accuracy, own.p_single, *own[3:])
        best = None if own is None else own.may_be_best
        for column, value in zip(STANDING_COLUMNS, (*values[:5], best), strict=True):
            columns[column].append(float("nan") if value is None else float(value))
    return frame.assign(**columns)


def standing_notes(found: Contest | None, rows: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return the lines below a leaderboard that explain its ranks and p values and say what it could show."""
    seeds = seeds_note([len(runs) for runs in rows.values()])
    notes = [] if seeds is None else [seeds]
    if found is None:
        return notes
    by = "" if found.figure == SCORE else f", by {WORDS[found.figure]}"
    ranked = [standing for standing in found.standings.values() if standing.rank_low is not None]
    if ranked:
        best = sum(bool(standing.may_be_best) for standing in ranked)
        notes.append(
            f"may be the best router, as far as the data tell ({100 * LEVEL:.0f} %{by}): {best} of {len(ranked)}"
        )
        notes.append("rank: what the data allow; * = may be the best")
    if found.compared:
        many = f", Holm over {found.compared}" if found.compared > 1 else ""
        picked = ";\n  ranks allow for the top having been picked by these figures, p does not" if ranked else ""
        notes.append(f"p: the same {WORDS[found.figure]} as {found.top}? Paired sign flips{many}{picked}")
    return notes if found.detectable is None else [*notes, *_power_note(found.detectable, found)]


def _power_note(seen: Detectable, found: Contest) -> list[str]:
    """Return what is said about the smallest difference; nothing where the routers never differ."""
    score = seen.rank_score if found.figure == SCORE else None
    figures = [(WORDS[SCORE], score), (WORDS[ACCURACY], seen.accuracy)]
    words = ", ".join(f"{value:.3f} {name}" for name, value in figures if value is not None)
    if not words:
        return []
    pair = seen.against or "others (median)"
    share = "" if seen.disagreement is None else f"; one alone right on {100 * seen.disagreement:.0f} %"
    effect = "" if seen.design_effect is None else f", design effect {seen.design_effect:.2f}"
    return [f"smallest difference shown with {100 * POWER:.0f} % power: {words}\n  top to {pair}{share}{effect}"]
