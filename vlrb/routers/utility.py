"""The utility router: each model's probability of being right and its expected cost, weighed when deciding."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional as F

from vlrb.data.batch import Batch, decision_batch
from vlrb.data.datamodule import CALIBRATION_HALF, SELECTION_HALF
from vlrb.data.spec import DataSpec
from vlrb.routers.base import RouterModule, at_least, check_share
from vlrb.routers.calibration import Calibration
from vlrb.routers.members import Members, mean_probability_logit
from vlrb.routers.objective import Objective, right_or_wrong
from vlrb.routers.optimizer import adamw
from vlrb.routers.scaling import Standardizer
from vlrb.routers.utility_rule import Estimates, expected_utility
from vlrb.utils.console import say


class UtilityRouter(RouterModule):
    """Estimate per model p̂ = P(right | sample) and ĉ = E[cost | sample], and choose by p̂ − λ·ĉ/c₀.

    λ enters the decision alone, so one fit serves every λ. Unlike soft targets the objective is Fisher-consistent: its
    minimum over all functions is the true p and E[C], whatever the models have in common, and samples that no model
    solves count like any other.

    p̂: a small ensemble of perceptrons (`hidden=[]`: logistic regressions), binary cross-entropy over the known cells,
    then calibrated on dev (see `Calibration`). ĉ: a log-linear model of the cost in units of the model's mean training
    cost, by Poisson deviance: with a logarithmic link that is consistent for the mean, which decides, and takes costs
    of zero. Predicting both apart is CARROT's way (arXiv 2502.03261).

    Dev is used twice, on disjoint halves that keep related samples together: the dev loss that chooses the epoch sees
    one half, calibration the other.

    Args:
        name: Name in tables and folders.
        hidden: Width of each hidden layer of a member; none makes it linear.
        members: Networks whose probabilities are averaged.
        dropout: Share of hidden units dropped while training.
        input_dropout: Share of features dropped while training.
        clip: Standardised features are cut off at ± this many standard deviations (rare features reach far out).
        calibrate: Whether to calibrate on dev.
        lr: Learning rate of AdamW.
        weight_decay: Decoupled weight decay of the weights.
        batch_size: Samples per training batch, over all devices.
        max_epochs: Longest training, in epochs.
        patience: Stop after this many epochs without a lower dev loss.

    Raises:
        ConfigError: A number is out of range.
    """

    can_reweigh = True
    prior: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(
        self,
        name: str = "utility",
        hidden: Sequence[int] = (256,),
        members: int = 4,
        dropout: float = 0.5,
        input_dropout: float = 0.3,
        clip: float = 10.0,
        calibrate: bool = True,
        lr: float = 3e-4,
        weight_decay: float = 0.1,
        batch_size: int = 256,
        max_epochs: int = 100,
        patience: int = 10,
    ) -> None:
        super().__init__(name, batch_size, max_epochs, patience)
        for key, number in (*(("hidden", width) for width in hidden), ("members", members)):
            at_least(key, number, 1)
        for key, share in (("dropout", dropout), ("input_dropout", input_dropout)):
            check_share(key, share)
        at_least("clip", clip, 0, above=True)
        at_least("lr", lr, 0, above=True)
        at_least("weight_decay", weight_decay, 0)
        self.hidden = tuple(hidden)
        self.members = members
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.clip = clip
        self.calibrated = calibrate
        self.lr = lr
        self.weight_decay = weight_decay

    # --- building -----------------------------------------------------------------------------------------------------

    def build(self, spec: DataSpec) -> None:
        """Create both heads; they share the standardised features and nothing else."""
        self.scaler = Standardizer(spec.feature_dim)
        widths = (spec.feature_dim, *self.hidden, spec.n_models)
        self.accuracy_head = Members(self.members, widths, self.dropout, self.input_dropout)
        self.cost_head = nn.Linear(spec.feature_dim, spec.n_models)
        nn.init.zeros_(self.cost_head.weight)
        nn.init.zeros_(self.cost_head.bias)
        self.shrink = spec.feature_dim**-0.5
        self.calibration = Calibration(spec.n_models)
        self.register_buffer("prior", torch.zeros(spec.n_models))
        self.register_buffer("lowest", torch.full((spec.n_models,), -torch.inf))
        self.register_buffer("highest", torch.full((spec.n_models,), torch.inf))

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Take the statistics of the training split: features, how often models are right, and their range of costs.

        A model without a known cell gets the prior −∞, and so the probability 0.
        """
        outcomes: list[tuple[Tensor, Tensor]] = []

        def features() -> Iterator[Tensor]:
            for batch in batches:
                outcomes.append((batch["Y"], batch["C"]))
                yield batch["features"]

        self.scaler.fit(features())
        Y, C = (torch.cat(parts).to(self.prior) for parts in zip(*outcomes, strict=True))
        y, ratio = right_or_wrong(Y), self._ratio(C)
        known = (~y.isnan()).sum(dim=0)
        share = (y.nan_to_num().sum(dim=0) + 0.5) / (known + 1.0)  # never 0 or 1
        self.prior.copy_(torch.where(known > 0, share.logit(), -torch.inf))
        priced = (~ratio.isnan()).any(dim=0)  # the others keep their mean training cost, infinite or zero
        self.lowest.copy_(torch.where(priced, ratio.nan_to_num(nan=torch.inf).amin(dim=0).log(), 0.0))
        self.highest.copy_(torch.where(priced, ratio.nan_to_num(nan=-torch.inf).amax(dim=0).log(), 0.0))

    def _ratio(self, cost: Tensor) -> Tensor:
        """Return costs (B, M) in units of the model's mean training cost, NaN where that is unknown or zero."""
        unit = self.mean_train_cost
        usable = torch.isfinite(unit) & (unit > 0)
        return torch.where(usable, cost / unit, torch.nan)

    # --- deciding -----------------------------------------------------------------------------------------------------

    def estimates(self, batch: Batch) -> Estimates:
        """Return calibrated probabilities and expected costs (B, M); infinity where a model's cost is unknown."""
        x = self._scaled(batch["features"])
        probability = self.calibration(self._logits(x)).sigmoid()
        return Estimates(probability, self._cost(self._log_ratio(x)))

    def forward(self, batch: Batch) -> Tensor:
        """Return expected utilities (B, M)."""
        return expected_utility(*self.estimates(batch), self.spec.trade_off)

    def _scaled(self, features: Tensor) -> Tensor:
        standardized: Tensor = self.scaler(features)
        return standardized.clamp(-self.clip, self.clip)

    def _members(self, x: Tensor) -> Tensor:
        """Return each member's logits (K, B, M) before calibration."""
        logits: Tensor = self.accuracy_head(x) + self.prior
        return logits

    def _logits(self, x: Tensor) -> Tensor:
        return mean_probability_logit(self._members(x))

    def _log_ratio(self, x: Tensor) -> Tensor:
        log_ratio: Tensor = self.cost_head(F.dropout(x, self.input_dropout, self.training) * self.shrink)
        return log_ratio

    def _cost(self, log_ratio: Tensor) -> Tensor:
        """Return expected costs (B, M) in USD, none outside the range of the model's training costs."""
        return self.mean_train_cost * log_ratio.clamp(self.lowest, self.highest).exp()

    # --- learning -----------------------------------------------------------------------------------------------------

    def objective(self, batch: Batch) -> Objective:
        """Return the sum of both heads' losses per known cell; on dev, of the half that chooses the epoch.

        While training each member has its own loss, and they add up; on dev it is the loss of the averaged probability.
        """
        x = self._scaled(decision_batch(batch)["features"])
        counted = self.prior.isfinite().expand_as(batch["Y"])
        if "dev_half" in batch and self.calibrated:
            counted = counted & (batch["dev_half"] == SELECTION_HALF).unsqueeze(1)
        y = torch.where(counted, right_or_wrong(batch["Y"]), torch.nan)
        ratio = torch.where(counted, self._ratio(batch["C"]), torch.nan)
        members, log_ratio = self._members(x), self._log_ratio(x)
        logits = members if self.training else mean_probability_logit(members).unsqueeze(0)
        known = (~y.isnan()).sum().float()
        loss = (cross_entropy(logits, y) + poisson_deviance(log_ratio, ratio)) / known.clamp_min(1.0)
        probability = mean_probability_logit(members.detach()).sigmoid()
        return Objective(
            loss, expected_utility(probability, self._cost(log_ratio.detach()), self.spec.trade_off), known
        )

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW."""
        return adamw(self, self.lr, self.weight_decay)

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Fit slope and offsets on the dev half that did not choose the epoch."""
        if not self.calibrated:
            return
        logits, y = [], []
        for batch in batches:
            rows = batch["dev_half"] == CALIBRATION_HALF
            logits.append(self._logits(self._scaled(batch["features"][rows])))
            y.append(torch.where(self.prior.isfinite(), right_or_wrong(batch["Y"][rows]), torch.nan))
        samples = sum(map(len, y))
        if not samples:
            say(f"router {self.name!r} is not calibrated: no dev sample to do it with")
            return
        self.calibration.fit(torch.cat(logits), torch.cat(y))
        slope, offset = float(self.calibration.slope), self.calibration.offset
        found = f"slope {slope:.2f}, offsets {float(offset.min()):+.2f} to {float(offset.max()):+.2f}"
        say(f"router {self.name!r} calibrated on {samples:,} dev samples: {found}")


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the sum over members and known cells of −[y·log σ(z) + (1 − y)·log σ(−z)].

    Args:
        logits: z (K, B, M); −∞ only where no cell of the model is known.
        y: (B, M), NaN = unknown.

    >>> y = torch.tensor([[1.0, float("nan")]])
    >>> round(float(cross_entropy(torch.zeros(1, 1, 2), y)), 4)  # log 2 for the one known cell
    0.6931
    """
    known = ~y.isnan()
    z, y = logits[:, known], y[known]
    return F.binary_cross_entropy_with_logits(z, y.expand_as(z), reduction="sum")


def poisson_deviance(log_mean: Tensor, value: Tensor) -> Tensor:
    """Return half the Poisson deviance, the sum over known cells of v·ln(v/m) − v + m; lowest at the mean of v.

    Args:
        log_mean: ln m (B, M).
        value: v ≥ 0 (B, M), NaN = unknown.

    >>> v = torch.tensor([[1.0, 3.0, float("nan")]])
    >>> at = lambda m: round(float(poisson_deviance(torch.full((1, 3), m).log(), v)), 4)
    >>> at(1.0), at(2.0), at(3.0)  # at 2: (−ln 2 + 1) + (3 ln 1.5 − 1) = −.6931 + 1.2164
    (1.2958, 0.5232, 0.9014)
    """
    known = ~value.isnan()
    v, z = value[known], log_mean[known]
    return (torch.xlogy(v, v) - v * z - v + z.exp()).sum()
