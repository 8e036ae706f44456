"""A small world with known structure, and the one way to fit a router on it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from vlrb.data.datamodule import BenchmarkDataModule
from vlrb.data.raw import RawInputs
from vlrb.data.sources import FusedFeatures
from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.lxmert import LxmertBackbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.samples import RAW_KEYS
from vlrb.encoders.backbones.text import LearnedTokens
from vlrb.encoders.backbones.towers import ConvTower
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.base import RouterModule, TrainingArrays
from vlrb.routers.end_to_end import is_end_to_end
from vlrb.routers.recipe import Recipe
from vlrb.utils.cli import ROOT
from vlrb.utils.instantiate import build

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # banners and tips

ROUTER_FOLDER = Path(ROOT) / "conf" / "router"
ROUTER_NAMES = sorted(path.stem for path in ROUTER_FOLDER.glob("*.yaml"))


def router_node(name: str) -> dict[str, Any]:
    """A router's YAML with its `defaults` (other routers) merged in, as Hydra does."""
    node = OmegaConf.load(ROUTER_FOLDER / f"{name}.yaml")
    listed = [base for base in node.pop("defaults", []) if isinstance(base, str)]  # others choose the encoder
    bases = [router_node(base) for base in listed if base != "_self_"]
    merged = OmegaConf.merge(*bases, node)
    return OmegaConf.to_container(merged, resolve=True)


def make_view(n: int = 420, m: int = 5, d: int = 10, seed: int = 0) -> SimpleNamespace:
    """Five models, four kinds of sample; each kind has its own best model. Rows keep a gap, as a real view does."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    centres = rng.normal(size=(4, d)) * 2
    features = np.concatenate([rng.normal(size=(3, d)), centres[kind] + rng.normal(size=(n, d))]).astype(np.float32)
    chance = np.full((4, m), 0.3)
    chance[np.arange(4), np.arange(4)] = 0.9
    chance[:, 4] = 0.6
    Y = (rng.random((n, m)) < chance[kind]).astype(np.float32)
    C = (np.array([1, 2, 4, 8, 16]) * 1e-5 * rng.uniform(0.8, 1.2, (n, m))).astype(np.float64)
    split = np.array(["train", "dev", "test"])[rng.choice(3, n, p=[0.6, 0.2, 0.2])]
    return SimpleNamespace(
        rows=np.arange(3, n + 3),
        sample_ids=np.array([f"set/{i}" for i in range(n)]),
        model_ids=tuple("ABCDE"[:m]),
        Y=Y,
        C=C,
        split=split,
        split_group=np.arange(n) // 2,
        dataset=rng.integers(0, 3, n),
        dataset_names=("one", "two", "three"),
        bounds=CostBounds(1e-5, 16e-5, "world"),
        fingerprint="world",
        features=features,
        kind=kind,
        prompts=[f"question {WORDS[k]} number {i % 7} " + "and so on " * (i % 3) for i, k in enumerate(kind)],
    )


WORDS = ("apple", "river", "seven", "cloud")
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30))


class Squares:
    """Small pictures whose colour is that of the sample's kind; some samples have none, some have two."""

    def __init__(self, kind: np.ndarray, offset: int) -> None:
        self.kind, self.offset = kind, offset

    def __len__(self) -> int:
        return len(self.kind) + self.offset

    def load(self, i: int) -> list[Image.Image]:
        row = i - self.offset
        size = (20 + row % 9, 30 - row % 7)
        return [Image.new("RGB", size, COLOURS[self.kind[row]]) for _ in range((1, 1, 2, 1, 0)[row % 5])]


def make_backbone() -> Backbone:
    """The smallest LXMERT that still has every part."""
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16, "l_layers": 1, "r_layers": 1}
    sizes |= {"x_layers": 1, "vocab_size": 300, "max_position_embeddings": 40, "visual_feat_dim": 16}
    text, pictures = LearnedTokens(vocab_size=300, max_length=24), PictureInputs(16)
    return LxmertBackbone("micro", text, pictures, ConvTower([8, 16]), sizes=sizes)


def attach(router: RouterModule) -> RouterModule:
    """Give an end-to-end router a very small backbone; leave others as they are."""
    if is_end_to_end(router):
        router.attach(make_backbone(), Recipe(max_epochs=3))
    return router


class GivenRows(Backbone):
    """A backbone whose rows are the input, so that a head and an objective can be computed by hand."""

    def __init__(self, dim: int) -> None:
        super().__init__("given", LearnedTokens(), PictureInputs(8))
        self.dim = dim

    def load(self) -> None:
        pass

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return inputs["pixels"]

    def blocks(self) -> list[list[torch.nn.Module]]:
        return []

    def configs(self) -> dict[str, Any]:
        return {}


def on_rows(router: RouterModule, dim: int, m: int, lam: float = 0.5, width: int = 0) -> RouterModule:
    """Bind an end-to-end router of M models to rows of width `dim`, for datasets one and two."""
    router.attach(GivenRows(dim), Recipe())
    ids, costs = tuple(f"m{i}" for i in range(m)), tuple(1e-4 * (i + 1) for i in range(m))
    rule, bounds = TradeOff(lam, cost_scale=1e4), CostBounds(1e-5, 1e-3, "x")
    return router.bind(DataSpec(ids, ("one", "two"), width, costs, rule, bounds, 0, "x"))


def rows_batch(router: RouterModule, rows: Any, Y: Any, C: Any, **more: Any) -> dict[str, torch.Tensor]:
    """A batch for `on_rows`, with the targets of the router's trade-off."""
    Y, C = np.asarray(Y, dtype=np.float32), np.asarray(C, dtype=np.float32)
    soft = router.spec.trade_off.targets(Y, C)
    rows = torch.as_tensor(rows, dtype=torch.float32)
    raw = dict.fromkeys(RAW_KEYS, torch.zeros(len(rows))) | {"pixels": rows}
    outcomes = {"Y": Y, "C": C, "targets": soft.targets, "weight": soft.weight}
    code = torch.zeros(len(rows), dtype=torch.int64)
    return {**raw, "dataset": code, **{k: torch.as_tensor(v) for k, v in {**outcomes, **more}.items()}}


def concat(text: torch.Tensor, vision: torch.Tensor) -> torch.Tensor:
    return torch.cat([text, vision], dim=1)


def make_data(
    router: RouterModule, view: SimpleNamespace, trade_off: TradeOff | None = None, seed: int = 0, spec: Any = None
) -> BenchmarkDataModule:
    settings = replace(router.batch_settings(seed), eval_batch_size=64)
    return BenchmarkDataModule(view, make_sources(router, view), trade_off or TradeOff(0.5), settings, spec)


def make_sources(router: RouterModule, view: SimpleNamespace) -> dict[str, Any]:
    sources: dict[str, Any] = {"features": FusedFeatures(view.features[:, :4], view.features[:, 4:], concat)}
    if is_end_to_end(router):
        prompts = [*[""] * int(view.rows[0]), *view.prompts]
        if router.backbone.stored is None:
            router.backbone.learn_text([p for p, s in zip(view.prompts, view.split, strict=True) if s == "train"])
        pictures = Squares(view.kind, int(view.rows[0]))
        sources["raw"] = RawInputs(prompts, pictures, router.backbone.preprocessor())
    return sources


def make_trainer(max_epochs: int) -> L.Trainer:
    return L.Trainer(
        accelerator="cpu",
        max_epochs=max_epochs,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
    )


def fit(
    router: RouterModule,
    view: SimpleNamespace,
    trade_off: TradeOff | None = None,
    seed: int = 0,
    max_epochs: int | None = None,
) -> BenchmarkDataModule:
    data = make_data(router, view, trade_off, seed)
    router.bind(data.spec)
    make_trainer(max_epochs or router.max_epochs).fit(router, datamodule=data)
    router.eval()
    return data


def fit_closed(
    router: RouterModule, X: Any, Y: Any, C: Any = None, trade_off: TradeOff | None = None, seed: int = 0
) -> RouterModule:
    """Fit a closed-form router on plain arrays, without a Trainer; C = 1e-4 USD everywhere unless given."""
    X, Y = np.asarray(X, dtype=np.float32), np.asarray(Y, dtype=np.float32)
    C = np.full(Y.shape, 1e-4) if C is None else np.asarray(C, dtype=np.float64)
    rule = trade_off or TradeOff(0.0, cost_scale=1e4)
    known = ~np.isnan(C)
    means = np.where(known.any(axis=0), np.where(known, C, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.inf)
    ids = tuple(f"m{i}" for i in range(Y.shape[1]))
    router.bind(
        DataSpec(ids, ("one",), X.shape[1], tuple(map(float, means)), rule, CostBounds(1e-5, 1e-3, "x"), seed, "x")
    )
    parts = [torch.from_numpy(np.array(a, dtype=np.float32)) for a in (X, *rule.targets(Y, C), Y, C)]
    with torch.no_grad():
        router.fit_arrays(TrainingArrays(*parts, torch.zeros(len(X), dtype=torch.int64)))
    return router.eval()


def ask(router: RouterModule, X: Any) -> np.ndarray:
    """Scores of a feature router for plain rows."""
    with torch.no_grad():
        return router({"features": torch.from_numpy(np.array(X, dtype=np.float32))}).numpy()


def scores(router: RouterModule, data: BenchmarkDataModule, split: str = "test") -> torch.Tensor:
    batches = make_trainer(1).predict(router, datamodule=data.decision_data(split))
    return torch.cat(batches)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """Everything that the router tests share, in one place."""
    helpers: dict[str, Callable[..., Any]] = {
        "node": router_node,
        "view": make_view,
        "data": make_data,
        "sources": make_sources,
        "trainer": make_trainer,
        "fit": fit,
        "scores": scores,
        "fit_closed": fit_closed,
        "ask": ask,
        "build": lambda which, **given: attach(build({**router_node(which), **given}, "router")),
        "attach": attach,
        "on_rows": on_rows,
        "rows_batch": rows_batch,
    }
    return SimpleNamespace(names=ROUTER_NAMES, **helpers)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that asks for `router_name` once for every file in conf/router."""
    if "router_name" in metafunc.fixturenames:
        metafunc.parametrize("router_name", ROUTER_NAMES)
