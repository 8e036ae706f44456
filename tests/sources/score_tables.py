"""What tests of scoring rules share: tables of text, comparison of grades, and one table of MathVista rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

UNKNOWN = float("nan")


def table(**columns: Sequence[Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array(list(values), dtype="str") for name, values in columns.items()})


def check(quality: np.ndarray, expected: Sequence[float]) -> None:
    assert quality.dtype == np.float32
    np.testing.assert_allclose(quality, np.array(expected, np.float32), rtol=1e-6)


VISTA = {
    "question_type": ["multi_choice", "multi_choice", "multi_choice"] + ["free_form"] * 7,
    "answer_type": ["text", "text", "text", "integer", "integer", "integer", "float", "float", "text", "list"],
    "choices": ["['1 cm', '2 cm']"] * 3 + [""] * 7,
    "answer": ["2 cm", "2 cm", "2 cm", "3", "3", "3", "1.5", "0.3", "left", "[1, 2]"],
    "answer_option": ["B", "B", "B"] + [""] * 7,
}
