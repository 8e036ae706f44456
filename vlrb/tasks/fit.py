"""Fit one router through `Trainer.fit` and let it decide."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from omegaconf import OmegaConf

from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.view import BenchmarkView
from vlrb.data.batch import decision_batch
from vlrb.data.datamodule import BenchmarkDataModule
from vlrb.data.sources import InputSource
from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.routers.base import RouterModule
from vlrb.routers.end_to_end import is_end_to_end
from vlrb.routers.progress import TrainingProgress
from vlrb.routers.utility_rule import Estimates
from vlrb.tasks.backbone import attach_backbone, raw_inputs
from vlrb.tasks.build import Features
from vlrb.tasks.devices import build_trainer, ignore_hints, own_port, strategy_of
from vlrb.tasks.failures import explained
from vlrb.tasks.opened import fused_features
from vlrb.utils.cli import ROOT
from vlrb.utils.config import Plain
from vlrb.utils.instantiate import build

REFERENCES = ("oracle", "strongest_global", "cheapest_global", "strongest_per_dataset", "random")


class Decided(NamedTuple):
    """What a router chose on one split, rows in the view's order.

    Attributes:
        scores: (n, M) float32.
        decision: (n,) int64 columns.
        probability: (n, M) float32 that each model is right; None if the router states none.
        cost: (n, M) float32 that it expects in USD; None if the router states none.
    """

    scores: np.ndarray
    decision: np.ndarray
    probability: np.ndarray | None = None
    cost: np.ndarray | None = None


class Fitted(NamedTuple):
    """A fitted router with the data that it was fitted on."""

    router: RouterModule
    data: BenchmarkDataModule
    decider: L.Trainer


def input_sources(
    config: Plain,
    benchmark: Benchmark,
    router: RouterModule,
    features: Features | None,
    view: BenchmarkView | None = None,
) -> dict[str, InputSource]:
    """Return the inputs that this configuration can give to a router; of a `view` to train on, prepared for that."""
    found: dict[str, InputSource] = {**raw_inputs(config, router, benchmark, view)}
    if features is not None:
        found["features"] = fused_features(config, features)
    return found


def make_data(
    router: RouterModule,
    view: BenchmarkView,
    sources: dict[str, InputSource],
    trade_off: TradeOff,
    seed: int,
    spec: DataSpec | None = None,
) -> BenchmarkDataModule:
    """Return the batches that a router wants, from a view; with a `spec`, to decide alone."""
    settings = router.batch_settings(seed)
    if spec is not None:  # a trained router does not need what it only learnt from
        settings = replace(settings, learns_from=frozenset())
    return BenchmarkDataModule(view, sources, trade_off, settings, spec)


def make_trainer(
    config: Plain,
    router: RouterModule,
    logger: Any = False,  # noqa: ANN401 - any Lightning logger
    *,
    single: bool = False,
    callbacks: Sequence[Callback] = (),
) -> L.Trainer:
    """Return the Trainer of a config; the router gives what it leaves open (`single`: one device, silent)."""
    node = config["trainer"]
    given: dict[str, Any] = {
        "max_epochs": node["max_epochs"] if node["max_epochs"] and not router.closed_form else router.max_epochs,
        "logger": logger,
        "callbacks": [*callbacks, *([] if single else [TrainingProgress()])],
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
    }
    if single or router.closed_form:  # closed forms are fitted in one piece, whatever the job's devices
        given |= {"devices": 1, "num_nodes": 1, "strategy": "auto", "accumulate_grad_batches": 1}
    else:
        # of a backbone, not every part has a share in every batch
        given["strategy"] = strategy_of(node, find_unused=is_end_to_end(router))
    return build_trainer(node, given)


def fit(
    config: Plain,
    router: RouterModule,
    data: BenchmarkDataModule,
    logger: Any = False,  # noqa: ANN401 - any Lightning logger
    *,
    reference: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Fitted:
    """Bind and fit a router (`reference`: one to measure against, fitted at once and without a progress line)."""
    L.seed_everything(config["seed"], workers=True, verbose=False)
    accumulated = 1 if router.closed_form else int(config["trainer"]["accumulate_grad_batches"])
    with _Quiet(), own_port(), explained(router, router.batch_size, accumulated):
        router.bind(data.spec)
        trainer = make_trainer(config, router, logger, single=reference, callbacks=callbacks)
        trainer.fit(router, datamodule=data)
    return Fitted(router, data, make_trainer(config, router, single=True))


def decide(fitted: Fitted, split: str) -> Decided:
    """Let a router decide on one split: it is handed inputs alone."""
    decision_data = fitted.data.decision_data(split)
    if not len(decision_data):
        m = fitted.data.spec.n_models
        return Decided(np.zeros((0, m), np.float32), np.zeros(0, np.int64))
    with _Quiet(), explained(fitted.router, fitted.data.settings.eval_batch_size):
        batches = fitted.decider.predict(fitted.router, datamodule=decision_data)
    scores = torch.cat(cast("list[torch.Tensor]", batches)).float().cpu()
    estimated = estimate(fitted, split)
    stated = () if estimated is None else (estimated.accuracy.numpy(), estimated.cost.numpy())
    return Decided(scores.numpy(), fitted.router.decide(scores).cpu().numpy(), *stated)


def estimate(fitted: Fitted, split: str) -> Estimates | None:
    """Return what the router expects of each model on one split, (n, M) each; None if it does not decide that way."""
    router, found = fitted.router.eval(), []
    if not router.can_reweigh:
        return None
    with torch.inference_mode():
        for batch in fitted.data.decision_data(split).predict_dataloader():
            here = router.transfer_batch_to_device(batch, router.device, 0)
            estimates = router.estimates(decision_batch(here, router.inputs))
            if estimates is None:
                return None
            found.append(estimates)
    if not found:
        return None
    accuracy, cost = (torch.cat(parts).float().cpu() for parts in zip(*found, strict=True))
    return Estimates(accuracy, cost)


def build_router(config: Plain) -> RouterModule:
    """Build the router of a config, checked against its constructor, with its backbone if it has one."""
    router = cast("RouterModule", build(config["router"], "router"))
    attach_backbone(config, router)
    return router


def build_reference(name: str) -> RouterModule:
    """Build a reference router from its own YAML."""
    node = OmegaConf.to_container(OmegaConf.load(Path(ROOT) / "conf" / "router" / f"{name}.yaml"))
    return cast("RouterModule", build(cast("Plain", node), f"router[{name}]"))


class _Quiet(warnings.catch_warnings):
    """Silence Lightning's hints while a block runs."""

    def __enter__(self) -> None:
        super().__enter__()
        ignore_hints()
