"""What surrounds a router's point in the accuracy–cost plane: every single model, and more on synthetic data.

`landscape.json` of a run holds, per split, `models` (accuracy, quality and cost of always choosing one model) and, on
synthetic data, what report code adds: `frontier` and `expected`. Of the training split it holds the models alone: what
is chosen among single models is chosen there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlrb.metrics.grouped import figures
from vlrb.metrics.outcomes import Outcomes
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import read_json, write_json

LANDSCAPE_FILE = "landscape.json"


def single_models(outcomes: Outcomes) -> dict[str, dict[str, float | None]]:
    """Return accuracy, quality, cost and Rank Score of every single model, by id; None where undefined.

    A model with unknown cells is undefined: its mean would be over other samples than its neighbours'.
    """
    out = {}
    for column, model_id in enumerate(outcomes.model_ids):
        found = figures(outcomes.single(column), outcomes.bounds)
        out[model_id] = {name: getattr(found, name).value for name in ("accuracy", "quality", "cost", "rank_score")}
    return out


def write_landscape(folder: Path, splits: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write `landscape.json` of a run: split → `{"models": …, "frontier": …, "expected": …}`."""
    path = Path(folder) / LANDSCAPE_FILE
    write_json(path, {split: dict(parts) for split, parts in splits.items()})
    return path


def read_landscape(folder: Path) -> dict[str, dict[str, Any]]:
    """Read `landscape.json` of a run.

    Raises:
        StateError: The file is missing or damaged.
    """
    try:
        found: dict[str, dict[str, Any]] = read_json(Path(folder) / LANDSCAPE_FILE)
    except DataError as error:
        raise StateError(error.message, "train this run again with overwrite=true") from error
    return found
