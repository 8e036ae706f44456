"""Splits that keep related samples together: whole groups go to train, dev or test by a seeded hash."""

from vlrb.benchmark.splits.folds import KFold
from vlrb.benchmark.splits.grouped import Splitter
from vlrb.benchmark.splits.groups import hash_fraction, related_pictures, sample_groups
from vlrb.benchmark.splits.holdout import LeaveDatasetOut
from vlrb.benchmark.splits.reference import ReferenceSplit
from vlrb.benchmark.splits.rule import SplitRule

__all__ = [
    "KFold",
    "LeaveDatasetOut",
    "ReferenceSplit",
    "SplitRule",
    "Splitter",
    "hash_fraction",
    "related_pictures",
    "sample_groups",
]
