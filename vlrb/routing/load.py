"""A run folder → a router that answers questions. Nothing else is needed: no benchmark, no logs, no checkout."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from vlrb.encoders.backbones.base import Backbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.text import TextInputs
from vlrb.encoders.base import Encoder
from vlrb.encoders.fusion import Fusion
from vlrb.evaluation.operating_points import read_points, within_budget
from vlrb.evaluation.runs import Run, load_run
from vlrb.routers.base import RouterModule
from vlrb.routers.checkpoint import load_router_weights
from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.routers.recipe import Recipe
from vlrb.routers.reweighable import reweighable
from vlrb.routing.inputs import FeatureReader, NothingReader, RawReader, Reader
from vlrb.routing.loaded import LoadedRouter
from vlrb.schema import CONFIG_FILE, WEIGHTS_FILE
from vlrb.utils.config import BACKBONE
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.instantiate import TARGET, build, locate

BANKS = "banks"
KINDS = (RouterModule, Encoder, Fusion, Backbone, TextInputs, PictureInputs, Recipe, nn.Module)


def load_router(
    run: Path | str, mu: float | None = None, budget: float | None = None, device: str = "cpu"
) -> LoadedRouter:
    """Load a trained router from its run folder, ready to decide on new questions.

    It computes in float32, whatever the precision of its training.

    Args:
        run: A folder that `train.py` printed, or one of its operating points (`<run>/points/mu=0.3`).
        mu: Decide by this λ in place of the one trained with; of routers that weigh cost when they decide.
        budget: Mean cost in USD per query; of the run's operating points, the most accurate on dev that costs no more.
        device: Where to compute, e.g. "cuda:0".

    Raises:
        StateError: The folder holds no finished router, or one that has λ in its weights though another is asked for.
        ConfigError: μ or the budget is out of range, or both are given.
        DataError: Weights of an encoder are not on this machine, or the run's are damaged.
    """
    folder, trade_off = _origin(load_run(Path(run).expanduser()))
    trained = load_run(folder)
    router = _router(trained)
    _check_inputs(trained, router)
    mu = _mu(trained, router, mu, budget) if (mu, budget) != (None, None) else trade_off
    place = folder.resolve()
    load_router_weights(folder, router, [place / BANKS, *(parent / BANKS for parent in place.parents[:2])])
    if mu is not None:
        router.with_trade_off(mu)
    where = _device(device)
    names = {model_id: trained.display_name(model_id) for model_id in router.spec.model_ids}
    return LoadedRouter.of(router.to(where), _reader(trained, router, where), names)


def _origin(run: Run) -> tuple[Path, float | None]:
    """Return the folder with the weights, and the μ of an operating point."""
    if run.repriced_from:
        raise StateError(f"{run.folder} holds re-priced decisions and no router", f"give {run.data['repriced']['run']}")
    if run.point is None:
        return run.folder, None
    beside = run.folder.resolve().parents[1]  # <run>/points/<point>: found though the run has moved
    recorded = Path(str(run.point["run"]))
    origin = next((p for p in (beside, recorded) if (p / WEIGHTS_FILE).is_file() and (p / CONFIG_FILE).is_file()), None)
    if origin is None:
        raise StateError(f"{run.folder} is an operating point of {recorded}, which is not there", "copy the whole run")
    if _settings(load_run(origin)) != _settings(run):
        raise StateError(f"{run.folder} is an operating point of another run than {origin}", f"give {origin} and mu")
    return origin, float(run.point["mu"])


def _settings(run: Run) -> tuple[Any, Any]:
    """Return what a run and its operating points have in common."""
    return run.config["router"], run.data["parts"]


def _router(run: Run) -> RouterModule:
    """Build the router of a run, with its backbone if it has one.

    Raises:
        StateError: The configuration names something that has no place in a router.
    """
    router_node, encoder = run.config.get("router"), run.config.get("encoder")
    if not isinstance(router_node, Mapping) or not isinstance(encoder, Mapping) or not router_node.get(TARGET):
        raise StateError(f"{run.folder / CONFIG_FILE}: not the configuration of a run", "train it again")
    for target in _targets([router_node, *encoder.values()]):
        kind = locate(target, "_target_")
        if not (isinstance(kind, type) and issubclass(kind, KINDS)):
            raise StateError(f"{run.folder / CONFIG_FILE}: {target} is no part of a router", "do not trust this folder")
    router = build(router_node, "router")
    if not isinstance(router, RouterModule):
        raise StateError(f"{run.folder / CONFIG_FILE}: {router_node[TARGET]} is no router")
    if isinstance(router, EndToEndRouter):
        backbone = build(encoder[BACKBONE], f"encoder.{BACKBONE}")
        router.attach(backbone, build(encoder["training"], "encoder.training"))
    return router


def _targets(node: Any) -> Iterator[str]:  # noqa: ANN401 - any plain value
    """Yield every `_target_` in a part of a configuration."""
    if isinstance(node, Mapping):
        if node.get(TARGET):
            yield str(node[TARGET])
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _targets(inner)


def _check_inputs(run: Run, router: RouterModule) -> None:
    if router.is_bound:
        raise StateError(
            f"{run.folder}: router {run.router!r} is a bound: it sees the outcomes that it is judged by",
            "of a new question there are none; load another run",
        )


def _mu(run: Run, router: RouterModule, mu: float | None, budget: float | None) -> float:
    """Return the trade-off that is asked for.

    Raises:
        ConfigError: It is out of range, or cannot be met.
        StateError: The router has λ in its weights, or the run has no operating points to choose from.
    """
    if mu is not None and budget is not None:
        raise ConfigError("mu and budget exclude one another", "a budget chooses its μ itself")
    if not router.can_reweigh:
        raise StateError(
            f"{run.folder}: λ is in what router {run.router!r} has learnt, so it has one operating point",
            f"train it at another λ, or take a router that weighs cost when deciding: {', '.join(reweighable())}",
        )
    if mu is not None:
        if not mu >= 0:  # NaN too
            raise ConfigError(f"mu must be a number of at least 0 or inf, not {mu}")
        return float(mu)
    asked = cast("float", budget)
    if not 0 < asked < math.inf:
        raise ConfigError(f"budget must be a number of USD per query above 0, not {asked}", "e.g. budget=0.0002")
    return within_budget(read_points(run.folder), asked).mu


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        raise ConfigError(f"device {name!r} cannot be used ({str(error).splitlines()[0]})", 'e.g. "cpu"') from error
    return device


def _reader(run: Run, router: RouterModule, device: torch.device) -> Reader:
    if isinstance(router, EndToEndRouter):
        return RawReader(router.backbone)
    if "features" in router.inputs:
        return FeatureReader.from_config(run.config["encoder"], device)
    return NothingReader()
