"""Integrity checks: whether the parts of a benchmark agree, what is missing in it, what leaks between splits."""

from collections.abc import Callable, Iterator

from vlrb.benchmark.integrity import matrices, prices, samples, splits
from vlrb.benchmark.integrity.findings import Finding, Subject
from vlrb.benchmark.integrity.prices import missing_prices

__all__ = ["CHECKS", "Finding", "Subject", "find_all", "missing_prices"]

CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    matrices.alignment,
    matrices.ranges,
    matrices.missing,
    prices.prices,
    samples.counts,
    samples.pictures,
    splits.sizes,
    splits.related,
    splits.near_duplicates,
    splits.large_groups,
)


def find_all(subject: Subject) -> list[Finding]:
    """Run all checks; findings in the order of the checks."""
    shape = matrices.shapes(subject)
    return shape or [finding for check in CHECKS for finding in check(subject)]
