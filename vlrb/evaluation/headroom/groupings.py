"""The groupings that a router could know without learning (dataset, category), and the number of answer options."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from vlrb import schema

LEAST_SAMPLES = 10  # smaller categories of a dataset are taken together
MOST_CATEGORIES = 1 / 20  # of the number of samples; more are ids rather than categories
OTHERS = "(smaller ones)"
_LISTED = re.compile(r"(?:^|\n)([A-Z])\. ")
_BRACKETED = re.compile(r"\(([A-Z])\)")
_CHOICES = re.compile(r"Choices:(.*)\Z", re.DOTALL)


class Grouping(NamedTuple):
    """A partition of the samples.

    Attributes:
        name: dataset or category.
        codes: (n,) int codes 0 … g − 1.
        labels: g names.
    """

    name: str
    codes: np.ndarray
    labels: tuple[str, ...]


def groupings(samples: pd.DataFrame, categories: Mapping[str, str]) -> tuple[Grouping, ...]:
    """Return the partition by dataset and, where it is finer, that by category within datasets.

    A category is what the logs call so, else the kind of question if a dataset has several. Categories with fewer than
    10 samples are taken together; a column with more values than a twentieth of the samples is no category.

    Args:
        samples: Samples of the benchmark, columns as `schema.SAMPLE_COLUMNS`.
        categories: Category by sample id.
    """
    dataset = samples[schema.DATASET].astype(str)
    found = [_grouping("dataset", dataset)]
    named = samples[schema.SAMPLE_ID].map(dict(categories)).fillna("").astype(str)
    labels = pd.Series("", index=samples.index)
    for name, own in dataset.groupby(dataset).groups.items():
        labels[own] = _categories(named[own], samples.loc[own, schema.TASK].astype(str))
        if dataset.nunique() > 1:
            labels[own] = np.where(labels[own] == "", str(name), str(name) + ": " + labels[own])
    if labels.nunique() > found[0].codes.max() + 1:
        found.append(_grouping("category", labels.replace("", "(none)")))
    return tuple(found)


def _grouping(name: str, labels: pd.Series) -> Grouping:
    codes, values = pd.factorize(labels, sort=True)
    return Grouping(name, codes.astype(np.int64), tuple(str(value) for value in values))


def _categories(named: pd.Series, task: pd.Series) -> pd.Series:
    """Return the category of each sample of one dataset, "" if it has none."""
    for values in (named, task):
        sizes = values.value_counts()
        if not 1 < len(sizes) <= max(2, MOST_CATEGORIES * len(values)):
            continue
        small = sizes.index[sizes < LEAST_SAMPLES]
        merged = values.where(~values.isin(small), OTHERS)
        if merged.nunique() > 1:
            return merged.replace("", "(none)")
    return pd.Series("", index=named.index)


def option_counts(samples: pd.DataFrame, rotated: Sequence[str] = ()) -> np.ndarray:
    """Return the number of answer options of each sample (n,), NaN where the question is open or it cannot be told.

    Options are those that the prompt lists, `A. …` under "Options:" or `(A) …` after "Choices:", with letters in order;
    yes/no questions have two.

    Args:
        samples: Samples of the benchmark.
        rotated: Datasets graded over rotations of the options: unknown.
    """
    yes_no = (samples[schema.TASK] == "yes_no").to_numpy()
    counts = np.array([_options(str(prompt)) for prompt in samples[schema.PROMPT]], dtype=np.float64)
    counts[yes_no & (counts < 2)] = 2
    counts[(counts < 2) | samples[schema.DATASET].isin(list(rotated)).to_numpy()] = np.nan
    return counts


def _options(prompt: str) -> int:
    r"""Return how many options a prompt lists, 0 if none.

    >>> _options("Question: Which?\nOptions:\nA. red\nB. blue\nC. green"), _options("Choices: (A) 1 (B) 2")
    (3, 2)
    """
    place = prompt.rfind("Options:\n")
    if place >= 0:
        letters = _LISTED.findall(prompt, place + len("Options:"))
    else:
        choices = _CHOICES.search(prompt)
        letters = _BRACKETED.findall(choices.group(1)) if choices else []
    count = 0
    for letter in letters:
        if letter == chr(ord("A") + count):
            count += 1
    return count
