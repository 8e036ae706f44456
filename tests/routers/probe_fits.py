"""Fit a router of conf/router with an encoder of conf/encoder on a probe, as a training job does, and let it decide."""

import os
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
import probes
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from probes import Gain, Probe

from vlrb.benchmark.view import BenchmarkView
from vlrb.data.raw import RawInputs
from vlrb.data.sources import FusedFeatures, InputSource
from vlrb.data.tradeoff import TradeOff
from vlrb.encoders.text.hashed import HashedNgrams
from vlrb.encoders.vision.statistics import PictureStatistics
from vlrb.routers.base import RouterModule
from vlrb.routers.end_to_end import is_end_to_end
from vlrb.tasks.fit import Fitted, build_router, decide, fit, make_data
from vlrb.utils.cli import ROOT
from vlrb.utils.config import to_plain
from vlrb.utils.instantiate import build, locate

CONF: Final = ROOT / "conf"
# What both inputs tell together shows in no gradient at first: the dev loss stays at chance for about ten epochs.
LONGER: Final = tuple(f"encoder.training.{key}" for key in ("max_epochs=20", "patience=20", "lr=0.0007"))
REFERENCE: Final = "_reference"  # ending of a router's name as it was published


def end_to_end_routers() -> list[str]:
    """Return the names of the routers that read prompts and pictures themselves; published forms are left out."""
    nodes = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((CONF / "router").glob("*.yaml"))}
    targets = {name: node["_target_"] for name, node in nodes.items() if "_target_" in node}
    return [n for n, t in targets.items() if is_end_to_end(locate(t, "router")) and not n.endswith(REFERENCE)]


def tiny_backbones() -> list[str]:
    """Return the names of the backbones that start from random weights."""
    found = sorted(path.stem for path in (CONF / "encoder").glob("*_tiny.yaml"))
    return [name for name in found if "backbone" in yaml.safe_load((CONF / f"encoder/{name}.yaml").read_text("utf-8"))]


def composed(router: str, *overrides: str) -> dict[str, Any]:
    """Return the config of a training job on this machine's CPU, in this process alone."""
    os.environ.setdefault("VLRB_ROOT", str(ROOT))
    GlobalHydra.instance().clear()
    words = [f"router={router}", "trainer=cpu", "encoder.workers=0", "lambda=accuracy", *overrides]
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        return to_plain(compose("train", overrides=words), "train")


@dataclass(frozen=True)
class Run:
    """A router fitted on a probe.

    Attributes:
        fitted: Router, data and the Trainer that decides.
        config: The job's config.
        probe: What it was fitted on.
        seconds: Wall-clock time of fitting.
        epochs: Epochs that were trained.
    """

    fitted: Fitted
    config: dict[str, Any]
    probe: Probe
    seconds: float
    epochs: int

    def gain(self, shown: Probe | None = None) -> Gain:
        """Return the gain on the test split's marks, of choices made on other prompts or pictures if given."""
        fitted = self.fitted
        if shown is not None:
            sources = _sources(fitted.router, shown, self.config)
            data = make_data(fitted.router, _view(shown), sources, TradeOff(0.0), 0, fitted.data.spec)
            fitted = Fitted(fitted.router, data, fitted.decider)
        return probes.gain(self.probe.Y[self.probe.test], decide(fitted, "test").decision)


def fit_probe(probe: Probe, router_name: str, *overrides: str) -> Run:
    """Fit a router on a probe; nothing is changed in its config but what `overrides` (and `LONGER`) say."""
    backbone = any(word.startswith("encoder=") for word in overrides)
    config = composed(router_name, *(LONGER if probe.rule == "both" and backbone else ()), *overrides)
    router = build_router(config)
    if is_end_to_end(router):
        cast("Any", router).backbone.learn_text(probe.training_prompts())
    sources = _sources(router, probe, config)
    data = make_data(router, _view(probe), sources, TradeOff.from_config(config["lambda"]), config["seed"])
    started = time.perf_counter()
    fitted = fit(config, router, data)
    return Run(fitted, config, probe, time.perf_counter() - started, int(router.trainer.current_epoch))


def _view(probe: Probe) -> BenchmarkView:
    return cast("BenchmarkView", probe.view())


def _sources(router: RouterModule, probe: Probe, config: dict[str, Any]) -> dict[str, InputSource]:
    found: dict[str, InputSource] = {}
    if is_end_to_end(router):
        preprocess = cast("Any", router).backbone.preprocessor()
        found["raw"] = _Once(list(probe.prompts), probe.pictures, preprocess)
    if "features" in router.inputs | router.learns_from:
        fusion = build(config["encoder"]["fusion"], "encoder.fusion")
        found["features"] = FusedFeatures(_text_rows(probe.prompts), _picture_rows(probe.pictures), fusion)
    return found


class _Once(RawInputs):
    """Raw inputs that scale every picture once: what is timed is learning."""

    def prepared(self, row: int) -> Any:
        known: dict[int, Any] = self.__dict__.setdefault("known", {})
        if row not in known:
            known[row] = super().prepared(row)
        return known[row]


@lru_cache(maxsize=4)
def _text_rows(prompts: tuple[str, ...]) -> np.ndarray:
    return HashedNgrams().encode(list(prompts))


@lru_cache(maxsize=4)
def _picture_rows(pictures: probes.Pictures) -> np.ndarray:
    shown = [image for row in range(len(pictures)) for image in pictures.load(row)]
    if not shown:  # end-to-end routers alone are asked so, and they read features only while they learn
        return np.zeros((len(pictures), PictureStatistics().dim), np.float32)
    return PictureStatistics().encode(shown)


def describe(run: Run) -> str:
    """Return one line for a table."""
    threads = torch.get_num_threads()
    return f"share {run.gain().share:.3f}, {run.epochs} epochs, {run.seconds:.0f} s on {threads} threads"
