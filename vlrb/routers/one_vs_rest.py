"""One classifier per model: will it be right? All are solved together, to their optimum."""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from vlrb.data.batch import Batch
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, TrainingArrays, at_least
from vlrb.routers.lbfgs import lowest
from vlrb.routers.objective import right_or_wrong
from vlrb.routers.scaling import Standardizer
from vlrb.routers.utility_rule import expected_utility
from vlrb.utils.errors import ConfigError, DataError


class OneVsRestRouter(RouterModule):
    """Score models by P(right) of one logistic regression each, and by their mean training cost.

    Each model's regression is fitted on the samples where its outcome is known and is scikit-learn's
    `LogisticRegression(C=C)`: the log loss is proper and the intercept free, so mean p̂ on train is the model's
    training accuracy, and probabilities of different models may be compared. The score is the expected utility
    p̂ − λ·ĉ/c₀ (`expected_utility`): λ=0 is the accuracy rule. A model that is always right, or never, on its n known
    samples has nothing to separate and gets the constant (right + 1) / (n + 2); one that is known nowhere gets 0.

    The published router (VL-RouterBench, OVR) balances the classes, which moves every model's mean p̂ to about 1/2 and
    so favours models that are seldom right, drops the samples that no model solves, and ignores cost and λ:
    `balanced`, `drop_unsolved`, `rule="accuracy"`.

    Args:
        name: Name in tables and folders.
        C: Inverse strength of the L2 penalty on the weights, as in scikit-learn.
        scale_by_width: Divide standardised features by √D, so that rows have a length near 1 and C means the same at
            any width.
        balanced: Weigh right and wrong so that both count half in each regression.
        drop_unsolved: Leave samples without any right model out.
        rule: ``utility``, or ``accuracy``: P(right) alone, whatever λ.
        max_iterations: Most L-BFGS iterations.
        tolerance: Stop when the largest gradient entry is below this.

    Raises:
        ConfigError: A number is out of range or not one of the choices.
    """

    closed_form: ClassVar[bool] = True

    def __init__(
        self,
        name: str = "ovr",
        C: float = 1.0,
        scale_by_width: bool = True,
        balanced: bool = False,
        drop_unsolved: bool = False,
        rule: Literal["utility", "accuracy"] = "utility",
        max_iterations: int = 1000,
        tolerance: float = 1e-6,
    ) -> None:
        super().__init__(name)
        at_least("C", C, 0, above=True)
        at_least("max_iterations", max_iterations, 1)
        at_least("tolerance", tolerance, 0, above=True)
        if rule not in ("utility", "accuracy"):
            raise ConfigError("router.rule is utility or accuracy")
        self.C = C
        self.scale_by_width = scale_by_width
        self.balanced = balanced
        self.drop_unsolved = drop_unsolved
        self.rule = rule
        self.can_reweigh = rule == "utility"
        self.max_iterations = max_iterations
        self.tolerance = tolerance

    def build(self, spec: DataSpec) -> None:
        """Create the map D → M."""
        self.scaler = Standardizer(spec.feature_dim)
        self.shrink = spec.feature_dim**-0.5 if self.scale_by_width else 1.0
        self.linear = nn.Linear(spec.feature_dim, spec.n_models)

    def _scaled(self, features: Tensor) -> Tensor:
        standardized: Tensor = self.scaler(features)
        return standardized * self.shrink

    def probabilities(self, features: Tensor) -> Tensor:
        """Return p̂ (B, M): how likely each model is to be right."""
        return torch.sigmoid(self.linear(self._scaled(features)))

    def forward(self, batch: Batch) -> Tensor:
        """Return expected utilities, or probabilities (B, M)."""
        accuracy = self.probabilities(batch["features"])
        if self.rule == "accuracy":
            return accuracy
        return expected_utility(accuracy, self.mean_train_cost.expand_as(accuracy), self.spec.trade_off)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Fit the classifiers by L-BFGS in float64."""
        self.scaler.fit([train.features])
        y = right_or_wrong(train.Y).double().cpu()
        X = self._scaled(train.features).double().cpu()
        if self.drop_unsolved:
            solved = (y == 1).any(dim=1)
            if not solved.any():
                raise DataError("no training sample has a correct model")
            X, y = X[solved], y[solved]
        known = ~y.isnan()
        y = y.nan_to_num()
        right, count = y.sum(dim=0), known.sum(dim=0)
        mixed = (right > 0) & (right < count)
        self.linear.weight.zero_()
        self.linear.bias.copy_(constant_logit(right, count))
        if mixed.any():
            weight = class_weights(y, known) if self.balanced else known.double()
            objective = BinaryLogistic(X, y[:, mixed], weight[:, mixed], self.C)
            found = lowest(objective, objective.start(), self.name, self.max_iterations, self.tolerance)
            A, b = objective.unpack(found)
            self.linear.weight[mixed] = A.to(self.linear.weight)
            self.linear.bias[mixed] = b.to(self.linear.bias)


def constant_logit(right: Tensor, count: Tensor) -> Tensor:
    """Return the log odds of (right + 1) / (count + 2), Laplace's rule of succession; −inf where nothing is known.

    >>> constant_logit(torch.tensor([3.0, 0.0]), torch.tensor([3.0, 0.0])).exp().tolist()  # 4/5 is 4 : 1
    [4.0, 0.0]
    """
    odds = torch.log((right + 1) / (count - right + 1))
    return torch.where(count > 0, odds, -torch.inf)


def class_weights(y: Tensor, known: Tensor) -> Tensor:
    """Return weights (n, M) with which right and wrong count half each: n / (2 · class size); 0 where unknown.

    >>> class_weights(torch.tensor([[1.0], [0.0], [0.0], [0.0]]), torch.ones(4, 1).bool()).flatten().tolist()
    [2.0, 0.6666666865348816, 0.6666666865348816, 0.6666666865348816]
    """
    right, count = y.sum(dim=0), known.sum(dim=0)
    size = torch.where(y == 1, right, count - right)
    return known * count / (2 * size.clamp_min(1))


class BinaryLogistic:
    """Value and gradient of M penalised logistic regressions at once, in float64.

    Sums over models: (Σᵢ wᵢₘ·lossᵢₘ + ‖aₘ‖² / (2C)) / Σᵢ wᵢₘ. The parts share no parameter, so the optimum of the sum
    is the optimum of each.

    Args:
        X: (n, D) features.
        Z: (n, M) targets in [0, 1].
        W: (n, M) weights ≥ 0, 0 = unknown; each column has a positive one.
        C: Inverse strength of the penalty.
    """

    def __init__(self, X: Tensor, Z: Tensor, W: Tensor, C: float) -> None:
        total = W.sum(dim=0)
        self.X, self.Z, self.W = X, Z, W / total
        self.penalty = (1.0 / (C * total)).unsqueeze(1)
        self.dim, self.n_models = X.shape[1], Z.shape[1]

    def start(self) -> np.ndarray:
        """Return zero weights and, as intercepts, the log odds of the mean targets (the optimum without features)."""
        x = np.zeros(self.n_models * (self.dim + 1))
        x[self.n_models * self.dim :] = torch.logit((self.W * self.Z).sum(dim=0), eps=1e-6).numpy()
        return x

    def unpack(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights (M, D) and intercepts (M,)."""
        cut = self.n_models * self.dim
        return x[:cut].reshape(self.n_models, self.dim), x[cut:]

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the objective and its gradient at a flat parameter vector."""
        A, b = self.unpack(torch.from_numpy(x))
        logits = self.X @ A.T + b
        value, residual = log_loss(logits, self.Z, self.W)
        value += 0.5 * float((self.penalty * A.square()).sum())
        gradient = torch.cat([(residual.T @ self.X + self.penalty * A).reshape(-1), residual.sum(dim=0)])
        return value, gradient.numpy()


def log_loss(logits: Tensor, Z: Tensor, W: Tensor) -> tuple[float, Tensor]:
    """Return Σ W·(log(1 + e^s) − Z·s) and its gradient (n, M) with respect to the logits s."""
    value = float((W * (softplus(logits) - Z * logits)).sum())
    return value, W * (torch.sigmoid(logits) - Z)
