"""`reliability.csv` of a run: how often its router's probabilities came true, by split and bin."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from vlrb.metrics.calibration import Reliability, brier_score, expected_calibration_error, reliability_curve
from vlrb.schema import SPLIT, SplitName
from vlrb.utils.files import write_text

RELIABILITY_FILE = "reliability.csv"


def calibration_metrics(probability: np.ndarray, Y: np.ndarray) -> dict[str, float | None]:
    """Return Brier score and expected calibration error over all known cells, without a split prefix."""
    return {"brier": brier_score(probability, Y).value, "ece": expected_calibration_error(probability, Y).value}


def write_reliability(folder: Path, splits: Mapping[SplitName, tuple[np.ndarray, np.ndarray]]) -> Path:
    """Write `reliability.csv` from probabilities and qualities, (n, m) each, by split."""
    curves = {split: reliability_curve(probability, Y) for split, (probability, Y) in splits.items()}
    tables = [pd.DataFrame(curve._asdict()).assign(**{SPLIT: split}) for split, curve in curves.items()]
    table = pd.concat(tables)[[SPLIT, *Reliability._fields]]
    path = Path(folder) / RELIABILITY_FILE
    write_text(path, table.to_csv(index=False, float_format="%.8g", lineterminator="\n"))
    return path


def read_reliability(folder: Path, split: str) -> Reliability | None:
    """Read one split of a run's reliability; None if its router states no probabilities."""
    path = Path(folder) / RELIABILITY_FILE
    if not path.is_file():
        return None
    table = pd.read_csv(path)
    table = table[table[SPLIT] == split]
    return Reliability(*(table[name].to_numpy() for name in Reliability._fields)) if len(table) else None
