"""`fail_if='rank_score<0.7'`: a condition on a leaderboard that makes a job fail, for continuous integration.

    expression := part (("or" | ",") part)*
    part       := test ("and" test)*
    test       := ["best" | "any" | "all"] column op number      op: < <= > >= == !=

`and` binds tighter than `or`; a comma is an `or`. A test is about the best row (the first trained router of the
leaderboard) unless it says `any` (it holds for some trained router) or `all` (it holds for every one). A figure that is
undefined fails its test's router: a gate that cannot be judged is not passed.
"""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from vlrb.report.columns import known
from vlrb.report.leaderboard import TRAINED
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.suggest import did_you_mean

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
BEST, ANY, ALL = "best", "any", "all"
LONGEST = 1000  # characters
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
TEST = re.compile(rf"(?:({BEST}|{ANY}|{ALL})\s+)?([A-Za-z_]\w*)\s*(<=|>=|==|!=|<|>)\s*({NUMBER})")
EXAMPLE = "e.g. fail_if='rank_score<0.7', 'any accuracy<0.6 or cost_per_1k>0.5', 'accuracy<0.8 and cost_per_1k>0.2'"


class Test(NamedTuple):
    """One comparison: which rows, which column, how, with what."""

    rows: str
    column: str
    op: str
    number: float

    def __str__(self) -> str:
        rows = "" if self.rows == BEST else f"{self.rows} "
        return f"{rows}{self.column}{self.op}{self.number:g}"


def parse_gate(text: str) -> list[list[Test]]:
    """Return a condition as alternatives of tests that must hold together.

    >>> [[str(test) for test in part] for part in parse_gate("rank_score<0.7, any accuracy <= .6 and cost_per_1k>1e-1")]
    [['rank_score<0.7'], ['any accuracy<=0.6', 'cost_per_1k>0.1']]

    Raises:
        ConfigError: It is no such condition.
    """
    if not text.strip() or len(text) > LONGEST:
        raise ConfigError(f"fail_if={text[:40]!r} is no condition", EXAMPLE)
    parts = re.split(r"\s*,\s*|\s+or\s+", text.strip())
    return [[_parse_test(test, text) for test in re.split(r"\s+and\s+", part)] for part in parts]


def _parse_test(word: str, text: str) -> Test:
    found = TEST.fullmatch(word.strip())
    if found is None:
        raise ConfigError(f"fail_if={text!r}: cannot read {word.strip()!r}", EXAMPLE)
    rows, column, op, number = found.groups()
    return Test(rows or BEST, column, op, float(number))


def check_gate(text: str, frame: pd.DataFrame, changes: Sequence[str] = ()) -> None:
    """Raise if a leaderboard meets the condition.

    Args:
        text: The condition, see this module.
        frame: Rows of a leaderboard, best first.
        changes: Columns that say what changed from another leaderboard: tests of them leave out rows that are new,
            those with no share of `decisions_changed`.

    Raises:
        ConfigError: The condition cannot be read or names a column that the leaderboard has not.
        StateError: It is met; one line that names the rows and their figures.
    """
    parts = parse_gate(text)
    columns = [str(name) for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    for test in (test for part in parts for test in part):
        if test.column not in columns:
            raise ConfigError(f"fail_if: no column {test.column!r}", did_you_mean(test.column, columns))
    trained = frame[frame["kind"] == TRAINED]
    rows = (trained if len(trained) else frame[frame["run"].notna()]).to_dict("records")
    old = [row for row in rows if known(row.get("decisions_changed"))]
    failures = [[_failure(test, old if test.column in changes else rows) for test in part] for part in parts]
    met = [" and ".join(found) for part in failures if (found := [f for f in part if f]) and len(found) == len(part)]
    if met:
        raise StateError(f"gate failed (fail_if={text!r}): {'; '.join(met)}")


def _failure(test: Test, rows: list[dict[Any, Any]]) -> str:
    """Return what fails a test, "" if nothing does."""
    if not rows:
        return f"there is no router to judge by {test}"
    judged = rows[:1] if test.rows == BEST else rows
    failed = [row for row in judged if not known(row[test.column]) or _holds(test, row[test.column])]
    if not failed or (test.rows == ALL and len(failed) < len(judged)):
        return ""
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    value = failed[0][test.column]
    if not known(value):
        return f"{failed[0]['name']} has no {test.column} (undefined, so {test} cannot be judged){more}"
    return f"{failed[0]['name']} has {test.column} {value:.4g} ({test}){more}"


def _holds(test: Test, value: float) -> bool:
    return OPERATORS[test.op](float(value), test.number)
