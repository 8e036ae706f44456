"""Where the decisions on a file of questions go: a table (CSV) or JSON lines, one row per question."""

import csv
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from vlrb.routing.query import Choice
from vlrb.schema import SCORE_PREFIX

QUALITY_PREFIX = "expected_quality/"
COST_PREFIX = "expected_cost/"


class Answers(ABC):
    """Writes decisions to an open text file.

    Args:
        file: Opened with newline="".
        model_ids: Models in the order of their columns.
        estimates: Whether the router estimates quality and cost.
        reported: Whether questions without a decision may come.
    """

    def __init__(self, file: TextIO, model_ids: Sequence[str], *, estimates: bool, reported: bool) -> None:
        self.file, self.model_ids, self.estimates, self.reported = file, model_ids, estimates, reported

    @abstractmethod
    def add(self, name: str, choice: Choice | None, problem: str | None) -> None:
        """Write what was decided on the question called `name`, or why nothing was."""


class TableAnswers(Answers):
    """CSV: id, model_id, model, expected_quality, expected_cost, problem, then columns per model; unknown is empty."""

    def __init__(self, file: TextIO, model_ids: Sequence[str], *, estimates: bool, reported: bool) -> None:
        super().__init__(file, model_ids, estimates=estimates, reported=reported)
        prefixes = [SCORE_PREFIX, *([QUALITY_PREFIX, COST_PREFIX] if estimates else [])]
        head = ["id", "model_id", "model", "expected_quality", "expected_cost", *(["problem"] if reported else [])]
        self.writer = csv.writer(file)
        self.writer.writerow([*head, *(f"{prefix}{model}" for prefix in prefixes for model in model_ids)])

    def add(self, name: str, choice: Choice | None, problem: str | None) -> None:
        """Write one row."""
        said = [problem or ""] if self.reported else []
        if choice is None:
            width = len(self.model_ids) * (3 if self.estimates else 1)
            self.writer.writerow([name, "", "", "", "", *said, *[""] * width])
            return
        numbers = [choice.quality, choice.cost]
        tables = [choice.scores, choice.expected_quality, choice.expected_cost]
        shown = [table[model] for table in tables if table is not None for model in self.model_ids]
        head = [name, choice.model_id, choice.model, *map(_text, numbers)]
        self.writer.writerow([*head, *said, *map(_text, shown)])


class LineAnswers(Answers):
    """JSON lines: `id` and the fields of a choice; unknown is null."""

    def add(self, name: str, choice: Choice | None, problem: str | None) -> None:
        """Write one line."""
        row: dict[str, Any] = {"id": name}
        row |= {"model_id": None, "model": None} if choice is None else _rounded(choice.to_plain())
        if self.reported:
            row["problem"] = problem
        self.file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def answers_for(path: Path) -> type[Answers]:
    """Return what writes a file of that ending."""
    return TableAnswers if path.suffix == ".csv" else LineAnswers


def _text(value: float | None) -> str:
    """Return a number with as many digits as float32 has (nine tell any two apart)."""
    return "" if value is None else f"{value:.9g}"


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any plain value
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return float(f"{value:.9g}") if isinstance(value, float) and math.isfinite(value) else value
