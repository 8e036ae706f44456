"""Compare what was found with what a complete archive holds, and say all that is missing in few words."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.settings import Expected
from vlrb.utils.errors import DataError

HINT = "fetch what is missing, or go on without it: dataset.source.expected.incomplete=report"
MAX_COUNTS = 40


def check_files(found: Collection[tuple[str, str]], tsv: Collection[str], expected: Expected) -> list[Note]:
    """Compare file names, before anything is read; return what is missing.

    Args:
        found: (dataset, model) of every pair that has logs.
        tsv: Datasets that have a TSV file.
        expected: What should be there.

    Raises:
        DataError: Something is missing and `expected.incomplete` is "error"; it lists everything.
    """
    missing = [f"no logs of {words}" for words in _missing_pairs(found, expected)]
    bare = [dataset for dataset in expected.samples if dataset not in tsv] if expected.tsv else []
    if bare:
        missing.append(f"no TSV file of {', '.join(bare)}")
    return _told(missing, expected)


def check_counts(samples: pd.DataFrame, records: pd.DataFrame, expected: Expected) -> list[Note]:
    """Compare numbers of samples, of each dataset and of each model on it; more than expected is a warning alone.

    Raises:
        DataError: One is too low and `expected.incomplete` is "error"; it lists all.
    """
    counts = samples[schema.DATASET].value_counts()
    wrong: list[str] = []
    more: list[str] = []
    for name, count in expected.samples.items():
        have = int(counts.get(name, 0))
        if count is not None and have not in (0, count):
            (wrong if have < count else more).append(f"{name}: {have:,} samples instead of {count:,}")
    ids, models = records[schema.SAMPLE_ID].cat, records[schema.MODEL_ID].cat
    names = [sample_id.partition("/")[0] for sample_id in ids.categories]
    for (row, column), have in sorted(_pair_counts(names, ids.codes, models.codes).items()):
        name, model = names[row], models.categories[column]
        if model in expected.models and name in expected.samples and have < counts[name]:
            wrong.append(f"{model} on {name}: {have:,} of {counts[name]:,} samples")
    return _told(wrong, expected) + [Note("unexpected", "archive", problem, 1, "warning") for problem in more]


def _pair_counts(names: list[str], samples: "pd.Series[int]", models: "pd.Series[int]") -> dict[tuple[int, int], int]:
    """Return how many records there are of each (first sample of a dataset, model), by their codes."""
    first: dict[str, int] = {}
    dataset = np.array([first.setdefault(name, row) for row, name in enumerate(names)])[samples.to_numpy()]
    pairs, counts = np.unique(np.stack([dataset, models.to_numpy()]), axis=1, return_counts=True)
    return {(int(row), int(column)): int(n) for row, column, n in zip(*pairs, counts, strict=True)}


def _told(problems: list[str], expected: Expected) -> list[Note]:
    if problems and expected.incomplete == "error":
        more = f"; and {len(problems) - MAX_COUNTS} more" if len(problems) > MAX_COUNTS else ""
        raise DataError(f"the archive is incomplete: {'; '.join(problems[:MAX_COUNTS])}{more}", HINT)
    return [Note("incomplete", "archive", problem, 1, "warning") for problem in problems]


def _missing_pairs(found: Collection[tuple[str, str]], expected: Expected) -> Iterable[str]:
    """Yield every missing pair once: whole models, then whole datasets, then the rest by dataset."""
    missing: Mapping[str, list[str]] = {
        dataset: [model for model in expected.models if (dataset, model) not in found] for dataset in expected.samples
    }
    everywhere = [model for model in expected.models if all(model in gaps for gaps in missing.values())]
    if everywhere and missing:
        yield f"{', '.join(everywhere)} on any dataset"
    if len(everywhere) == len(expected.models):
        return
    whole = [dataset for dataset, gaps in missing.items() if len(gaps) == len(expected.models)]
    if whole:
        yield f"any model on {', '.join(whole)}"
    for dataset, gaps in missing.items():
        rest = [model for model in gaps if model not in everywhere]
        if rest and dataset not in whole:
            yield f"{', '.join(rest)} on {dataset}"
