"""What headroom is looked for in: outcomes, costs, and how samples belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.store import Benchmark
from vlrb.evaluation.headroom.groupings import Grouping, groupings, option_counts
from vlrb.metrics.outcomes import is_correct
from vlrb.utils.errors import DataError


@dataclass(frozen=True)
class Choice:
    """Which part of a benchmark is looked at.

    Args:
        pool: Models that may be chosen.
        pricing: Name of the price book.
        split: Label and seed of the split.
        scope: all, train, dev or test.
    """

    pool: ModelPool
    pricing: str
    split: tuple[str, int]
    scope: str


@dataclass(frozen=True, eq=False)
class Subject:
    """n samples × m models; unknown cells are NaN and stay out of every count.

    Attributes:
        model_ids: m ids.
        names: m names to show.
        y: (n, m) outcomes: 1 right, 0 wrong, NaN unknown. Every sample has at least one that is known.
        C: (n, m) USD per query, NaN unknown.
        columns: (m,) columns of the benchmark.
        rows: (n,) rows of the benchmark.
        split_group: (n,) int codes of related samples.
        dataset: (n,) int codes of datasets.
        groupings: By dataset, then by category if there are some.
        options: (n,) number of options, NaN = open question or not known.
        test: Samples and split groups of the test split.
        dropped: Samples of the scope without any known outcome.
    """

    model_ids: tuple[str, ...]
    names: tuple[str, ...]
    y: np.ndarray
    C: np.ndarray
    columns: np.ndarray
    rows: np.ndarray
    split_group: np.ndarray
    dataset: np.ndarray
    groupings: tuple[Grouping, ...]
    options: np.ndarray
    test: tuple[int, int]
    dropped: int


def make_subject(
    benchmark: Benchmark, choice: Choice, categories: Mapping[str, str], rotated: Sequence[str] = ()
) -> Subject:
    """Take the part of a benchmark that was asked for.

    Args:
        benchmark: The benchmark; it is not changed.
        choice: Pool, prices, split and scope.
        categories: Category by sample id, where the logs have some.
        rotated: Datasets graded over rotations of the options, where guessing needs more than one lucky pick.

    Raises:
        DataError: No sample is in scope, none has a known outcome, or the pool has a single model.
    """
    columns = np.array(choice.pool.select(benchmark.model_ids), dtype=np.int64)
    ids = tuple(choice.pool.canonical(benchmark.model_ids[column]) for column in columns)
    if len(ids) < 2:
        raise DataError(f"model pool {choice.pool.name}: {ids[0]} is the only model, so there is nothing to choose")
    split = benchmark.split(*choice.split)
    side = split[schema.SPLIT].to_numpy(dtype=object).astype(str)
    rows = np.flatnonzero(side == choice.scope) if choice.scope != "all" else np.arange(len(side))
    if not len(rows):
        raise DataError(f"the benchmark has no sample in scope={choice.scope}", "scope=all looks at all samples")
    y = is_correct(benchmark.Y[rows][:, columns])
    known = ~np.isnan(y).all(axis=1)
    if not known.any():
        raise DataError(f"no outcome is known for {len(rows):,} samples × {len(ids)} models of scope={choice.scope}")
    rows, y = rows[known], y[known]
    samples = benchmark.samples.iloc[rows]
    group = split[schema.SPLIT_GROUP].to_numpy(np.int64)
    is_test = side == schema.TEST
    return Subject(
        model_ids=ids,
        names=tuple(choice.pool.display_name(model_id) for model_id in ids),
        y=y,
        C=np.asarray(benchmark.costs(choice.pricing).C[rows][:, columns], np.float64),
        columns=columns,
        rows=rows,
        split_group=group[rows],
        dataset=pd.factorize(samples[schema.DATASET], sort=True)[0].astype(np.int64),
        groupings=groupings(samples, categories),
        options=option_counts(samples, rotated),
        test=(int(is_test.sum()), len(np.unique(group[is_test]))),
        dropped=int((~known).sum()),
    )
