"""What an end-to-end router does not see of prompts and pictures: said as a run starts, and kept in its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vlrb.data.raw import RawInputs
from vlrb.encoders.backbones.text import KEY as TEXT
from vlrb.encoders.backbones.text import TextPreprocessor
from vlrb.schema import INPUTS_FILE, SPLITS
from vlrb.tasks.jobs import in_sweep
from vlrb.utils.console import say, warn
from vlrb.utils.files import write_json

if TYPE_CHECKING:
    from vlrb.benchmark.store import Benchmark
    from vlrb.benchmark.view import BenchmarkView
    from vlrb.data.sources import InputSource
    from vlrb.routers.base import RouterModule

Splits = Mapping[str, np.ndarray]


def report_inputs(
    folder: Path,
    router: "RouterModule",
    sources: "Mapping[str, InputSource]",
    benchmark: "Benchmark",
    view: "BenchmarkView",
) -> None:
    """Write `inputs.json` into the folder of an end-to-end run, and say what a person should know.

    Args:
        folder: The run folder.
        router: The router, bound or not.
        sources: What it reads; nothing happens without prompts and pictures among it.
        benchmark: Where the samples are.
        view: The rows of the run.
    """
    raw = sources.get("raw")
    if "raw" not in router.inputs or not isinstance(raw, RawInputs):
        return
    members = {split: view.rows[view.members(split)] for split in SPLITS}
    counts = np.array([len(listed) for listed in benchmark.picture_references], dtype=np.int64)
    ids = {int(row): str(name) for row, name in zip(view.rows, view.sample_ids, strict=True)}
    found = {
        "prompts": prompt_figures(raw.preprocess.text, raw.prompts, members),
        "pictures": picture_figures(counts, members, raw),
        "unreadable": {ids[row]: reason for row, reason in sorted(raw.damaged.items()) if row in ids},
    }
    write_json(folder / INPUTS_FILE, found)
    if not in_sweep():  # each job of a sweep would say the same
        for line in lines(found):
            say(line)
        if found["unreadable"]:
            warn(_unreadable(found["unreadable"]))


def prompt_figures(text: TextPreprocessor, prompts: Sequence[str], members: Splits) -> dict[str, Any]:
    """Return how many prompts are longer than the limit, in all and by split, each prompt measured once.

    Args:
        text: Knows the limit.
        prompts: Prompts of all rows.
        members: Rows by split.
    """
    rows = np.concatenate(list(members.values()))
    lengths = text.lengths([prompts[row] for row in rows.tolist()])
    cut = lengths > text.max_length
    by_split = np.split(cut, np.cumsum([len(part) for part in members.values()])[:-1])
    return {
        "total": len(rows),
        "limit": text.max_length,
        "longer": int(cut.sum()),
        "longest": int(lengths.max(initial=0)),
        "longer_by_split": {split: int(part.sum()) for split, part in zip(members, by_split, strict=True)},
    }


def picture_figures(counts: np.ndarray, members: Splits, raw: RawInputs) -> dict[str, Any]:
    """Return how many samples have no picture and several, and how many pictures have a place in memory.

    Args:
        counts: (N,) pictures of all rows.
        members: Rows by split.
        raw: The inputs.
    """
    of_view = counts[np.concatenate(list(members.values()))]
    kept = raw.kept.slots if raw.kept is not None else None
    return {
        "samples_without": int((of_view == 0).sum()),
        "samples_with_several": int((of_view > 1).sum()),
        "most": int(of_view.max(initial=0)),
        "distinct_kept": 0 if kept is None else kept.places,
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return what is worth a line each."""
    prompts, pictures = found["prompts"], found["pictures"]
    said = []
    if cut := prompts["longer"]:
        share = 100 * cut / prompts["total"]
        said.append(
            f"{cut:,} of {prompts['total']:,} prompts ({share:.1f} %) are longer than {prompts['limit']} tokens and "
            f"lose their end (longest {prompts['longest']:,}); {TEXT}.max_length raises the limit"
        )
    if without := pictures["samples_without"]:
        said.append(f"{without:,} of {prompts['total']:,} samples have no picture: their prompts alone are read")
    if several := pictures["samples_with_several"]:
        said.append(f"{several:,} of {prompts['total']:,} samples have several pictures, at most {pictures['most']:,}")
    return said


def _unreadable(damaged: Mapping[str, str]) -> str:
    name, reason = next(iter(damaged.items()))
    return (
        f"the pictures of {len(damaged):,} samples cannot be read (first {name}: {reason}); they are not learnt from, "
        f"and decided on by their prompts alone; all are listed in {INPUTS_FILE}"
    )
