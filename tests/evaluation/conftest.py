"""What tests of evaluation share."""

import numpy as np
import pytest
from by_hand import make_outcomes

from vlrb.metrics.outcomes import Outcomes


@pytest.fixture
def outcomes() -> Outcomes:
    return make_outcomes()


@pytest.fixture
def decision() -> np.ndarray:
    return np.array([0, 1, 2, 1, 1, 0])
