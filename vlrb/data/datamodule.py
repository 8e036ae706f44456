"""The only way from a benchmark to a Trainer: splits, soft targets and inputs, as whole-index batches."""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from vlrb.data.batch import DATASET, FEATURES, INPUTS, OUTCOMES, RAW, Batch, group_halves, sample_keys
from vlrb.data.dataset import OutcomeTensors, SampleBatches
from vlrb.data.loader import make_loader
from vlrb.data.sampling import EpochBatches
from vlrb.data.sources import BoundSource, InputSource
from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.schema import DEV, SPLITS, TRAIN
from vlrb.utils.errors import ConfigError, DataError, StateError

if TYPE_CHECKING:
    from vlrb.benchmark.view import BenchmarkView

UNSEEN_DATASET = -1
SELECTION_HALF, CALIBRATION_HALF = 0, 1  # of dev, in a batch's `dev_half`: for the dev loss, and for calibration


@dataclass(frozen=True)
class BatchSettings:
    """How batches are made.

    Args:
        inputs: What the router reads, a subset of {features, raw, dataset, outcomes}.
        learns_from: What it reads in training and on dev besides, never when it decides.
        batch_size: Samples per training batch, over all devices.
        seed: Seed of the run (order of the samples).
        shuffle: Visit the training samples in a new order each epoch.
        eval_batch_size: Samples per batch on dev and when deciding.
        workers: Processes that prepare batches, shared by the devices; 0 = in the device's own.

    Raises:
        ConfigError: An unknown input or a size out of range.
    """

    inputs: frozenset[str]
    batch_size: int = 1024
    seed: int = 0
    shuffle: bool = True
    eval_batch_size: int = 1024
    workers: int = 0
    learns_from: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := (self.inputs | self.learns_from) - INPUTS:
            raise ConfigError(f"unknown router inputs {sorted(unknown)}", f"valid: {', '.join(sorted(INPUTS))}")
        if self.batch_size < 1 or self.eval_batch_size < 1 or self.workers < 0:
            raise ConfigError("batch_size and eval_batch_size must be at least 1, workers at least 0")


class DecisionData(L.LightningDataModule):
    """Samples to decide on: inputs alone. Neither its batches nor the object hold any outcome (but for a bound)."""

    def __init__(self, dataset: SampleBatches, sample_ids: Sequence[str], settings: BatchSettings) -> None:
        super().__init__()
        self._dataset = dataset
        self._settings = settings
        self.sample_ids = list(sample_ids)

    def __len__(self) -> int:
        return len(self._dataset)

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return batches in the order of `sample_ids`."""
        batches = EpochBatches(self._dataset, self._settings.eval_batch_size)
        return make_loader(self._dataset, batches, self._settings.workers, self.trainer, again=False)

    def rows(self, positions: Tensor | Sequence[int]) -> Batch:
        """Return one batch of the given positions."""
        return self._dataset[positions]


class BenchmarkDataModule(L.LightningDataModule):
    """Batches of one benchmark view for one router.

    Soft targets are made for train (and for dev, for the dev loss) only. Outcomes of other splits are not kept, unless
    the router declares "outcomes" (the oracle, a bound). A frozen `spec` (of a trained router) keeps its cost scale.

    Args:
        view: The rows, columns and outcomes chosen from the benchmark.
        sources: Inputs by name, e.g. ``{"features": FusedFeatures(...)}``; those that the router does not read are
            ignored.
        trade_off: λ and its settings.
        settings: Batch size, seed, inputs.
        spec: Spec of an already trained router; None makes a new one.

    Raises:
        ConfigError: The router needs an input that has no source.
        DataError: The training split is empty or has no usable target.
        StateError: `spec` was made for other models or other features.
    """

    def __init__(
        self,
        view: "BenchmarkView",
        sources: Mapping[str, InputSource],
        trade_off: TradeOff,
        settings: BatchSettings,
        spec: DataSpec | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._sample_ids = np.asarray(view.sample_ids).astype(str)
        split = np.asarray(view.split).astype(str)
        self._index = {name: np.flatnonzero(split == name) for name in SPLITS}
        used = _used_sources(sources, settings.inputs)
        extra = _used_sources(sources, settings.learns_from - settings.inputs)
        self.spec = spec or _new_spec(view, self._index[TRAIN], trade_off, settings.seed, _dim([*used, *extra]))
        reads_features = FEATURES in settings.inputs | settings.learns_from
        _check_spec(self.spec, view, _dim([*used, *extra]) if reads_features else None)
        self._columns = {
            "sample_key": torch.from_numpy(sample_keys(self._sample_ids)),
            DATASET: torch.from_numpy(_codes(view, self.spec)),
        }
        self._dev_half = self._halves(view)
        self._bound = [source.at(np.asarray(view.rows), self._sample_ids.tolist()) for source in used]
        self._extra = [source.at(np.asarray(view.rows), self._sample_ids.tolist()) for source in extra]
        self._learnable = self._learnable_rows()
        self._outcomes = {name: self._outcomes_of(view, name) for name in self._splits_with_outcomes()}

    def _halves(self, view: "BenchmarkView") -> Tensor:
        """Return the half of each sample (n,); of use on dev alone."""
        if not self.split_size(DEV):
            return torch.zeros(len(self._sample_ids), dtype=torch.int64)
        return torch.from_numpy(group_halves(self._columns["sample_key"].numpy(), np.asarray(view.split_group)))

    def _splits_with_outcomes(self) -> tuple[str, ...]:
        return SPLITS if OUTCOMES in self.settings.inputs else (TRAIN, DEV)

    def _learnable_rows(self) -> dict[str, np.ndarray]:
        """Return the rows of each split that batches with outcomes hold: not those whose pictures are unreadable."""
        unusable = np.zeros(len(self._sample_ids), dtype=bool)
        for source in [*self._bound, *self._extra]:
            unusable |= getattr(source, "unusable", False)
        return {name: rows[~unusable[rows]] for name, rows in self._index.items()}

    def _outcomes_of(self, view: "BenchmarkView", split: str) -> OutcomeTensors:
        rows = self._learnable[split]
        return OutcomeTensors.of(np.asarray(view.Y)[rows], np.asarray(view.C)[rows], self.spec.trade_off)

    def split_size(self, split: str) -> int:
        """Return the number of samples of a split."""
        return len(self._index[split])

    def _dataset(self, split: str, outcomes: OutcomeTensors | None, sources: Sequence[BoundSource]) -> SampleBatches:
        columns = dict(self._columns)
        if split == DEV and outcomes is not None:
            columns["dev_half"] = self._dev_half
        rows = self._index[split] if outcomes is None else self._learnable[split]
        return SampleBatches(torch.from_numpy(rows), columns, sources, outcomes)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return shuffled training batches; of several devices each takes its share of every batch."""
        dataset = self._dataset(TRAIN, self._outcomes[TRAIN], [*self._bound, *self._extra])
        if not len(dataset) or not bool(self._outcomes[TRAIN].weight.any()):
            raise DataError("no training sample has a correct model", "check the logs, the split and the model pool")
        seed = self.settings.seed if self.settings.shuffle else None
        batches = EpochBatches(dataset, self.settings.batch_size, seed, *self._devices())
        return make_loader(dataset, batches, self.settings.workers, self.trainer, again=True)

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """Return the dev batches in order; none if there is no dev split."""
        if not len(self._learnable[DEV]):
            return []
        dataset = self._dataset(DEV, self._outcomes[DEV], [*self._bound, *self._extra])
        batches = EpochBatches(dataset, self.settings.eval_batch_size, None, *self._devices())
        return make_loader(dataset, batches, self.settings.workers, self.trainer, again=True)

    def fitting_batches(self) -> Iterator[Batch]:
        """Yield the training split once, in order and unsharded, for statistics that must not depend on a shuffle.

        Of a router that reads prompts and pictures, without them: what it learns from besides has no shuffle either.
        """
        light = [] if RAW in self.settings.inputs else self._bound
        yield from self._in_order(self._dataset(TRAIN, self._outcomes[TRAIN], [*light, *self._extra]))

    def split_batches(self, split: str) -> Iterator[Batch]:
        """Yield train or dev once, with outcomes, in order and unsharded; nothing if the split is empty."""
        yield from self._in_order(self._dataset(split, self._outcomes[split], [*self._bound, *self._extra]))

    def _in_order(self, dataset: SampleBatches) -> Iterator[Batch]:
        for start in range(0, len(dataset), self.settings.eval_batch_size):
            stop = min(start + self.settings.eval_batch_size, len(dataset))
            yield dataset[torch.arange(start, stop)]

    def decision_data(self, split: str) -> DecisionData:
        """Return the samples of a split to decide on, as an object of its own that cannot reach outcomes."""
        if split not in self._index:
            raise ConfigError(f"no split {split!r}", f"valid: {', '.join(SPLITS)}")
        outcomes = self._outcomes[split] if OUTCOMES in self.settings.inputs else None
        dataset = self._dataset(split, outcomes, self._bound)
        return DecisionData(dataset, self._sample_ids[self._index[split]].tolist(), self.settings)

    def _devices(self) -> tuple[int, int]:
        trainer = self.trainer
        return (trainer.world_size, trainer.global_rank) if trainer is not None else (1, 0)


def _used_sources(sources: Mapping[str, InputSource], inputs: frozenset[str]) -> list[InputSource]:
    needed = sorted(inputs - {DATASET, OUTCOMES})
    if missing := [name for name in needed if name not in sources]:
        raise ConfigError(f"the router reads {', '.join(missing)}, which this encoder does not give")
    return [sources[name] for name in needed]


def _dim(sources: Sequence[InputSource]) -> int:
    return sum(source.dim for source in sources)


def _codes(view: "BenchmarkView", spec: DataSpec) -> np.ndarray:
    """Return dataset codes by the spec's names: another view may count its datasets otherwise."""
    known = {name: code for code, name in enumerate(spec.dataset_names)}
    table = np.array([known.get(name, UNSEEN_DATASET) for name in view.dataset_names], dtype=np.int64)
    return table[np.asarray(view.dataset, dtype=np.int64)]


def _new_spec(view: "BenchmarkView", train: np.ndarray, trade_off: TradeOff, seed: int, dim: int) -> DataSpec:
    if not len(train):
        raise DataError("the training split is empty", "use more data or another split")
    C = np.asarray(view.C, dtype=np.float64)[train]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")  # a model without any cost is given infinity below
        means = np.nanmean(C, axis=0)
    return DataSpec(
        model_ids=tuple(view.model_ids),
        dataset_names=tuple(view.dataset_names),
        feature_dim=dim,
        mean_train_cost=tuple(math.inf if math.isnan(m) else float(m) for m in means),
        trade_off=trade_off.frozen(C),
        cost_bounds=view.bounds,
        seed=seed,
        data_fingerprint=str(view.fingerprint),
    )


def _check_spec(spec: DataSpec, view: "BenchmarkView", dim: int | None) -> None:
    if spec.model_ids != tuple(view.model_ids):
        changed = sorted(set(spec.model_ids) ^ set(view.model_ids)) or ["their order"]
        raise StateError(f"the router was trained for other models; differing: {', '.join(changed)}")
    if dim is not None and spec.feature_dim != dim:
        raise StateError(f"the router was trained on features of width {spec.feature_dim}, these have {dim}")
