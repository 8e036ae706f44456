"""What the integrity report says of a split: shares, groups, and what copying would gain."""

from typing import Any

import numpy as np

from vlrb import schema
from vlrb.benchmark.integrity.copycat import copycat
from vlrb.benchmark.integrity.findings import Subject
from vlrb.benchmark.integrity.splits import largest_group
from vlrb.benchmark.summaries import sum_by


def split_facts(s: Subject, names: list[str], dataset: np.ndarray) -> dict[str, Any]:
    """Return plain values: label, seed, shares, groups and the leak audit.

    Args:
        s: What is reported on.
        names: Names of the datasets.
        dataset: (N,) codes into `names`.
    """
    return {
        "name": s.rule.label,
        "seed": s.rule.seed,
        "rule": s.rule.identity(),
        "shares": _shares(s, names, dataset),
        "groups": {"count": len(s.groups.keys), "largest": largest_group(s)},
        "pictures_that_show_the_same": None if s.pictures is None else len(s.twins),
        "copycat": copycat(s),
    }


def split_lines(split: dict[str, Any]) -> list[str]:
    """Return the facts in words, one Markdown paragraph each."""
    groups, pairs, leak = split["groups"], split["pictures_that_show_the_same"], split["copycat"]
    lines = [f"{groups['count']:,} groups of related samples."]
    if groups["largest"]:
        largest = groups["largest"]
        shown = ", ".join(largest["examples"])
        lines[0] += f" The largest has {largest['samples']:,} samples ({largest['datasets']}), e.g. {shown}."
    if pairs is not None:
        lines += ["", f"{pairs:,} pairs of pictures in different files show the same."]
    if leak:
        lines += ["", _leak_words(leak)]
    return lines


def _leak_words(leak: dict[str, Any]) -> str:
    return (
        f"Leak audit on the {leak['samples']:,} test samples with a picture: copying from the training sample with the "
        f"most similar picture is right on {leak['accuracy']:.4f}; copying from other groups only, on "
        f"{leak['accuracy_without_group']:.4f}; always the best single model of train, on {leak['best_single']:.4f}. "
        f"The first minus the second, {leak['gain']:+.4f}, is what leaks from train to test."
    )


def _shares(s: Subject, names: list[str], dataset: np.ndarray) -> dict[str, dict[str, float]]:
    sides = [*schema.SPLITS, *([schema.UNUSED] if (s.sides == schema.UNUSED).any() else [])]
    member = np.stack([s.sides == side for side in sides], axis=1)
    rows = sum_by(dataset, member, len(names))
    sizes = np.bincount(dataset, minlength=len(names))
    table = {"all": member.sum(axis=0) / max(len(member), 1)}
    table |= {name: row / size for name, row, size in zip(names, rows, sizes, strict=True)}
    return {
        name: {side: round(float(share), 4) for side, share in zip(sides, row, strict=True)}
        for name, row in table.items()
    }
