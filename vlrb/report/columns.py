"""The columns that tables show: titles, number formats, which go first when space is short."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

DASH = "–"
Row = Mapping[Any, Any]


def known(value: Any) -> bool:  # noqa: ANN401 - a cell
    """Return whether a cell holds something."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def three(value: float | None) -> str:
    """Return a share with three decimals.

    >>> three(0.8137), three(None)
    ('0.814', '–')
    """
    return f"{value:.3f}" if value is not None and known(value) else DASH


def interval(low: float | None, high: float | None) -> str:
    """Return an interval, short enough to stand beside its figure.

    >>> interval(0.7902, 0.838), interval(None, None)
    ('[.790–.838]', '')
    """
    if low is None or high is None or not (known(low) and known(high)):
        return ""
    return f"[{_short(low)}–{_short(high)}]"


def _short(value: float) -> str:
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 and text.lstrip("-").startswith("0.") else text


def dollars(value: float | None) -> str:
    """Return USD per 1,000 queries with three significant digits.

    >>> dollars(0.1376), dollars(1.594), dollars(23.4), dollars(0.0157)
    ('$0.138', '$1.59', '$23.4', '$0.0157')
    """
    if value is None or not known(value):
        return DASH
    if value <= 0:
        return "$0"
    digits = min(max(0, 2 - math.floor(math.log10(value))), 8)
    return f"${value:,.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference with its sign.

    >>> signed(0.0123), signed(-0.0049), signed(None)
    ('+0.012', '−0.005', '–')
    """
    return f"{value:+.{digits}f}".replace("-", "−") if value is not None and known(value) else DASH


def count(value: float | None) -> str:
    """Return a whole number.

    >>> count(3.0), count(None)
    ('3', '–')
    """
    return f"{value:,.0f}" if value is not None and known(value) else DASH


def percent(value: float | None) -> str:
    """Return a share in whole per cent.

    >>> percent(0.4312), percent(-0.051)
    ('43%', '−5%')
    """
    return f"{100 * value:.0f}%".replace("-", "−") if value is not None and known(value) else DASH


def thousands(value: float | None) -> str:
    """Return a number of tokens per second in thousands.

    >>> thousands(1_234_567.0), thousands(45_600.0), thousands(890.0)
    ('1,235', '45.6', '0.9')
    """
    if value is None or not known(value):
        return DASH
    return f"{value / 1000:,.0f}" if value >= 100_000 else f"{value / 1000:.1f}"


def p_value(value: float | None) -> str:
    """Return a p value, short.

    >>> p_value(0.0312), p_value(0.00004), p_value(1.0), p_value(None)
    ('.031', '<.001', '1', '–')
    """
    if value is None or not known(value):
        return DASH
    if value < 0.0005:
        return "<.001"
    return f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1"


def rank_range(row: Row) -> str:
    """Return the ranks that a row may have, with a star if the first is among them.

    >>> rank_range({"rank_low": 1.0, "rank_high": 3.0}), rank_range({"rank_low": 4.0, "rank_high": 4.0})
    ('1–3*', '4')
    """
    low, high = row["rank_low"], row["rank_high"]
    if not (known(low) and known(high)):
        return DASH
    ranks = f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"
    return ranks + ("*" if low == 1 else "")


class Column(NamedTuple):
    """A column of a shown table.

    Attributes:
        key: Column of the leaderboard frame.
        title: Short heading; a line break where space is short.
        help: What it says, for pages that can explain.
        text: Formats the figure.
        interval: Whether an interval stands beside it.
        keep: Columns with a lower number are dropped first when space is short.
        of_row: Makes the text from the whole row, where one figure is not enough.
    """

    key: str
    title: str
    help: str
    text: Callable[[Any], str]
    interval: bool = False
    keep: int = 9
    of_row: Callable[[Row], str] | None = None

    def figure(self, row: Row) -> str:
        """Return the figure alone."""
        if self.of_row is not None:
            return self.of_row(row)
        return self.text(row[self.key])

    def bracket(self, row: Row) -> str:
        """Return the interval alone ("" if there is none)."""
        return interval(row[f"{self.key}_low"], row[f"{self.key}_high"]) if self.interval else ""

    @property
    def heading(self) -> str:
        """Return the title on one line."""
        return self.title.replace("\n", " ")

    def cell(self, row: Row) -> str:
        """Return figure and interval."""
        return " ".join(filter(None, (self.figure(row), self.bracket(row))))


SHOWN = (
    Column("name", "router", "router and λ of its training targets", str),
    Column("accuracy", "accuracy", "share of samples answered rightly", three, interval=True),
    Column("quality", "quality", "mean quality, partial credit included", three, keep=1),
    Column("cost_per_1k", "$/1k", "mean cost in USD per 1,000 queries", dollars),
    Column("rank_score", "Rank Score", "accuracy and log-cheapness in one figure, β = 0.1", three, interval=True),
    Column("rank_low", "rank", "ranks that the data allow, * = may be the best (95 %)", str, keep=6, of_row=rank_range),
    Column("p_top", "p", "paired test against the top router, adjusted for all comparisons", p_value, keep=5),
    Column("expected_accuracy", "exp.\nacc.", "exact expectation of the accuracy (synthetic data)", three, keep=5),
    Column("expected_rank_score", "exp.\nscore", "Rank Score of expected accuracy and cost", three, keep=0),
    Column(
        "share_of_attainable_gain", "Bayes\ngain", "share of the attainable gain in expected accuracy", percent, keep=4
    ),
    Column("dev_rank_score", "dev\nscore", "Rank Score on dev: choose by this one", three, keep=7),
    Column("dev_to_test", "test\n−dev", "Rank Score on test less that on dev, by which it was chosen", signed, keep=6),
    Column("points", "points", "operating points that dev chose from", count, keep=4),
    Column("seeds", "seeds", "training seeds that the figures are means over", count, keep=6),
    Column("rank_score_sd", "sd over\nseeds", "standard deviation of the Rank Score over seeds", three, keep=5),
    Column("gap_closed", "gap\nclosed", "share of the gap from best single model to oracle", percent, keep=3),
    Column("throughput_router", "K tok\nper s", "thousand input tokens decided per second", thousands, keep=2),
)


def shown_columns(frame: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> list[Column]:
    """Return the columns worth showing: those that say something.

    Quality is shown where it differs from accuracy, the dev score where there is something to choose, what it became on
    test where something was chosen.
    """
    chosen = bool((frame["points"] > 1).any())
    if (frame["kind"] == "router").sum() < 2 and not chosen:
        leave_out = (*leave_out, "dev_rank_score")
    leave_out = leave_out if chosen else (*leave_out, "dev_to_test", "points")
    leave_out = leave_out if (frame["seeds"] > 1).any() else (*leave_out, "seeds")
    columns = [c for c in SHOWN if c.key not in leave_out and frame[c.key].notna().any()]
    same = frame["quality"].sub(frame["accuracy"]).abs().fillna(0).max() < 1e-9
    return [c for c in columns if c.key != "quality" or not same]
