"""The linear router: multinomial logistic regression on soft targets, solved to its optimum."""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, TrainingArrays, at_least
from vlrb.routers.lbfgs import lowest
from vlrb.routers.scaling import Standardizer
from vlrb.schema import CORRECT_THRESHOLD
from vlrb.utils.errors import ConfigError, DataError


class LinearRouter(RouterModule):
    """Score models by a linear map, fitted by soft-target cross-entropy with an L2 penalty on the weights.

    Minimises Σᵢ wᵢ·CEᵢ / W + ‖A‖² / (2·C·W) with W = Σᵢ wᵢ; the intercept is free. On hard labels this is
    scikit-learn's `LogisticRegression(C=C)`. Convex, so the result does not depend on a seed.

    ``penalty="published"`` (VL-RouterBench, linear) adds (‖A‖² + ‖b‖²) / (2·C) to the mean loss undivided, which is W
    times as strong, flattens the weights and draws the intercepts to equality. The published code takes 200 steps of
    Adam towards that optimum; here it is reached. Its hard labels are λ=∞, and it does not take part in any fallback:
    `drop_unsolved`.

    Args:
        name: Name in tables and folders.
        C: Inverse strength of the penalty, as in scikit-learn.
        standardize: Standardise features with training statistics first.
        scale_by_width: Divide standardised features by √D, so that rows have a length near 1 and C means the same at
            any width.
        penalty: ``standard``: as in scikit-learn | ``published``: W times as strong, intercepts included.
        drop_unsolved: Leave samples without any right model out, whatever ``lambda.fallback``.
        max_iterations: Most L-BFGS iterations.
        tolerance: Stop when the largest gradient entry is below this.

    Raises:
        ConfigError: A number is out of range or not one of the choices.
    """

    closed_form: ClassVar[bool] = True

    def __init__(
        self,
        name: str = "linear",
        C: float = 1.0,
        standardize: bool = True,
        scale_by_width: bool = True,
        penalty: Literal["standard", "published"] = "standard",
        drop_unsolved: bool = False,
        max_iterations: int = 500,
        tolerance: float = 1e-6,
    ) -> None:
        super().__init__(name)
        at_least("C", C, 0, above=True)
        at_least("max_iterations", max_iterations, 1)
        at_least("tolerance", tolerance, 0, above=True)
        if penalty not in ("standard", "published"):
            raise ConfigError("router.penalty is standard or published")
        self.C = C
        self.standardize = standardize
        self.scale_by_width = scale_by_width
        self.penalty = penalty
        self.drop_unsolved = drop_unsolved
        self.max_iterations = max_iterations
        self.tolerance = tolerance

    def build(self, spec: DataSpec) -> None:
        """Create the map D → M."""
        self.scaler = Standardizer(spec.feature_dim, enabled=self.standardize)
        self.shrink = spec.feature_dim**-0.5 if self.standardize and self.scale_by_width else 1.0
        self.linear = nn.Linear(spec.feature_dim, spec.n_models)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, M)."""
        logits: Tensor = self.linear(self._scaled(batch["features"]))
        return logits

    def _scaled(self, features: Tensor) -> Tensor:
        standardized: Tensor = self.scaler(features)
        return standardized * self.shrink

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Find the optimum by L-BFGS in float64."""
        self.scaler.fit([train.features])
        kept = train.weight > 0
        if self.drop_unsolved:
            kept &= (train.Y >= CORRECT_THRESHOLD).any(dim=1)
        if not kept.any():
            raise DataError("no training sample has a correct model")
        objective = SoftLogistic(
            self._scaled(train.features[kept]).double().cpu(),
            train.targets[kept].double().cpu(),
            train.weight[kept].double().cpu(),
            self.C,
            published=self.penalty == "published",
        )
        found = lowest(objective, objective.start(), self.name, self.max_iterations, self.tolerance)
        A, b = objective.unpack(found)
        self.linear.weight.copy_(A)
        self.linear.bias.copy_(b)


class SoftLogistic:
    """Value and gradient of the penalised soft-target cross-entropy, in float64.

    Args:
        X: (n, D) features.
        T: (n, M) targets, rows sum to 1.
        w: (n,) weights > 0.
        C: Inverse strength of the penalty.
        published: Add the penalty to the mean loss undivided, and on the intercepts too.
    """

    def __init__(self, X: Tensor, T: Tensor, w: Tensor, C: float, *, published: bool = False) -> None:
        self.X, self.T, self.w = X, T, w
        self.total = float(w.sum())
        self.penalty = 1.0 / C if published else 1.0 / (C * self.total)
        self.on_intercepts = self.penalty if published else 0.0
        self.dim, self.n_models = X.shape[1], T.shape[1]

    def start(self) -> np.ndarray:
        """Return zero weights and, as intercepts, the log of the mean targets (the optimum without features)."""
        share = (self.w[:, None] * self.T).sum(dim=0) / self.total
        x = np.zeros(self.n_models * (self.dim + 1))
        x[self.n_models * self.dim :] = torch.log(share.clamp_min(1e-6)).numpy()
        return x

    def unpack(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights (M, D) and intercepts (M,)."""
        cut = self.n_models * self.dim
        return x[:cut].reshape(self.n_models, self.dim), x[cut:]

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the objective and its gradient at a flat parameter vector."""
        A, b = self.unpack(torch.from_numpy(x))
        log_p = torch.log_softmax(self.X @ A.T + b, dim=1)
        scaled = self.w[:, None] / self.total
        value = float(-(scaled * self.T * log_p).sum() + 0.5 * self.penalty * A.square().sum())
        value += 0.5 * self.on_intercepts * float(b.square().sum())
        residual = scaled * (log_p.exp() - self.T)
        on_b = residual.sum(dim=0) + self.on_intercepts * b
        return value, torch.cat([(residual.T @ self.X + self.penalty * A).reshape(-1), on_b]).numpy()
