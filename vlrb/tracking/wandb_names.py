"""Names of figures in W&B that more than one place must agree on."""

from typing import Final

CURVES: Final = "curves/"  # before every figure of an epoch; figures of the finished run stand without
CURVE_NAMES: Final = ("train/loss", "dev/loss", "dev/accuracy", "dev/cost", "dev/rank_score", "lr")
