"""What lies on both sides of a split: groups, related samples, near-duplicates; and groups too large to be drawn.

A rule that keeps groups together has failed when something related lies in two splits: an error. A rule that does not
(the published shuffle) is told so in a warning, which under `strict` counts as every warning does.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from vlrb import schema
from vlrb.benchmark.integrity.findings import Finding, Level, Subject, some
from vlrb.benchmark.likeness.table import CONTENT_HASH

LARGE_SHARE = 0.05  # of a dataset or of all samples
LARGE_COUNT = 25  # samples; below, a group is small whatever its share


def sizes(s: Subject) -> Iterator[Finding]:
    """Check that no split is empty and say how many samples are in none."""
    for name in schema.SPLITS:
        if not (s.sides == name).any():
            yield Finding("warning", "split", f"the {name} split is empty")
    unused = np.flatnonzero(s.sides == schema.UNUSED)
    if len(unused):
        message = "samples in no split: related to samples of a held-out dataset"
        yield Finding("note", "split", message, len(unused), s.examples(unused))
    unknown = np.flatnonzero(~np.isin(s.sides, (*schema.SPLITS, schema.UNUSED)))
    if len(unknown):
        yield Finding("error", "split", "samples in a split that does not exist", len(unknown), s.examples(unknown))


def related(s: Subject) -> Iterator[Finding]:
    """Check that neither the recorded groups nor those found again lie in more than one split."""
    recorded = s.split[schema.SPLIT_GROUP].to_numpy()
    for what, group in (("recorded groups", recorded), ("groups of related samples", s.groups.of_sample)):
        parted = _parted(s, group)
        if len(parted):
            rows = np.flatnonzero(np.isin(group, parted))
            in_test = int((s.sides[rows] == schema.TEST).sum())
            message = f"{what} that lie in more than one split ({in_test:,} samples of test among them)"
            yield Finding(_level(s), "split", message, len(parted), s.examples(rows))


def near_duplicates(s: Subject) -> Iterator[Finding]:
    """Name pictures of test samples that a train sample shows in another file, found again from the marks."""
    where = _sides_of_pictures(s)
    one, other = (pd.Index(where.index).get_indexer(column) for column in s.twins.T)
    known = (one >= 0) & (other >= 0)
    train, test = where[schema.TRAIN].to_numpy(), where[schema.TEST].to_numpy()
    one, other = one[known], other[known]
    leak = (train[one] & test[other]) | (test[one] & train[other])
    if leak.any():
        names = set(where.index[np.concatenate([one[leak], other[leak]])])
        rows = [any(p[CONTENT_HASH] in names for p in images) for images in s.bench.samples[schema.IMAGES]]
        message = "pairs of pictures in different files that show the same, one in train and one in test"
        yield Finding(_level(s), "split", message, int(leak.sum()), s.examples(np.flatnonzero(rows)))


def large_groups(s: Subject) -> Iterator[Finding]:
    """Warn of groups that hold so much of a dataset, or of all, that a draw cannot meet the shares."""
    datasets = s.bench.samples[schema.DATASET].to_numpy(dtype=object)
    for name in sorted(set(datasets)):
        yield from _large(s, str(name), np.flatnonzero(datasets == name))
    yield from _large(s, "all samples", np.arange(len(datasets)))


def _large(s: Subject, what: str, rows: np.ndarray) -> Iterator[Finding]:
    group = s.groups.of_sample[rows]
    numbers, counts = np.unique(group, return_counts=True)
    large = (counts > LARGE_SHARE * len(rows)) & (counts >= LARGE_COUNT)
    if large.any():
        members = rows[group == numbers[counts.argmax()]]
        share = len(members) / len(rows)
        message = f"groups with more than {LARGE_SHARE:.0%} of {what}, the largest {share:.0%}"
        yield Finding("warning", "groups", message, int(large.sum()), s.examples(members))


def largest_group(s: Subject) -> dict[str, object]:
    """Return key, size, datasets and a few samples of the largest group (what the report shows)."""
    if not len(s.ids):
        return {}
    sizes = np.bincount(s.groups.of_sample)
    largest = int(sizes.argmax())
    rows = np.flatnonzero(s.groups.of_sample == largest)
    datasets = sorted(set(s.bench.samples[schema.DATASET].iloc[rows]))
    return {
        "key": s.groups.keys[largest],
        "samples": int(sizes[largest]),
        "datasets": some(datasets),
        "examples": s.examples(rows),
    }


def _level(s: Subject) -> Level:
    return "error" if s.rule.keeps_groups else "warning"


def _parted(s: Subject, group: np.ndarray) -> np.ndarray:
    used = s.sides != schema.UNUSED
    splits = pd.Series(s.sides[used]).groupby(group[used]).nunique()
    return splits.index[splits > 1].to_numpy()


def _sides_of_pictures(s: Subject) -> pd.DataFrame:
    """Return which splits show a picture: content hash → train, test (bool)."""
    images = s.bench.samples[schema.IMAGES]
    names = [p[CONTENT_HASH] for references in images for p in references]
    sides = np.repeat(s.sides, [len(references) for references in images])
    frame = pd.DataFrame({side: sides == side for side in (schema.TRAIN, schema.TEST)})
    return frame.groupby(np.array(names, dtype=object)).any()
