"""A tiny evaluated set whose every figure can be checked by hand: 6 samples, 3 models, 2 datasets."""

import numpy as np

from vlrb.metrics.bounds import CostBounds
from vlrb.metrics.outcomes import Outcomes

#          small  middle  large
QUALITY = [
    [1.0, 1.0, 1.0],
    [0.0, 1.0, 1.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.6, 0.0],
    [0.0, 0.0, 0.0],
    [1.0, 0.0, 1.0],
]
COST = [0.001, 0.002, 0.008]
MODELS = ("small", "middle", "large")


def make_outcomes() -> Outcomes:
    return Outcomes(
        Y=np.array(QUALITY),
        C=np.tile(COST, (6, 1)),
        split_group=np.array([0, 0, 1, 2, 3, 4]),
        dataset=np.array([0, 0, 0, 1, 1, 1]),
        dataset_names=("alpha", "beta"),
        dataset_groups=("General", "STEM"),
        model_ids=MODELS,
        bounds=CostBounds(0.001, 0.008, "bounds"),
    )
