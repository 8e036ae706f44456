"""The base of all routers: one decision rule, one way of fitting, all that is learnt in parameters and buffers."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, cast

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics import MeanMetric

from vlrb.data.batch import Batch, decision_batch
from vlrb.data.datamodule import BatchSettings, BenchmarkDataModule
from vlrb.data.sampling import derive_seed
from vlrb.data.spec import DataSpec
from vlrb.routers.accumulation import StepWeight
from vlrb.routers.best_epoch import BestEpoch
from vlrb.routers.dev_metrics import DevMetrics
from vlrb.routers.objective import Objective, soft_cross_entropy
from vlrb.routers.utility_rule import Estimates
from vlrb.schema import DEV
from vlrb.utils.errors import ConfigError, StateError


class TrainingArrays(NamedTuple):
    """The whole training split: `features` (n, D), width 0 if the router reads none; the rest as in `Batch`."""

    features: Tensor
    targets: Tensor
    weight: Tensor
    Y: Tensor
    C: Tensor
    dataset: Tensor


class RouterModule(L.LightningModule):
    """A router: `forward(batch)` gives scores (B, M), higher = choose; `decide(scores)` gives the chosen columns.

    Subclasses build parameters in `build(spec)`. A gradient router gives `configure_optimizers` and, where it is not
    soft-target cross-entropy, `objective`; a closed-form router sets `closed_form = True` and learns in `fit_arrays`,
    which sees the training split once, whole and in order. Both go through `Trainer.fit`.

    Args:
        name: Name in tables and folders.
        batch_size: Samples per training batch, over all devices.
        max_epochs: Longest training, in epochs.
        patience: Stop after this many epochs without a lower dev loss; the best epoch's weights are kept anyway.

    Raises:
        ConfigError: A number is out of range.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"features"})
    learns_from: ClassVar[frozenset[str]] = frozenset()  # read in training and on dev besides, never to decide
    closed_form: ClassVar[bool] = False
    shared_buffers: ClassVar[tuple[str, ...]] = ()  # large buffers that many runs have in common (checkpoint.py)
    can_reweigh: bool = False  # True: scores are `expected_utility(p̂, ĉ, spec.trade_off)`, λ has no other part
    resumable: ClassVar[bool] = False  # True: training takes long, so each epoch is kept and a killed run goes on
    is_bound: ClassVar[bool] = False  # True: it may see the outcomes it is judged by, so it is no router but a bound

    mean_train_cost: Tensor
    tie_order: Tensor

    def __init__(self, name: str, batch_size: int = 4096, max_epochs: int = 1, patience: int = 1) -> None:
        super().__init__()
        for key, number in (("batch_size", batch_size), ("max_epochs", max_epochs), ("patience", patience)):
            at_least(key, number, 1)
        self.name = name
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.automatic_optimization = not self.closed_form
        self._spec: DataSpec | None = None
        self._fitted_buffers: list[str] = []
        self._collected: list[Batch] = []
        self._step_weight = StepWeight()

    # --- building -----------------------------------------------------------------------------------------------------

    def bind(self, spec: DataSpec) -> Self:
        """Build parameters and buffers for the shapes of the data; initial weights depend on the spec's seed alone."""
        if self._spec is not None:
            raise StateError(f"router {self.name!r} is already bound to data", "build a new one")
        self._spec = spec
        costs = torch.tensor(spec.mean_train_cost, dtype=torch.float64)
        self.register_buffer("mean_train_cost", costs.float())
        self.register_buffer("tie_order", torch.argsort(costs, stable=True), persistent=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed("weights", spec.seed))
            self.build(spec)
        self.train_loss = MeanMetric()
        self.dev_metrics = DevMetrics(spec)
        return self

    @property
    def spec(self) -> DataSpec:
        """The data that this router is bound to."""
        if self._spec is None:
            raise StateError(f"router {self.name!r} is not bound to data yet", "call bind(spec) first")
        return self._spec

    def build(self, spec: DataSpec) -> None:
        """Create parameters and buffers (hook)."""

    def register_fitted(self, *names: str, dtype: torch.dtype = torch.float32) -> None:
        """Register buffers whose shape is known only after fitting; loading gives them the stored shape."""
        for name in names:
            self.register_buffer(name, torch.empty(0, dtype=dtype))
            self._fitted_buffers.append(name)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:  # noqa: ANN401
        for name in self._fitted_buffers:
            if (stored := state_dict.get(prefix + name)) is not None:
                setattr(self, name, getattr(self, name).new_empty(stored.shape, dtype=stored.dtype))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def batch_settings(self, seed: int, workers: int = 0) -> BatchSettings:
        """Return how this router wants its batches."""
        return BatchSettings(
            self.inputs,
            self.batch_size,
            seed,
            shuffle=not self.closed_form,
            workers=workers,
            learns_from=self.learns_from,
        )

    def write_parts(self, folder: Path) -> None:
        """Write what a fresh router needs before its weights can be loaded (hook)."""

    def read_parts(self, folder: Path) -> None:
        """Read what `write_parts` wrote, before `bind` (hook)."""

    # --- deciding -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Return scores (B, M), higher = choose, each row independent of the others."""

    def decide(self, scores: Tensor) -> Tensor:
        """Return the chosen columns (B,) int64: highest score, then lower mean training cost, then column order.

        Raises:
            StateError: A score is NaN.
        """
        if torch.isnan(scores).any():
            raise StateError(f"router {self.name!r} gave a score that is not a number")
        order = self.tie_order.to(scores.device)
        return order[scores[:, order].argmax(dim=1)]

    def with_trade_off(self, value: float) -> Self:
        """Decide by another λ from here on, in the units (cost scale) that were frozen at training.

        Raises:
            StateError: λ is in what the router has learnt.
        """
        if not self.can_reweigh:
            raise StateError(f"router {self.name!r} cannot be given another λ: it is in what it has learnt")
        self._spec = replace(self.spec, trade_off=replace(self.spec.trade_off, value=value))
        return self

    def estimates(self, batch: Batch) -> Estimates | None:
        """Return p̂ and ĉ (B, M) of a router that can be reweighed, None of another.

        The two limits of the expected utility give them: it is p̂ at λ=0, and −ĉ/c₀ at λ=∞.
        """
        if not self.can_reweigh:
            return None
        spec = self.spec
        try:
            accuracy = self.with_trade_off(0.0)(batch)
            cost = self.with_trade_off(math.inf)(batch)
        finally:
            self._spec = spec
        return Estimates(accuracy, -cost / spec.trade_off.scale)

    def predict_step(self, batch: Batch, batch_idx: int = 0) -> Tensor:
        """Return the scores (B, M) of a batch to decide on."""
        return cast("Tensor", self(decision_batch(batch, self.inputs)))

    # --- learning -----------------------------------------------------------------------------------------------------

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Look at the training split once, in order, before the first epoch (hook), e.g. for feature statistics."""

    def objective(self, batch: Batch) -> Objective:
        """Return the loss of a batch with outcomes: soft-target cross-entropy, rows of weight 0 ignored."""
        scores = self(decision_batch(batch))
        return Objective(soft_cross_entropy(scores, batch["targets"], batch["weight"]), scores)

    def fit_arrays(self, train: TrainingArrays) -> None:
        """Learn from the whole training split (closed-form routers)."""
        raise NotImplementedError(f"{type(self).__name__} is closed-form and must define fit_arrays")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimiser of a gradient router; closed-form routers have none."""
        if not self.closed_form:
            raise NotImplementedError(f"{type(self).__name__} learns by gradients and must define configure_optimizers")
        return []  # None would do, but Lightning warns about it

    def configure_callbacks(self) -> list[Callback]:
        """Return the callback that keeps the epoch with the lowest dev loss (gradient routers)."""
        present = any(isinstance(callback, BestEpoch) for callback in cast("Any", self.trainer).callbacks)
        return [] if self.closed_form or present else [BestEpoch(self.patience)]

    def on_fit_start(self) -> None:
        """Give gradient routers their one look at the training split."""
        if self.closed_form:
            self._collected = []
        else:
            data = cast("Any", self.trainer).datamodule
            if not isinstance(data, BenchmarkDataModule):
                raise StateError("routers are fitted with Trainer.fit(router, datamodule=BenchmarkDataModule(...))")
            self.prepare(data.fitting_batches())

    def training_step(self, batch: Batch, batch_idx: int = 0) -> Tensor | None:
        """Return the loss, or, for closed-form routers, collect the batch and fit after the last one."""
        if self.closed_form:
            self._collected.append(batch)
            if self.trainer.is_last_batch:
                self._fit_collected()
            return None
        # Dropout draws from the global generator: seeded per step, any epoch can be repeated, also after a restart.
        torch.manual_seed(derive_seed("step", self.spec.seed, self.current_epoch, batch_idx, self.global_rank))
        found = self.objective(batch)
        weight = found.weight_in(batch)
        self.train_loss.update(found.loss.detach(), weight)
        return found.loss * self._step_weight.share(weight, self.trainer)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Turn gradients that were added up over batches into those of the mean over all rows of the step."""
        self._step_weight.average(optimizer, self.trainer)

    def _fit_collected(self) -> None:
        if self.trainer.world_size > 1:
            raise ConfigError(f"router {self.name!r} is fitted in one piece", "use one device: trainer.devices=1")
        batches, self._collected = self._collected, []
        rows = len(batches[0]["index"])
        empty = torch.empty(rows, 0, device=batches[0]["index"].device)
        parts: dict[str, Tensor] = {}
        for key in TrainingArrays._fields:
            pieces = [cast("dict[str, Tensor]", b).get(key, empty[: len(b["index"])]) for b in batches]
            parts[key] = torch.cat(pieces)
        del batches
        with torch.no_grad():
            self.fit_arrays(TrainingArrays(**parts))

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Calibrate what was learnt, on dev, the best epoch's weights in place (hook); no batches without a dev split.

        Each device sees the whole dev split, and `dev_half` tells the half for this from that of the dev loss.
        """

    def on_train_end(self) -> None:
        """Give the router its look at dev, after the callbacks have put the best epoch's weights back."""
        data = cast("Any", self.trainer).datamodule
        if isinstance(data, BenchmarkDataModule):
            self.eval()
            batches = data.split_batches(DEV)
            with torch.no_grad():
                self.calibrate(self.transfer_batch_to_device(batch, self.device, 0) for batch in batches)

    def on_train_epoch_end(self) -> None:
        """Log the epoch's mean training loss."""
        if self.train_loss.update_called:
            self.log("train/loss", self.train_loss.compute(), sync_dist=True)
            self.train_loss.reset()

    def validation_step(self, batch: Batch, batch_idx: int = 0) -> None:
        """Take one dev batch into the dev loss, accuracy, cost and Rank Score."""
        if self.closed_form:
            scores = self(decision_batch(batch, self.inputs))
        else:
            found = self.objective(batch)
            scores = found.scores
            self.dev_metrics.update_loss(found.loss, found.weight_in(batch))
        self.dev_metrics.update(self.decide(scores), batch)

    def on_validation_epoch_end(self) -> None:
        """Log the dev figures as ``dev/…``."""
        self.log_dict({f"dev/{k}": v for k, v in self.dev_metrics.compute().items()}, sync_dist=True)
        self.dev_metrics.reset()


def check_share(key: str, share: float) -> None:
    """Raise ConfigError unless 0 ≤ share < 1."""
    if not 0 <= share < 1:
        raise ConfigError(f"router.{key} must be at least 0 and below 1, not {share}")


def at_least(key: str, number: float, lowest: float, *, above: bool = False) -> None:
    """Raise ConfigError unless `number` ≥ `lowest` (> if `above`); NaN and infinity are refused."""
    if not (lowest < number < float("inf") if above else lowest <= number < float("inf")):
        raise ConfigError(f"router.{key} must be {'above' if above else 'at least'} {lowest}, not {number}")
